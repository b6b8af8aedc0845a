;; `if` with operands: each arm starts with them on the stack, and without an `else`
;; they pass through.
(module
  (func $arms (param $x i32) (result i32)
    (i32.const 20)
    (i32.eqz (local.get $x))
    (if (param i32) (result i32)
      (then (i32.add (i32.const 1)))
      (else (i32.sub (i32.const 2))))
    (local.get $x)
    (if (param i32) (result i32)
      (then (i32.mul (i32.const 5)))))
  (func $several (param $x i32) (result i64 f32)
    i64.const 7
    f32.const 0.5
    local.get $x
    (if (param i64 f32) (result i64 f32)
      (then
        drop
        i64.eqz
        i64.extend_i32_u
        f32.const 1.5)
      (else nop)))
  (func (export "run") (result i64)
    (drop (call $arms (i32.const 0)))
    (drop (call $arms (i32.const 1)))
    (drop (call $several (i32.const 0)))
    drop
    (call $several (i32.const 3))
    drop))
