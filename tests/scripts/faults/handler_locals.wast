;; A local that only the handlers of an outer `try_table` read, and that has no value at the
;; start of its body which anybody reads: it is set on one way to there, and again inside.
(module
  (tag $e)
  (memory 1)
  (func $throw (throw $e))
  (func (export "f") (param $set i32) (result i32) (local $seen i32)
    (if (local.get $set)
      (then
        (local.set $seen (i32.const 5))
        (drop (i32.load (local.get $seen)))))
    (block $outer
      (try_table (catch_all $outer)
        (block $inner
          (try_table (catch_all $inner) (call $throw)))
        (drop (i32.load (i32.const 0)))
        (local.set $seen (i32.const 7))
        (call $throw)))
    (local.get $seen))

  ;; The body begins with a loop, and the local is set in the branches of an `if`.
  (func (export "g") (param $n i32) (result i32) (local $seen i32)
    (if (i32.and (local.get $n) (i32.const 1))
      (then (local.set $seen (i32.const 1)) (i32.store (i32.const 0) (local.get $seen)))
      (else (local.set $seen (i32.const 2)) (i32.store (i32.const 4) (local.get $seen))))
    (block $outer
      (try_table (catch_all $outer)
        (loop $again
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br_if $again (i32.gt_s (local.get $n) (i32.const 0))))
        (if (i32.load (i32.const 0))
          (then (local.set $seen (i32.const 10)))
          (else (local.set $seen (i32.const 20))))
        (call $throw)))
    (local.get $seen)))

(assert_return (invoke "f" (i32.const 0)) (i32.const 7))
(assert_return (invoke "f" (i32.const 1)) (i32.const 7))
(assert_return (invoke "g" (i32.const 4)) (i32.const 20))
(assert_return (invoke "g" (i32.const 3)) (i32.const 10))
