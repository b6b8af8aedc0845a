;; Each directive that says `miss` is wrong, and must be reported as failed.

(module $m
  (func (export "one") (result i32) (i32.const 1))
  (func (export "nan") (result f32) (f32.const nan:0x400001))
  (func (export "zero") (result f64) (f64.const -0))
  (func (export "lanes") (result v128) (v128.const i32x4 1 2 3 4))
  (func (export "same") (param externref) (result externref) (local.get 0))
  (func (export "trap") unreachable)
  (func (export "none"))
  (tag $e)
  (func (export "throw") (throw $e))
)
(assert_return (invoke "one") (i32.const 2)) ;; miss
(assert_return (invoke "one") (i64.const 1)) ;; miss
(assert_return (invoke "one")) ;; miss
(assert_return (invoke "one") (either (i32.const 0) (i32.const 2))) ;; miss
(assert_return (invoke "none") (i32.const 1)) ;; miss
(assert_return (invoke "nan") (f32.const nan:canonical)) ;; miss
(assert_return (invoke "zero") (f64.const 0)) ;; miss
(assert_return (invoke "zero") (f64.const nan:arithmetic)) ;; miss
(assert_return (invoke "lanes") (v128.const i32x4 1 2 3 5)) ;; miss
(assert_return (invoke "lanes") (v128.const f64x2 nan:canonical 0)) ;; miss
(assert_return (invoke "same" (ref.extern 1)) (ref.extern 2)) ;; miss
(assert_return (invoke "same" (ref.extern 1)) (ref.null extern)) ;; miss
(assert_return (invoke "same" (ref.null extern)) (ref.null func)) ;; miss
(assert_return (invoke "trap")) ;; miss
(assert_return (invoke "no\nbody")) ;; miss
(assert_return (get "nothing") (i32.const 1)) ;; miss
(assert_trap (invoke "none") "unreachable") ;; miss
(assert_trap (invoke "trap") "integer overflow") ;; miss
(assert_trap (invoke "trap") "words of no trap") ;; miss
(assert_trap (invoke "throw") "unreachable") ;; miss
(assert_exhaustion (invoke "trap") "call stack exhausted") ;; miss
(assert_exception (invoke "one")) ;; miss
(assert_exception (invoke "trap")) ;; miss
(assert_unlinkable (module) "unknown import") ;; miss
(assert_unlinkable (module (func $f unreachable) (start $f)) "unknown import") ;; miss
(assert_invalid (module (func)) "type mismatch") ;; miss
(assert_malformed (module quote "(func)") "unexpected token") ;; miss
(module (import "nowhere" "f" (func))) ;; miss
(invoke "one") ;; miss
(register "broken") ;; miss
(invoke $m "trap") ;; miss
