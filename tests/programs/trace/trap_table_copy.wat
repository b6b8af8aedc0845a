;; Traps: a copy past the end of a table.
(module
  (table 5 funcref)
  (func (export "run") (result i32)
    (local $x i32)
    (local.set $x (i32.const 5))
    (table.copy (i32.const 1) (i32.const 0) (local.get $x))
    local.get $x))
