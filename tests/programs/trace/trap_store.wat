;; Traps: a store past the end, by an offset that must not wrap around.
(module
  (memory 1)
  (func (export "run") (result i32)
    (local $x i32)
    (local.set $x (i32.const 5))
    (i64.store offset=0xffffffff (local.get $x) (i64.const -1))
    local.get $x))
