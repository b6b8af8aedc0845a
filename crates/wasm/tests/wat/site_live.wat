;; Only locals that may be read before they are set are listed, and only they get
;; parameters where ways meet.
(module
  (func (param $c i32) (param $dead i32) (result i32) (local $a i32) (local $b i32) (local $v v128)
    (local.set $a (i32.const 1))
    (local.set $v (i8x16.splat (local.get $c)))
    (if (local.get $c)
      (then
        (local.set $a (i32.const 2))
        (local.set $b (i32.const 3)))
      (else
        (local.set $b (i32.const 4))))
    ;; $a and $v are live here, $b is not: it is set first.
    (local.set $b (local.get $a))
    (loop $again
      ;; $c comes around the loop, $b does not.
      (local.set $b (i32.add (local.get $b) (local.get $c)))
      (br_if $again (local.tee $b (i32.sub (local.get $b) (i8x16.extract_lane_u 0 (local.get $v)))))
      (local.set $b (i32.const 0))
      (br_if $again (local.get $c)))
    (local.get $b)))
