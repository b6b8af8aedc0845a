;; error: custom page sizes is not supported
(module (memory 1 (pagesize 1)))
