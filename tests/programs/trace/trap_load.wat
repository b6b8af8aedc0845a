;; Traps: a load whose last byte is outside of the memory.
(module
  (memory 1)
  (func (export "run") (result i32)
    (local $x i32)
    (local.set $x (i32.const 5))
    (i32.load offset=65528 (local.get $x))))
