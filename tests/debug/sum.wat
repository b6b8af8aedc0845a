;; A loop and a call in it: the sum of the squares up to a number.
(module
  (global $last (export "last") (mut i32) (i32.const 0))
  (memory 1)
  (func $square (param $x i32) (result i32)
    local.get $x
    local.get $x
    i32.mul)
  (func $sum (export "sum") (param $n i32) (result i32)
    (local $i i32) (local $total i32)
    block
      loop
        local.get $i
        local.get $n
        i32.ge_s
        br_if 1
        local.get $i
        i32.const 1
        i32.add
        local.tee $i
        call $square
        local.get $total
        i32.add
        local.tee $total
        global.set $last
        i32.const 64
        local.get $total
        i32.store
        br 0
      end
    end
    local.get $total))
