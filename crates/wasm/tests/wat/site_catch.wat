;; Labels that catch have sites, even if there is one way in. Calls in a `try_table` list
;; what handlers read too.
(module
  (tag $t (param i32))
  (import "host" "f" (func $f))
  (func (param $x i32) (param $y i32) (result i32)
    (block $caught (result i32)
      (try_table (catch $t $caught)
        (call $f)
        (local.set $x (i32.const 7))
        (call $f))
      (return (local.get $y)))
    (i32.add (local.get $x)))

  ;; A throw is an end of a run; what is thrown inside is caught here.
  (func (param $x i32)
    (block $all
      (try_table (catch_all $all)
        (throw $t (local.get $x)))))

  ;; Not caught here, nor in the `try_table` around.
  (func
    (block $caught (result i32)
      (try_table (catch $t $caught)
        (block $inner (result i32)
          (try_table (catch $t $inner)
            (call $f))
          (return))
        (drop))
      (return))
    (drop)))
