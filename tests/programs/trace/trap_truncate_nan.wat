;; Traps: NaN as an integer.
(module
  (func (export "run") (result i32)
    (local $x i32)
    (local.set $x (i32.const 5))
    (i32.trunc_f32_s (f32.div (f32.const 0) (f32.sub (f32.const 5) (f32.convert_i32_s (local.get $x)))))))
