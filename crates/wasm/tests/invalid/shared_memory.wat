;; error: threads is not supported
(module (memory 1 1 shared))
