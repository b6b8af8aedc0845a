;; Traps: an indirect call of a function of another type.
(module
  (table 6 funcref)
  (elem (i32.const 5) $f)
  (func $f (param i32) (result i64)
    i64.const 1)
  (func (export "run") (result i32)
    (local $x i32)
    (local.set $x (i32.const 5))
    (call_indirect (param i32) (result i32) (i32.const 1) (local.get $x))))
