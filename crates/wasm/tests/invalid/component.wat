;; error: unsupported feature: the component model
(component)
