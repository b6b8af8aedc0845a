;; Calls: deep recursion, mutual recursion through a table, several results, operands that
;; wait below the arguments.
(module
  (type $step (func (param i32 i64) (result i64)))
  (table funcref (elem $down $up $swap))
  (func $depth (param $n i32) (result i32)
    (if (result i32) (local.get $n)
      (then (i32.add (i32.const 1) (call $depth (i32.sub (local.get $n) (i32.const 1)))))
      (else (i32.const 0))))
  (func $fibonacci (param $n i32) (result i32)
    (if (i32.lt_u (local.get $n) (i32.const 2)) (then (return (local.get $n))))
    (i32.add
      (call $fibonacci (i32.sub (local.get $n) (i32.const 1)))
      (call $fibonacci (i32.sub (local.get $n) (i32.const 2)))))
  (func $down (type $step)
    (if (result i64) (i32.eqz (local.get 0))
      (then (local.get 1))
      (else
        (call_indirect (type $step)
          (i32.sub (local.get 0) (i32.const 1))
          (i64.add (local.get 1) (i64.const 1))
          (i32.and (local.get 0) (i32.const 1))))))
  (func $up (type $step)
    (call_indirect (type $step) (local.get 0) (i64.shl (local.get 1) (i64.const 1)) (i32.const 0)))
  (func $swap (param i32 i64) (result i64 i32)
    local.get 1
    local.get 0)
  (func $many (param f32 f64) (result i32 f64 f32 i64 v128)
    i32.const 1
    local.get 1
    local.get 0
    i64.const -4
    v128.const i64x2 5 6)
  (func (export "run") (result i64)
    (local $f f64)
    (drop (call $depth (i32.const 1000)))
    (drop (call $fibonacci (i32.const 9)))
    i64.const 1000
    i32.const 9
    (call $swap (i32.const 7) (i64.const 8))
    drop
    call $down
    (call_indirect (param i32 i64) (result i64 i32) (i32.const 1) (i64.const 2) (i32.const 2))
    drop
    i64.add
    (call $many (f32.const 0.5) (f64.const -0.5))
    drop
    drop
    f64.promote_f32
    f64.mul
    local.set $f
    i64.extend_i32_s
    i64.add
    i64.add))
