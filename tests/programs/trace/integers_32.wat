;; Every operator on i32 that cannot trap, and divisions that do not, on pairs of operands
;; among which are the least and the greatest.
(module
  (func $all (param $x i32) (param $y i32) (result i32)
    (local $sum i32)
    (drop (i32.eqz (local.get $x)))
    (drop (i32.clz (local.get $x)))
    (drop (i32.ctz (local.get $x)))
    (drop (i32.popcnt (local.get $x)))
    (drop (i32.extend8_s (local.get $x)))
    (drop (i32.extend16_s (local.get $x)))
    (local.set $sum (i32.add (i32.rotl (local.get $sum) (i32.const 1)) (i32.add (local.get $x) (local.get $y))))
    (local.set $sum (i32.add (i32.rotl (local.get $sum) (i32.const 1)) (i32.sub (local.get $x) (local.get $y))))
    (local.set $sum (i32.add (i32.rotl (local.get $sum) (i32.const 1)) (i32.mul (local.get $x) (local.get $y))))
    (local.set $sum (i32.add (i32.rotl (local.get $sum) (i32.const 1)) (i32.and (local.get $x) (local.get $y))))
    (local.set $sum (i32.add (i32.rotl (local.get $sum) (i32.const 1)) (i32.or (local.get $x) (local.get $y))))
    (local.set $sum (i32.add (i32.rotl (local.get $sum) (i32.const 1)) (i32.xor (local.get $x) (local.get $y))))
    (local.set $sum (i32.add (i32.rotl (local.get $sum) (i32.const 1)) (i32.shl (local.get $x) (local.get $y))))
    (local.set $sum (i32.add (i32.rotl (local.get $sum) (i32.const 1)) (i32.shr_s (local.get $x) (local.get $y))))
    (local.set $sum (i32.add (i32.rotl (local.get $sum) (i32.const 1)) (i32.shr_u (local.get $x) (local.get $y))))
    (local.set $sum (i32.add (i32.rotl (local.get $sum) (i32.const 1)) (i32.rotl (local.get $x) (local.get $y))))
    (local.set $sum (i32.add (i32.rotl (local.get $sum) (i32.const 1)) (i32.rotr (local.get $x) (local.get $y))))
    (local.set $sum (i32.add (i32.rotl (local.get $sum) (i32.const 1)) (i32.eq (local.get $x) (local.get $y))))
    (local.set $sum (i32.add (i32.rotl (local.get $sum) (i32.const 1)) (i32.ne (local.get $x) (local.get $y))))
    (local.set $sum (i32.add (i32.rotl (local.get $sum) (i32.const 1)) (i32.lt_s (local.get $x) (local.get $y))))
    (local.set $sum (i32.add (i32.rotl (local.get $sum) (i32.const 1)) (i32.lt_u (local.get $x) (local.get $y))))
    (local.set $sum (i32.add (i32.rotl (local.get $sum) (i32.const 1)) (i32.gt_s (local.get $x) (local.get $y))))
    (local.set $sum (i32.add (i32.rotl (local.get $sum) (i32.const 1)) (i32.gt_u (local.get $x) (local.get $y))))
    (local.set $sum (i32.add (i32.rotl (local.get $sum) (i32.const 1)) (i32.le_s (local.get $x) (local.get $y))))
    (local.set $sum (i32.add (i32.rotl (local.get $sum) (i32.const 1)) (i32.le_u (local.get $x) (local.get $y))))
    (local.set $sum (i32.add (i32.rotl (local.get $sum) (i32.const 1)) (i32.ge_s (local.get $x) (local.get $y))))
    (local.set $sum (i32.add (i32.rotl (local.get $sum) (i32.const 1)) (i32.ge_u (local.get $x) (local.get $y))))
    (if (i32.ne (local.get $y) (i32.const 0))
      (then
        (local.set $sum (i32.xor (local.get $sum) (i32.div_u (local.get $x) (local.get $y))))
        (local.set $sum (i32.xor (local.get $sum) (i32.rem_u (local.get $x) (local.get $y))))
        (local.set $sum (i32.xor (local.get $sum) (i32.rem_s (local.get $x) (local.get $y))))
        ;; The least divided by -1 would trap.
        (if (i32.ne (local.get $y) (i32.const -1))
          (then (local.set $sum (i32.xor (local.get $sum) (i32.div_s (local.get $x) (local.get $y))))))))
    local.get $sum)
  (func (export "run") (result i32)
    i32.const 0
    (call $all (i32.const 7) (i32.const 3))
    i32.xor
    (call $all (i32.const -7) (i32.const 3))
    i32.xor
    (call $all (i32.const -2147483648) (i32.const -1))
    i32.xor
    (call $all (i32.const 0x80000000) (i32.const 33))
    i32.xor
    (call $all (i32.const 0) (i32.const 0))
    i32.xor
    (call $all (i32.const 0x7fffffff) (i32.const 0x80000000))
    i32.xor
    (call $all (i32.const 0x12345678) (i32.const 0xfedcba98))
    i32.xor
    (call $all (i32.const 128) (i32.const -128))
    i32.xor))
