;; Writes a file, looks at its size, moves it, and reads it back.
;; stdout: written
;; exit: 0
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_rename" (func $rename (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_unlink_file" (func $unlink (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_get" (func $filestat (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 100) "old" "new" "written\n")
  ;; a call that must not fail; the exit code says how it did
  (func $must (param i32) (if (local.get 0) (then (call $proc_exit (local.get 0)))))
  ;; opens the name of three bytes with the rights to read, write, seek, stat
  (func $open (param $name i32) (param $oflags i32) (result i32)
    (call $must (call $path_open (i32.const 3) (i32.const 0) (local.get $name) (i32.const 3)
      (local.get $oflags) (i64.const 0x200046) (i64.const 0) (i32.const 0) (i32.const 16)))
    (i32.load (i32.const 16)))
  (func $buffer (param $address i32) (param $len i32)
    (i32.store (i32.const 0) (local.get $address))
    (i32.store (i32.const 4) (local.get $len)))
  (func (export "_start")
    (local $fd i32)
    (local.set $fd (call $open (i32.const 100) (i32.const 1)))
    (call $buffer (i32.const 106) (i32.const 8))
    (call $must (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 16)))
    (call $must (call $filestat (local.get $fd) (i32.const 200)))
    (if (i64.ne (i64.load (i32.const 232)) (i64.const 8)) (then (unreachable)))
    (call $must (call $close (local.get $fd)))
    (call $must (call $rename
      (i32.const 3) (i32.const 100) (i32.const 3) (i32.const 3) (i32.const 103) (i32.const 3)))
    (local.set $fd (call $open (i32.const 103) (i32.const 0)))
    (call $buffer (i32.const 300) (i32.const 100))
    (call $must (call $fd_read (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 4)))
    (call $must (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
    (call $must (call $unlink (i32.const 3) (i32.const 103) (i32.const 3)))))
