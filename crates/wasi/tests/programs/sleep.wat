;; Sleeps five milliseconds by the monotonic clock; exits with 0 if they are over then.
;; exit: 0
(module
  (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (func $now (result i64)
    (if (call $time (i32.const 1) (i64.const 0) (i32.const 0)) (then (unreachable)))
    (i64.load (i32.const 0)))
  (func (export "_start")
    (local $begin i64)
    (local.set $begin (call $now))
    (i64.store (i32.const 100) (i64.const 77))      ;; user data
    (i32.store (i32.const 116) (i32.const 1))       ;; the clock
    (i64.store (i32.const 124) (i64.const 5000000)) ;; nanoseconds from now on
    (if (call $poll (i32.const 100) (i32.const 200) (i32.const 1) (i32.const 16)) (then (unreachable)))
    (if (i32.ne (i32.load (i32.const 16)) (i32.const 1)) (then (unreachable)))
    (if (i64.ne (i64.load (i32.const 200)) (i64.const 77)) (then (unreachable)))
    (call $proc_exit (i64.lt_u (i64.sub (call $now) (local.get $begin)) (i64.const 5000000)))))
