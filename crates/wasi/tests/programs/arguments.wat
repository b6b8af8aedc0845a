;; Prints its arguments, each with the 0 that ends it replaced by a newline.
;; args: program one "two" 3
;; stdout: program
;; stdout: one
;; stdout: "two"
;; stdout: 3
;; exit: 4
(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (local $at i32)
    (if (call $sizes (i32.const 8) (i32.const 4)) (then (unreachable)))
    (if (call $args (i32.const 100) (i32.const 1000)) (then (unreachable)))
    (i32.store (i32.const 0) (i32.const 1000)) ;; the buffer's address, its length follows
    (local.set $at (i32.add (i32.const 1000) (i32.load (i32.const 4))))
    (loop $back
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (if (i32.eqz (i32.load8_u (local.get $at)))
        (then (i32.store8 (local.get $at) (i32.const 10))))
      (br_if $back (i32.gt_u (local.get $at) (i32.const 1000))))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
    (call $proc_exit (i32.load (i32.const 8)))))
