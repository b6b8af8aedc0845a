;; Tail calls: the caller's frame is gone, also with more and fewer arguments, and
;; through a table.
(module
  (type $count (func (param i32 i64) (result i64)))
  (table funcref (elem $count $even))
  (func $count (type $count)
    (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
    (return_call $count (i32.sub (local.get 0) (i32.const 1)) (i64.add (local.get 1) (i64.const 3))))
  (func $even (param $n i32) (result i32)
    (if (i32.eqz (local.get $n)) (then (return (i32.const 1))))
    (return_call $odd (i64.const 9) (f64.const 0.5) (i32.sub (local.get $n) (i32.const 1)) (v128.const i32x4 1 2 3 4)))
  (func $odd (param i64 f64) (param $n i32) (param v128) (result i32)
    (local $unused f32)
    (if (result i32) (i32.eqz (local.get $n))
      (then (i32.const 0))
      (else
        (return_call_indirect (param i32) (result i32)
          (i32.sub (local.get $n) (i32.const 1))
          (i32.const 1)))))
  (func (export "run") (result i64)
    (drop (call $even (i32.const 11)))
    (i64.add
      (i64.const 1)
      (call $count (i32.const 20) (i64.const 0)))))
