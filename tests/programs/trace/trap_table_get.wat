;; Traps: an element that is not there.
(module
  (table 5 funcref)
  (func (export "run") (result i32)
    (local $x i32)
    (local.set $x (i32.const 5))
    (ref.is_null (table.get (i32.const 4)))
    (ref.is_null (table.get (local.get $x)))
    i32.add))
