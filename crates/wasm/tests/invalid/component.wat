;; error: the component model is not supported
(component)
