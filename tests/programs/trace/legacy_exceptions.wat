;; Exceptions as there were before the standard: clauses with and without values, one in
;; another, thrown again from within, delegated past others, in loops, out of a clause; what
;; locals are in clauses, and operands below.
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
  (func $clauses (param $which i32) (result i64)
    (local $at i32)
    i64.const 1000
    try (result i64)
      i32.const 1
      local.set $at
      local.get $which
      call $throw
      i32.const 2
      local.set $at
      i64.const 5
    catch $number
      i64.extend_i32_s
    catch $pair
      drop
      local.get $at
      i64.extend_i32_s
      i64.add
    catch_all
      i32.const 7
      local.set $at
      i64.const 3
    end
    i64.add
    local.get $at
    i64.extend_i32_s
    i64.add)
  ;; None of the clauses is that of the exception, or the body throws nothing, or itself.
  (func $misses (param $which i32) (result i32)
    try (result i32)
      try (result i32)
        local.get $which
        call $throw
        i32.const 1
      catch $plain
        i32.const 2
      end
    catch_all
      try (result i32)
        i32.const 30
      catch $number
        i32.const 31
        i32.add
      end
      try
        throw $plain
      catch $plain
      end
    end)
  ;; Thrown again: the inner exception, and the outer one from within a clause of the inner.
  (func $rethrow (param $outer i32) (result i32)
    (local $seen i32)
    try (result i32)
      try (result i32)
        i32.const 1
        call $throw
        unreachable
      catch $number
        local.set $seen
        try (result i32)
          i32.const 2
          call $throw
          i32.const 0
        catch_all
          local.get $outer
          if
            rethrow 2
          end
          rethrow 0
        end
      end
    catch $number
      local.get $seen
      i32.add
    catch $pair
      drop
      i32.wrap_i64
    end)
  ;; To the clauses of the construct around, past them, and out of the function.
  (func $delegates (param $where i32)
    (local $way i32)
    try $far
      try $near
        block $between
          i32.const 1
          local.set $way
          try
            local.get $where
            i32.eqz
            if
              try
                i32.const 1
                call $throw
              delegate $near
            end
            local.get $where
            i32.const 1
            i32.eq
            if
              i32.const 2
              local.set $way
              try
                i32.const 1
                call $throw
              delegate $far
            end
            try
              i32.const 3
              local.set $way
              i32.const 9
              throw $number
            delegate 3
          catch_all
            unreachable
          end
        end
      catch $number
        local.get $way
        i32.add
        throw $number
      end
    catch $number
      i32.const 100
      i32.add
      local.get $way
      i32.add
      throw $number
    end)
  (func $delegated (param $where i32) (result i32)
    try (result i32)
      local.get $where
      call $delegates
      i32.const -1
    catch $number
    end)
  ;; A delegate within a clause does not come back to it.
  (func $from_clause (result i32)
    try (result i32)
      try $clause (result i32)
        i32.const 0
        call $throw
        i32.const -1
      catch $plain
        try (result i32)
          i32.const 0
          call $throw
          i32.const -2
        delegate $clause
      end
    catch $plain
      i32.const 77
    end)
  (func $loops (result i32)
    (local $i i32) (local $sum i32)
    loop $again
      try
        local.get $i
        i32.const 3
        i32.rem_u
        call $throw
      catch $number
        local.get $sum
        i32.add
        local.set $sum
      catch $plain
        local.get $sum
        i32.const 1
        i32.add
        local.set $sum
        local.get $i
        i32.const 9
        i32.gt_u
        if
          local.get $i
          i32.const 4
          i32.add
          local.set $i
          br 2
        end
      catch_all
      end
      local.get $i
      i32.const 1
      i32.add
      local.tee $i
      i32.const 15
      i32.lt_u
      br_if $again
    end
    local.get $sum)
  ;; No clauses; values pass.
  (func $bare (param i32) (result i32)
    try (result i32)
      local.get 0
      try (param i32) (result i32)
        i32.const 1
        i32.add
      end
      i32.const 1
      call $throw
    catch_all
      i32.const 12
    end)
  (func (export "run") (result i64)
    i32.const 0
    call $clauses
    i32.const 1
    call $clauses
    i64.add
    i32.const 2
    call $clauses
    i64.add
    i32.const 0
    call $misses
    i32.const 1
    call $misses
    i32.add
    i32.const 0
    call $rethrow
    i32.add
    i32.const 1
    call $rethrow
    i32.add
    i32.const 0
    call $delegated
    i32.add
    i32.const 1
    call $delegated
    i32.add
    i32.const 2
    call $delegated
    i32.add
    call $from_clause
    i32.add
    call $loops
    i32.add
    i32.const 5
    call $bare
    i32.add
    i64.extend_i32_s
    i64.add))
