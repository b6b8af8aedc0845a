;; Values of all types, in globals and locals, and a function that looks at what was written.
(module $values
  (global $small (mut i32) (i32.const -1))
  (global $large (mut i64) (i64.const 0x8000000000000000))
  (global $single (export "single") (mut f32) (f32.const 0.1))
  (global $double (mut f64) (f64.const nan:0x4000000000001))
  (global $vector (mut v128) (v128.const i32x4 1 2 3 -1))
  (global $function (mut funcref) (ref.func $twice))
  (global $nothing (mut externref) (ref.null extern))
  (global $fixed i32 (i32.const 7))
  (memory 1)
  (elem declare func $twice)
  (func $twice (param i32) (result i32)
    local.get 0
    local.get 0
    i32.add)
  (func (export "values") (param i32 i64 f32 f64) (result i32 i64 f32 f64 v128)
    (local v128 funcref externref)
    global.get $vector
    local.set 4
    ref.func $twice
    local.set 5
    local.get 0
    call $twice
    local.get 1
    local.get 2
    local.get 3
    local.get 4
    local.get 5
    drop)
  (func (export "written") (result i32 i64 f32 f64)
    nop
    global.get $small
    i32.const 16
    i32.load
    i32.add
    global.get $large
    global.get $single
    global.get $double
    i32.const 8
    i32.const 1
    i32.store))
