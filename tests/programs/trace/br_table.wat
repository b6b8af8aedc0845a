;; Branch tables: to blocks, to a loop, out of the function, with and without operands,
;; twice to the same label, and past the end.
(module
  (func $plain (param $x i32) (result i32)
    (block $two
      (block $one
        (block $zero
          (br_table $zero $one $two $zero $one (local.get $x)))
        (return (i32.const 10)))
      (return (i32.const 20)))
    i32.const 30)
  (func $carrying (param $x i32) (result i64)
    (block $outer (result i64)
      (block $inner (result i64)
        (br_table $inner $outer 2 $inner (i64.const 7) (local.get $x)))
      (i64.add (i64.const 100))))
  (func $machine (param $state i32) (result i32)
    (local $steps i32)
    (block $stop
      (loop $again
        (local.set $steps (i32.add (local.get $steps) (i32.const 1)))
        (block $b
          (block $a
            (br_table $a $b $again $stop (local.get $state)
              (local.set $state (i32.add (local.get $state) (i32.const 1)))))
          (local.set $state (i32.const 1))
          (br $again))
        (local.set $state (i32.const 3))
        (br $again)))
    local.get $steps)
  (func $only_default (param $x i32) (result i32)
    (block (br_table 0 (local.get $x)))
    local.get $x)
  (func (export "run") (result i64)
    (local $i i32) (local $sum i64)
    (loop $next
      (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (call $plain (local.get $i)))))
      (local.set $sum (i64.add (local.get $sum) (call $carrying (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (i32.const 6))))
    (drop (call $plain (i32.const -1)))
    (drop (call $machine (i32.const 0)))
    (drop (call $machine (i32.const 1)))
    (drop (call $only_default (i32.const 5)))
    local.get $sum))
