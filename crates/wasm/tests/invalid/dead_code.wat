;; error: type mismatch
(module (func (result i32) (unreachable) (i32.add (i64.const 1))))
