;; Traps: a vector half outside of the memory.
(module
  (memory 1)
  (func (export "run") (result v128)
    (local $x i32)
    (local.set $x (i32.const 5))
    (v128.load offset=65520 (local.get $x))))
