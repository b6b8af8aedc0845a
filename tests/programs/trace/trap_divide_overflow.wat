;; Traps: the least integer divided by -1.
(module
  (func (export "run") (result i64)
    (local $x i32)
    (local.set $x (i32.const 5))
    (i64.div_s (i64.const 0x8000000000000000) (i64.sub (i64.const 4) (i64.extend_i32_s (local.get $x))))))
