;; Traps: an indirect call past the end of the table.
(module
  (table 5 funcref)
  (func (export "run") (result i32)
    (local $x i32)
    (local.set $x (i32.const 5))
    (call_indirect (param i32) (result i32) (i32.const 1) (local.get $x))))
