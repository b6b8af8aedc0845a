;; A program with two memories; it ends with what it finds at 128 of the first.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory $first (export "memory") 1)
  (memory $second 1)
  (data (memory $first) (i32.const 0)
    "\fe\ff\03\04\05\06\07\08\f8\ff\ff\ff\ff\ff\ff\ff"
    "\00\00\c0\3f\00\00\80\ff\00\00\00\00\00\00\04\40\01\00\00\00\00\00\f8\7f")
  (data (memory $first) (i32.const 64) "caf\c3\a9\n\t\"\00second\00")
  (data (memory $second) (i32.const 0) "other")
  (func (export "_start") (local $address i32)
    i32.const 8
    local.set $address
    i32.const 128
    i32.load8_u
    call $proc_exit))
