;; A program that traps two calls deep.
(module $guilty
  (memory 1)
  (func $read (param $at i32) (result i32) (i32.load (local.get $at)))
  (func $middle (drop (call $read (i32.const 0x10000))))
  (func (export "_start") (call $middle))
)
