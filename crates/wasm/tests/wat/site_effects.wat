;; Sites after calls and other operators that act beyond the frame and linear memory, and
;; the state of calls: locals that are read later, operands below the arguments.
(module
  (type $f (func (param i32) (result i32)))
  (import "host" "f" (func $import (type $f)))
  (memory 1)
  (table $t 4 10 funcref)
  (elem $e funcref)
  (data $d "x")
  (func $calls (param $x i32) (param $y i32) (result i32) (local $unread i32)
    (local.set $unread (i32.const 3))
    (i32.add
      (local.get $x)
      (call $calls (i32.const 1) (local.get $y)))
    (call $import)
    (call_indirect (type $f) (local.get $y))
    (local.set $x)
    ;; A tail call leaves no frame to come back to.
    (return_call $import (local.get $x)))

  ;; The site after a call at the end of a construct is before the `end`; the label's
  ;; comes after it.
  (func (param $c i32)
    (if (local.get $c)
      (then (drop (call $import (i32.const 1)) (nop)))
      (else (drop (call $import (i32.const 2))))))

  (func (param $n i32) (param $r funcref)
    (drop (memory.grow (local.get $n)))
    (memory.fill (i32.const 1) (i32.const 2) (local.get $n))
    (memory.copy (i32.const 1) (i32.const 2) (local.get $n))
    (memory.init $d (i32.const 1) (i32.const 0) (local.get $n))
    (data.drop $d)
    (drop (table.grow $t (local.get $r) (local.get $n)))
    (table.set $t (i32.const 0) (local.get $r))
    (table.fill $t (i32.const 0) (local.get $r) (local.get $n))
    (table.copy $t $t (i32.const 0) (i32.const 1) (local.get $n))
    (table.init $t $e (i32.const 0) (i32.const 1) (local.get $n))
    (elem.drop $e))

  ;; No sites: loads and stores are the frame's own, as long as the memory is not shared.
  (func (param $p i32)
    (i32.store (local.get $p) (i32.load (local.get $p)))
    (drop (memory.size))
    (drop (table.size $t))))
