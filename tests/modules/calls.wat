;; Functions of all types, called by `run --invoke`.
(module $calls
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "all") (param i32 i64 f32 f64 v128 externref funcref)
    (result i32 i64 f32 f64 v128 externref funcref)
    (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5) (local.get 6))
  (func (export "nothing"))
  (func (export "is_zero") (param i32) (result i32) (i32.eqz (local.get 0)))
  (func $forever (export "forever") (call $forever))
  (tag $e)
  (func (export "throw") (throw $e))
  (func (export "self") (result funcref) (ref.func 0))
  (memory (export "memory") 1)
)
