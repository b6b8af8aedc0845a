;; A call in a try_table, a clause with a value and a local that differs by the way
;; on which the exception comes.
(module
  (tag $t (param i32))
  (import "host" "f" (func $f (param i32)))
  (func (param $x i32) (result i32)
    (block $caught (result i32)
      (try_table (catch $t $caught)
        (call $f (local.get $x))
        (local.set $x (i32.const 7))
        (call $f (local.get $x)))
      (return (i32.const 0)))
    (i32.add (local.get $x))))
