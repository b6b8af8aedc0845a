;; Traps: a float that no integer is near.
(module
  (func (export "run") (result i64)
    (local $x i32)
    (local.set $x (i32.const 5))
    (i64.trunc_f64_u (f64.mul (f64.const 0x1p63) (f64.convert_i32_s (local.get $x))))))
