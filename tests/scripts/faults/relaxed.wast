;; Relaxed operators do the same on every machine: what the specification lists first.

(module
  (func (export "swizzle") (param v128 v128) (result v128)
    (i8x16.relaxed_swizzle (local.get 0) (local.get 1)))
  (func (export "trunc_s") (param v128) (result v128)
    (i32x4.relaxed_trunc_f32x4_s (local.get 0)))
  (func (export "trunc_u") (param v128) (result v128)
    (i32x4.relaxed_trunc_f32x4_u (local.get 0)))
  (func (export "trunc_zero_s") (param v128) (result v128)
    (i32x4.relaxed_trunc_f64x2_s_zero (local.get 0)))
  (func (export "trunc_zero_u") (param v128) (result v128)
    (i32x4.relaxed_trunc_f64x2_u_zero (local.get 0)))
  (func (export "madd_f32") (param v128 v128 v128) (result v128)
    (f32x4.relaxed_madd (local.get 0) (local.get 1) (local.get 2)))
  (func (export "nmadd_f32") (param v128 v128 v128) (result v128)
    (f32x4.relaxed_nmadd (local.get 0) (local.get 1) (local.get 2)))
  (func (export "madd_f64") (param v128 v128 v128) (result v128)
    (f64x2.relaxed_madd (local.get 0) (local.get 1) (local.get 2)))
  (func (export "nmadd_f64") (param v128 v128 v128) (result v128)
    (f64x2.relaxed_nmadd (local.get 0) (local.get 1) (local.get 2)))
  (func (export "select_8") (param v128 v128 v128) (result v128)
    (i8x16.relaxed_laneselect (local.get 0) (local.get 1) (local.get 2)))
  (func (export "select_64") (param v128 v128 v128) (result v128)
    (i64x2.relaxed_laneselect (local.get 0) (local.get 1) (local.get 2)))
  (func (export "min_f32") (param v128 v128) (result v128)
    (f32x4.relaxed_min (local.get 0) (local.get 1)))
  (func (export "max_f64") (param v128 v128) (result v128)
    (f64x2.relaxed_max (local.get 0) (local.get 1)))
  (func (export "q15") (param v128 v128) (result v128)
    (i16x8.relaxed_q15mulr_s (local.get 0) (local.get 1)))
  (func (export "dot") (param v128 v128) (result v128)
    (i16x8.relaxed_dot_i8x16_i7x16_s (local.get 0) (local.get 1)))
  (func (export "dot_add") (param v128 v128 v128) (result v128)
    (i32x4.relaxed_dot_i8x16_i7x16_add_s (local.get 0) (local.get 1) (local.get 2))))

(assert_return
  (invoke "swizzle"
    (v128.const i8x16 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35)
    (v128.const i8x16 15 0 16 17 31 32 127 128 255 -16 1 2 3 4 5 6))
  (v128.const i8x16 35 20 0 0 0 0 0 0 0 0 21 22 23 24 25 26))
(assert_return (invoke "trunc_s" (v128.const f32x4 nan 1e20 -1e20 -1.9))
  (v128.const i32x4 0 0x7fffffff 0x80000000 -1))
(assert_return (invoke "trunc_u" (v128.const f32x4 nan 1e20 -1 3e9))
  (v128.const i32x4 0 0xffffffff 0 3000000000))
(assert_return (invoke "trunc_zero_s" (v128.const f64x2 -1e20 nan)) (v128.const i32x4 0x80000000 0 0 0))
(assert_return (invoke "trunc_zero_u" (v128.const f64x2 1e20 -5)) (v128.const i32x4 0xffffffff 0 0 0))
;; Rounded twice.
(assert_return
  (invoke "madd_f32"
    (v128.const f32x4 0x1.001p+0 2 0x1p+127 1)
    (v128.const f32x4 0x1.001p+0 3 2 1)
    (v128.const f32x4 -0x1.002p+0 1 -inf 0))
  (v128.const f32x4 0 7 nan:canonical 1))
(assert_return
  (invoke "nmadd_f32"
    (v128.const f32x4 0x1.001p+0 2 1 0)
    (v128.const f32x4 0x1.001p+0 3 1 1)
    (v128.const f32x4 0x1.002p+0 1 1 0))
  (v128.const f32x4 0 -5 0 0))
(assert_return
  (invoke "madd_f64"
    (v128.const f64x2 0x1.0000001p+0 2)
    (v128.const f64x2 0x1.0000001p+0 3)
    (v128.const f64x2 -0x1.0000002p+0 1))
  (v128.const f64x2 0 7))
(assert_return
  (invoke "nmadd_f64"
    (v128.const f64x2 0x1.0000001p+0 2)
    (v128.const f64x2 0x1.0000001p+0 3)
    (v128.const f64x2 0x1.0000002p+0 1))
  (v128.const f64x2 0 -5))
;; Bit by bit.
(assert_return
  (invoke "select_8"
    (v128.const i32x4 0x01234567 0xffffffff 0 -1)
    (v128.const i32x4 0x89abcdef 0 0xffffffff 5)
    (v128.const i32x4 0x0f0f0f0f 0x12345678 0x12345678 0))
  (v128.const i32x4 0x81a3c5e7 0x12345678 0xedcba987 5))
(assert_return
  (invoke "select_64"
    (v128.const i64x2 -1 0)
    (v128.const i64x2 0 -1)
    (v128.const i64x2 0x0123456789abcdef 0x7fffffffffffffff))
  (v128.const i64x2 0x0123456789abcdef 0x8000000000000000))
(assert_return
  (invoke "min_f32" (v128.const f32x4 0 -0 1 nan) (v128.const f32x4 -0 0 -1 1))
  (v128.const f32x4 -0 -0 -1 nan:canonical))
(assert_return
  (invoke "max_f64" (v128.const f64x2 -0 2) (v128.const f64x2 0 nan))
  (v128.const f64x2 0 nan:canonical))
(assert_return
  (invoke "q15" (v128.const i16x8 -32768 16384 1 -1 0 3 32767 8192) (v128.const i16x8 -32768 2 1 1 5 3 32767 4))
  (v128.const i16x8 32767 1 0 0 0 0 32766 1))
;; Signed bytes.
(assert_return
  (invoke "dot"
    (v128.const i8x16 -128 -128 127 127 1 2 -1 -2 0 0 0 0 0 0 0 0)
    (v128.const i8x16 -128 -128 127 127 3 4 3 4 0 0 0 0 0 0 0 0))
  (v128.const i16x8 -32768 32258 11 -11 0 0 0 0))
(assert_return
  (invoke "dot_add"
    (v128.const i8x16 -128 -128 127 127 1 2 -1 -2 0 0 0 0 0 0 0 0)
    (v128.const i8x16 127 127 127 127 3 4 3 4 0 0 0 0 0 0 0 0)
    (v128.const i32x4 1 2 3 0x7fffffff))
  (v128.const i32x4 -253 2 3 0x7fffffff))
