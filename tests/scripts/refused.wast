;; What the engine refuses by name, and all that depends on it, is skipped; the rest
;; of the script is not.

(module $good (func (export "f") (result i32) (i32.const 1)))
(module $collected (type (struct)) (func (export "f") (result i32) (i32.const 1)))
(assert_return (invoke "f") (i32.const 2))
(register "collected")
(module (import "collected" "f" (func (result i32))))
(module (memory 1 1 shared))
(assert_return (invoke $good "f") (i32.const 1))
