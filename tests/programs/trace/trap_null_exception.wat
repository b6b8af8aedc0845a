;; Traps: throwing nothing.
(module
  (func (export "run") (result i32)
    (local $x i32)
    (local.set $x (i32.const 5))
    (throw_ref (ref.null exn))))
