;; error: garbage collection is not supported
(module (type (struct (field i32))))
