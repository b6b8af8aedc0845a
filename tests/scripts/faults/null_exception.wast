;; What is thrown may be null.

(module
  (func (export "throw") (throw_ref (ref.null exn))))
(assert_trap (invoke "throw") "null exception reference")
