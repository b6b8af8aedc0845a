;; error: unsupported feature: wide arithmetic
(module (func (param i64) (drop (i64.mul_wide_s (local.get 0) (local.get 0)))))
