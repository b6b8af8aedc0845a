;; Traps: `unreachable`, behind a call, with operands below.
(module
  (func $no (param i32) (result i32)
    unreachable)
  (func (export "run") (result i32)
    (local $x i32)
    (local.set $x (i32.const 5))
    (i32.add (local.get $x) (call $no (i32.const 3)))))
