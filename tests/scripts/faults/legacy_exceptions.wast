;; Exceptions as compilers wrote them before the standard, and mostly still do.

(module
  (tag $plain)
  (tag $number (param i32))
  (tag $pair (param i64 f64))
  (func $throw (param $which i32)
    (if (i32.eqz (local.get $which)) (then (throw $plain)))
    (if (i32.eq (local.get $which) (i32.const 1)) (then (throw $number (i32.const 41))))
    (if (i32.eq (local.get $which) (i32.const 2))
      (then (throw $pair (i64.const -2) (f64.const 0.25)))))

  ;; What is caught, and what locals and operands are then.
  (func (export "clauses") (param $which i32) (result i32 i32)
    (local $at i32)
    (local.set $at (i32.const 1))
    (i32.const 1000)
    try (result i32)
        (local.set $at (i32.const 2))
        (call $throw (local.get $which))
        (local.set $at (i32.const 3))
        (i32.const 5)
    catch $number
    catch $pair (drop) (i32.wrap_i64)
    catch_all (local.set $at (i32.const 4)) (i32.const 6)
    end
    (i32.add)
    (local.get $at))

  (func (export "uncaught") (param $which i32) (result i32)
    try (result i32) (call $throw (local.get $which)) (i32.const 1)
    catch $plain (i32.const 2)
    end)

  (func (export "rethrow") (param $depth i32) (result i32)
    try (result i32)
        try (result i32) (call $throw (i32.const 1)) (i32.const 0)
        catch_all
            try (result i32) (call $throw (i32.const 0)) (i32.const 0)
            catch $plain
                (if (local.get $depth) (then (rethrow 2)))
                (rethrow 0)
            end
        end
    catch $number
    catch $plain (i32.const 3)
    end)

  ;; To clauses near or far, out of the function, and out of a clause.
  (func $delegate (param $where i32) (result i32)
    try $far (result i32)
        try $near (result i32)
            (block $between (result i32)
              try (result i32)
                  (if (i32.eqz (local.get $where))
                    (then try (call $throw (i32.const 1)) delegate $near))
                  (if (i32.eq (local.get $where) (i32.const 1))
                    (then try (call $throw (i32.const 1)) delegate $far))
                  (if (i32.eq (local.get $where) (i32.const 2))
                    (then try (throw $number (i32.const 6)) delegate $between))
                  (if (i32.eq (local.get $where) (i32.const 3))
                    (then try (throw $number (i32.const 7)) delegate 5))
                  (i32.const 8)
              catch_all (unreachable)
              end)
        catch $number (i32.add (i32.const 100))
        end
    catch $number (i32.add (i32.const 200))
    end)
  (func (export "delegate") (param $where i32) (result i32)
    try (result i32) (call $delegate (local.get $where))
    catch $number (i32.add (i32.const 300))
    end)
  (func (export "from_clause") (result i32)
    try (result i32)
        try $inner (result i32) (call $throw (i32.const 0)) (i32.const 1)
        catch_all
            try (result i32) (call $throw (i32.const 1)) (i32.const 2)
            delegate $inner
        end
    catch $number
    end)

  ;; Bodies that throw nothing, or do nothing else.
  (func (export "edges") (result i32)
    try (result i32) (i32.const 1) catch $number (i32.const 2) (i32.add) end
    try (result i32) (throw $plain) catch_all (i32.const 2) end
    try (unreachable) catch_all end
    (unreachable))
  ;; A trap is no exception.
  (func (export "trap") try (unreachable) catch_all end)
  ;; Old clauses catch what new ones throw, and the other way round.
  (func (export "both") (result i32)
    (block $caught (result i32)
      (try_table (catch $number $caught)
        try
            (block $again (result exnref)
              (try_table (catch_all_ref $again) (call $throw (i32.const 1)))
              (unreachable))
            (throw_ref)
        catch $number (throw $number (i32.add (i32.const 1)))
        end)
      (i32.const 0)))
  ;; Many exceptions.
  (func (export "many") (param $count i32) (result i32)
    (local $sum i32)
    (loop $again
      try (call $throw (i32.rem_u (local.get $count) (i32.const 3)))
      catch $number (local.set $sum (i32.add (local.get $sum)))
      catch_all (local.set $sum (i32.add (local.get $sum) (i32.const 1)))
      end
      (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
    (local.get $sum)))

(assert_return (invoke "clauses" (i32.const 0)) (i32.const 1006) (i32.const 4))
(assert_return (invoke "clauses" (i32.const 1)) (i32.const 1041) (i32.const 2))
(assert_return (invoke "clauses" (i32.const 2)) (i32.const 998) (i32.const 2))
(assert_return (invoke "clauses" (i32.const 3)) (i32.const 1005) (i32.const 3))
(assert_return (invoke "uncaught" (i32.const 0)) (i32.const 2))
(assert_exception (invoke "uncaught" (i32.const 1)))
(assert_exception (invoke "uncaught" (i32.const 2)))
(assert_return (invoke "uncaught" (i32.const 3)) (i32.const 1))
(assert_return (invoke "rethrow" (i32.const 0)) (i32.const 3))
(assert_return (invoke "rethrow" (i32.const 1)) (i32.const 41))
(assert_return (invoke "delegate" (i32.const 0)) (i32.const 141))
(assert_return (invoke "delegate" (i32.const 1)) (i32.const 241))
(assert_return (invoke "delegate" (i32.const 2)) (i32.const 106))
(assert_return (invoke "delegate" (i32.const 3)) (i32.const 307))
(assert_return (invoke "delegate" (i32.const 4)) (i32.const 8))
(assert_return (invoke "from_clause") (i32.const 41))
(assert_trap (invoke "edges") "unreachable")
(assert_trap (invoke "trap") "unreachable")
(assert_return (invoke "both") (i32.const 42))
(assert_return (invoke "many" (i32.const 30000)) (i32.const 430000))

(assert_invalid
  (module (func try   catch_all (block (rethrow 0)) end))
  "invalid rethrow label")
(assert_invalid
  (module (func try delegate 1))
  "unknown label")
