;; What the code generator once got wrong.

;; A constant whose hash was that of a multiplication of two parameters.
(module
  (func (export "collision") (param i32 i32) (result i32)
    (i32.sub (i32.const -312954734) (i32.mul (local.get 0) (local.get 1)))))
(assert_return (invoke "collision" (i32.const 3) (i32.const 4)) (i32.const -312954746))

;; Vectors in other shapes than they are passed in, past an `if` that has no second arm, or
;; passes them on: the branch in front of the arms is what passes them.
(module
  (func (export "no else") (param i32) (result i64)
    (i16x8.neg (v128.const i64x2 41 5))
    local.get 0
    if (param v128) (result v128) end
    i64x2.extract_lane 0)
  (func (export "first arm") (param i32) (result i64)
    (i16x8.neg (v128.const i64x2 41 5))
    local.get 0
    if (param v128) (result v128) (i32x4.add (v128.const i64x2 1 1)) end
    i64x2.extract_lane 0)
  (func (export "two arms") (param i32) (result i64)
    (i16x8.neg (v128.const i64x2 41 5))
    local.get 0
    if (param v128) (result v128) (i32x4.add (v128.const i64x2 1 1))
    else (i64x2.add (v128.const i64x2 2 2)) end
    i64x2.extract_lane 0)
  (func (export "inner") (param i32) (result i64)
    (i16x8.neg (v128.const i64x2 41 5))
    local.get 0
    if (param v128) (result v128)
      local.get 0
      if (param v128) (result v128) br 1 end
    end
    i64x2.extract_lane 0)
  (func (export "two vectors") (param i32 v128 v128) (result i64)
    (f32x4.neg (local.get 1))
    (i8x16.neg (local.get 2))
    local.get 0
    if (param v128 v128) (result v128 v128) end
    v128.xor
    i64x2.extract_lane 0))
(assert_return (invoke "no else" (i32.const 0)) (i64.const 65495))
(assert_return (invoke "no else" (i32.const 1)) (i64.const 65495))
(assert_return (invoke "first arm" (i32.const 0)) (i64.const 65495))
(assert_return (invoke "first arm" (i32.const 1)) (i64.const 65496))
(assert_return (invoke "two arms" (i32.const 0)) (i64.const 65497))
(assert_return (invoke "two arms" (i32.const 1)) (i64.const 65496))
(assert_return (invoke "inner" (i32.const 0)) (i64.const 65495))
(assert_return (invoke "inner" (i32.const 1)) (i64.const 65495))
(assert_return
  (invoke "two vectors" (i32.const 0) (v128.const i64x2 0 0) (v128.const i64x2 1 0))
  (i64.const 0x80000000800000ff))
