;; A program that prints what it reads, and ends with the number of bytes as its exit code.
(module $echo
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\40\00\00\00")
  (func $read (result i32)
    i32.const 0
    i32.const 0
    i32.const 1
    i32.const 8
    call $fd_read
    drop
    i32.const 8
    i32.load)
  (func $write (param $length i32)
    i32.const 4
    local.get $length
    i32.store
    i32.const 1
    i32.const 0
    i32.const 1
    i32.const 8
    call $fd_write
    drop)
  (func $_start (export "_start")
    (local $length i32)
    call $read
    local.tee $length
    call $write
    local.get $length
    call $proc_exit))
