;; Exceptions: every clause, through frames, caught and thrown again, out of a loop,
;; with operands that are given up, and one that crosses a tail call.
(module
  (tag $plain)
  (tag $number (param i32))
  (tag $pair (param i64 f64))
  (func $throw (param $which i32)
    (block $two
      (block $one
        (block $zero
          (br_table $zero $one $two (local.get $which)))
        (throw $plain))
      (throw $number (i32.const 41)))
    (throw $pair (i64.const -2) (f64.const 0.25)))
  (func $between (param $which i32)
    ;; Catches something else.
    (block $caught
      (try_table (catch $plain $caught)
        (call $throw (local.get $which)))
      (unreachable)))
  (func $clauses (param $which i32) (result i64)
    (block $all
      (block $pair (result i64 f64)
        (block $number (result i32)
          (i32.const 1000)
          (try_table (param i32) (catch $number $number) (catch $pair $pair) (catch_all $all)
            drop
            (call $between (local.get $which))
            (call $throw (i32.const 0)))
          (unreachable))
        (return (i64.extend_i32_s)))
      drop
      return)
    i64.const 5)
  (func $references (param $which i32) (result i32)
    (local $e exnref)
    (block $all (result exnref)
      (block $number (result i32 exnref)
        (try_table (catch_ref $number $number) (catch_all_ref $all)
          (call $throw (local.get $which)))
        (unreachable))
      (local.set $e)
      (drop (ref.is_null (local.get $e)))
      return)
    (local.set $e)
    ;; Thrown again, and caught by its tag.
    (block $again
      (try_table (catch $plain $again)
        (throw_ref (local.get $e))))
    i32.const 6)
  (func $rounds (param $n i32) (result i32)
    (local $caught i32)
    (loop $next
      (block $handler
        (try_table (catch_all $handler)
          (if (i32.and (local.get $n) (i32.const 1)) (then (throw $plain)))))
      (local.set $caught (i32.add (local.get $caught) (i32.and (local.get $n) (i32.const 1))))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    local.get $caught)
  (func $leaves
    ;; Nothing here catches what the callee throws.
    (block $never
      (try_table (catch_all $never)
        (return_call $throw (i32.const 1)))))
  (func $function_label (result i32)
    ;; The handler's label is the function's.
    (try_table (result i32) (catch $number 0)
      (call $leaves)
      (i32.const 0)))
  (func $fine (result i32)
    (block $never
      (return (try_table (result i32) (catch_all $never) (i32.const 2))))
    i32.const 3)
  (func (export "run") (result i64)
    (drop (call $clauses (i32.const 0)))
    (drop (call $clauses (i32.const 1)))
    (drop (call $references (i32.const 0)))
    (drop (call $references (i32.const 1)))
    (drop (call $rounds (i32.const 5)))
    (drop (call $function_label))
    (drop (call $fine))
    (call $clauses (i32.const 2))))
