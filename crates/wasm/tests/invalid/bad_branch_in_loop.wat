;; error: unknown label
(module (func (local i32) (loop (local.set 0 (i32.const 1)) (br 5))))
