;; An exception that nobody catches.
(module
  (tag $number (param i32))
  (func $deep (param $n i32)
    (if (i32.eqz (local.get $n)) (then (throw $number (i32.const 3))))
    (call $deep (i32.sub (local.get $n) (i32.const 1))))
  (func (export "run") (call $deep (i32.const 3))))
