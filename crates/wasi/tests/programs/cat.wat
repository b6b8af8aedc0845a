;; Copies standard input to standard output through a buffer of eight bytes.
;; stdin: The quick brown fox jumps over the lazy dog.
;; stdout: The quick brown fox jumps over the lazy dog.
;; exit: 0
(module
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (loop $next
      ;; one buffer: address 100, length 8
      (i32.store (i32.const 0) (i32.const 100))
      (i32.store (i32.const 4) (i32.const 8))
      (if (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)) (then (unreachable)))
      (i32.store (i32.const 4) (i32.load (i32.const 16)))
      (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 20)) (then (unreachable)))
      (br_if $next (i32.load (i32.const 16))))))
