;; Traps: nothing is filled if the end is outside.
(module
  (memory 1)
  (func (export "run") (result i32)
    (local $x i32)
    (local.set $x (i32.const 5))
    (memory.fill (i32.const 65530) (i32.const 1) (i32.mul (local.get $x) (i32.const 2)))
    (i32.load (i32.const 65530))))
