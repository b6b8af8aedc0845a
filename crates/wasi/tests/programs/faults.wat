;; Addresses outside of the memory are FAULT (21), lengths that add up to too much INVAL (28).
;; exit: 0
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func $expect (param $number i32) (param $errno i32)
    (if (i32.ne (local.get $number) (local.get $errno)) (then (unreachable))))
  (func (export "_start")
    (call $expect (call $random (i32.const 65536) (i32.const 0)) (i32.const 0))
    (call $expect (call $random (i32.const 65536) (i32.const 1)) (i32.const 21))
    (call $expect (call $random (i32.const -1) (i32.const -1)) (i32.const 21))
    (call $expect (call $fd_write (i32.const 1) (i32.const 65532) (i32.const 1) (i32.const 0)) (i32.const 21))
    (call $expect (call $fd_write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 65533)) (i32.const 21))
    (i32.store (i32.const 4) (i32.const -1))
    (call $expect (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)) (i32.const 21))
    (i32.store (i32.const 12) (i32.const 1))
    (call $expect (call $fd_write (i32.const 1) (i32.const 0) (i32.const 2) (i32.const 16)) (i32.const 28))))
