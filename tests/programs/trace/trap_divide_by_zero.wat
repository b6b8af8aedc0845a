;; Traps: a division by zero.
(module
  (func (export "run") (result i32)
    (local $x i32)
    (local.set $x (i32.const 5))
    (i32.add (i32.const 1) (i32.div_s (local.get $x) (i32.const 0)))))
