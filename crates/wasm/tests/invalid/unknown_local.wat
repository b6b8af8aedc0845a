;; error: unknown local 3
(module (func (local.set 3 (i32.const 1))))
