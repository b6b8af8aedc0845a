;; Exceptions as they were before the standard, over functions: thrown, thrown again,
;; delegated past clauses, caught.
(module
  (tag $oops (param i32))
  (tag $other)
  (func $throws (param $n i32)
    local.get $n
    throw $oops)
  (func $passes (param $n i32)
    try
      local.get $n
      call $throws
    catch $other
      nop
    catch_all
      nop
      rethrow 0
    end)
  (func $delegates (param $n i32)
    try
      try
        local.get $n
        call $passes
      delegate 1
    catch_all
      unreachable
    end)
  (func (export "catch") (param $n i32) (result i32)
    (local $seen i32)
    try (result i32)
      local.get $n
      call $delegates
      i32.const -1
    catch $oops
      local.tee $seen
      i32.const 100
      i32.add
    end)
  (func (export "uncaught")
    i32.const 7
    call $passes))
