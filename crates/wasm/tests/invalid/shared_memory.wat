;; error: unsupported feature: shared memories
(module (memory 1 1 shared))
