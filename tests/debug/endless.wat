;; A loop that never ends, and a function that waits for the host.
(module
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  ;; A subscription to the monotonic clock: a minute from now.
  (data (i32.const 16) "\01\00\00\00")
  (data (i32.const 24) "\00\58\47\f8\0d\00\00\00")
  ;; A buffer.
  (data (i32.const 64) "\80\00\00\00\01\00\00\00")
  (func $spin (export "_start") (local $turns i64)
    loop
      local.get $turns
      i64.const 1
      i64.add
      local.set $turns
      br 0
    end)
  (func (export "sleep") (result i32)
    i32.const 0
    i32.const 128
    i32.const 1
    i32.const 160
    call $poll_oneoff)
  (func (export "read") (result i32)
    i32.const 0
    i32.const 64
    i32.const 1
    i32.const 160
    call $fd_read))
