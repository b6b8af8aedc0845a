;; An ordinary program: fills an array with pseudorandom numbers, sorts it by insertion,
;; and sums it up by place.
(module
  (memory 1)
  (global $seed (mut i32) (i32.const 12345))
  (func $random (result i32)
    (global.set $seed
      (i32.add (i32.mul (global.get $seed) (i32.const 1103515245)) (i32.const 12345)))
    (i32.shr_u (global.get $seed) (i32.const 20)))
  (func $fill (param $count i32)
    (local $i i32)
    (loop $next
      (i32.store (i32.shl (local.get $i) (i32.const 2)) (call $random))
      (br_if $next
        (i32.lt_u
          (local.tee $i (i32.add (local.get $i) (i32.const 1)))
          (local.get $count)))))
  (func $sort (param $count i32)
    (local $i i32) (local $j i32) (local $x i32)
    (local.set $i (i32.const 4))
    (local.set $count (i32.shl (local.get $count) (i32.const 2)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $i) (local.get $count)))
        (local.set $x (i32.load (local.get $i)))
        (local.set $j (local.get $i))
        (block $place
          (loop $move
            (br_if $place (i32.eqz (local.get $j)))
            (br_if $place
              (i32.le_s (i32.load (i32.sub (local.get $j) (i32.const 4))) (local.get $x)))
            (i32.store (local.get $j) (i32.load (i32.sub (local.get $j) (i32.const 4))))
            (local.set $j (i32.sub (local.get $j) (i32.const 4)))
            (br $move)))
        (i32.store (local.get $j) (local.get $x))
        (local.set $i (i32.add (local.get $i) (i32.const 4)))
        (br $next))))
  (func $weigh (param $count i32) (result f64)
    (local $i i32) (local $sum f64)
    (loop $next
      (local.set $sum
        (f64.add
          (local.get $sum)
          (f64.div
            (f64.convert_i32_s (i32.load (i32.shl (local.get $i) (i32.const 2))))
            (f64.convert_i32_u (i32.add (local.get $i) (i32.const 1))))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (local.get $count))))
    local.get $sum)
  (func (export "run") (result f64)
    (call $fill (i32.const 24))
    (call $sort (i32.const 24))
    (call $weigh (i32.const 24))))
