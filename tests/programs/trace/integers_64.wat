;; Every operator on i64 that cannot trap, and divisions that do not, on pairs of operands
;; among which are the least and the greatest.
(module
  (func $all (param $x i64) (param $y i64) (result i64)
    (local $sum i64)
    (drop (i64.eqz (local.get $x)))
    (drop (i64.clz (local.get $x)))
    (drop (i64.ctz (local.get $x)))
    (drop (i64.popcnt (local.get $x)))
    (drop (i64.extend8_s (local.get $x)))
    (drop (i64.extend16_s (local.get $x)))
    (drop (i64.extend32_s (local.get $x)))
    (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 1)) (i64.add (local.get $x) (local.get $y))))
    (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 1)) (i64.sub (local.get $x) (local.get $y))))
    (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 1)) (i64.mul (local.get $x) (local.get $y))))
    (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 1)) (i64.and (local.get $x) (local.get $y))))
    (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 1)) (i64.or (local.get $x) (local.get $y))))
    (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 1)) (i64.xor (local.get $x) (local.get $y))))
    (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 1)) (i64.shl (local.get $x) (local.get $y))))
    (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 1)) (i64.shr_s (local.get $x) (local.get $y))))
    (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 1)) (i64.shr_u (local.get $x) (local.get $y))))
    (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 1)) (i64.rotl (local.get $x) (local.get $y))))
    (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 1)) (i64.rotr (local.get $x) (local.get $y))))
    (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 1)) (i64.extend_i32_u (i64.eq (local.get $x) (local.get $y)))))
    (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 1)) (i64.extend_i32_u (i64.ne (local.get $x) (local.get $y)))))
    (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 1)) (i64.extend_i32_u (i64.lt_s (local.get $x) (local.get $y)))))
    (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 1)) (i64.extend_i32_u (i64.lt_u (local.get $x) (local.get $y)))))
    (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 1)) (i64.extend_i32_u (i64.gt_s (local.get $x) (local.get $y)))))
    (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 1)) (i64.extend_i32_u (i64.gt_u (local.get $x) (local.get $y)))))
    (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 1)) (i64.extend_i32_u (i64.le_s (local.get $x) (local.get $y)))))
    (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 1)) (i64.extend_i32_u (i64.le_u (local.get $x) (local.get $y)))))
    (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 1)) (i64.extend_i32_u (i64.ge_s (local.get $x) (local.get $y)))))
    (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 1)) (i64.extend_i32_u (i64.ge_u (local.get $x) (local.get $y)))))
    (if (i64.ne (local.get $y) (i64.const 0))
      (then
        (local.set $sum (i64.xor (local.get $sum) (i64.div_u (local.get $x) (local.get $y))))
        (local.set $sum (i64.xor (local.get $sum) (i64.rem_u (local.get $x) (local.get $y))))
        (local.set $sum (i64.xor (local.get $sum) (i64.rem_s (local.get $x) (local.get $y))))
        ;; The least divided by -1 would trap.
        (if (i64.ne (local.get $y) (i64.const -1))
          (then (local.set $sum (i64.xor (local.get $sum) (i64.div_s (local.get $x) (local.get $y))))))))
    local.get $sum)
  (func (export "run") (result i64)
    i64.const 0
    (call $all (i64.const 7) (i64.const 3))
    i64.xor
    (call $all (i64.const -7) (i64.const 3))
    i64.xor
    (call $all (i64.const -9223372036854775808) (i64.const -1))
    i64.xor
    (call $all (i64.const 0x8000000000000000) (i64.const 65))
    i64.xor
    (call $all (i64.const 0) (i64.const 0))
    i64.xor
    (call $all (i64.const 0x7fffffffffffffff) (i64.const 0x8000000000000000))
    i64.xor
    (call $all (i64.const 0x123456789abcdef0) (i64.const 0xfedcba9876543210))
    i64.xor
    (call $all (i64.const 0x80000000) (i64.const 0xffffffff80000000))
    i64.xor))
