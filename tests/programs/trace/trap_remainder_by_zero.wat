;; Traps: the remainder of a division by zero.
(module
  (func (export "run") (result i64)
    (local $x i32)
    (local.set $x (i32.const 5))
    (i64.rem_u (i64.extend_i32_s (local.get $x)) (i64.const 0))))
