;; A loop's header has parameters for the locals that the loop sets, and no others.
(module
  (func (param $n i32) (param $step i32) (result i32)
    (local $i i32) (local $sum i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_s (local.get $i) (local.get $n)))
        (local.set $sum (i32.add (local.get $sum) (i32.mul (local.get $i) (local.get $step))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (local.get $sum)))
