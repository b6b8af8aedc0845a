;; Sites at the entry, in loops' headers, and where a label has several ways in; none
;; where a label has one, in the arms of an `if`, or after a `br_if` falls through.
(module
  ;; A loop; its label is at its start, and nothing comes to its end but the body.
  (func (param $n i32) (result i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (local.get $n)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))

  ;; The label of an `if` is a join, with a second arm or without one.
  (func (param $c i32) (param $x i32) (result i32)
    (if (local.get $c)
      (then (local.set $x (i32.const 1))))
    (if (result i32) (local.get $x)
      (then (i32.const 2))
      (else (i32.const 3))))

  ;; One way in: by the only branch, or past an arm that does not come back.
  (func (param $c i32) (result i32)
    (block $out (br $out))
    (if (local.get $c) (then (return (i32.const 1))))
    (if (local.get $c) (then) (else (unreachable)))
    (i32.const 2))

  ;; The entries of a `br_table` that name one label are one way.
  (func (param $x i32) (result i32)
    (block $a
      (block $b
        (br_table $a $a $b (local.get $x)))
      (return (i32.const 1)))
    (i32.const 2))

  ;; Operands of constructs around are listed; so are those that a branch brings.
  (func (param $c i32) (result i32)
    (i32.const 5)
    (block $out (result i32)
      (i32.const 6)
      (loop $again (param i32) (result i32)
        (br_if $again (local.get $c))
        (br_if $out (local.get $c))))
    (i32.add)))
