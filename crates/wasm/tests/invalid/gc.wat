;; error: unsupported feature: garbage collection
(module (type (struct (field i32))))
