;; Where ways meet, only locals that differ and are read become parameters.
(module
  (func (param $c i32) (param $x i32) (param $y i32) (result i32)
    (local $unread i32) (local $same i32)
    (local.set $same (local.get $x))
    (if (local.get $c)
      (then
        (local.set $unread (i32.const 1))
        (local.set $same (local.get $x))
        (local.set $y (i32.const 7)))
      (else
        (local.set $unread (i32.const 2))))
    (i32.add (local.get $same) (local.get $y)))

  ;; A set on a way that does not come back makes no parameter.
  (func (param $c i32) (param $x i32) (result i32)
    (if (local.get $c)
      (then
        (local.set $x (i32.const 5))
        (return (local.get $x))))
    (local.get $x)))
