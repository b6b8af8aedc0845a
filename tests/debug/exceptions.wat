;; Exceptions over functions: thrown, caught, thrown again.
(module
  (tag $oops (param i32))
  (func $throws (param $n i32)
    local.get $n
    throw $oops)
  (func $passes (param $n i32)
    block $rethrow (result i32 exnref)
      try_table (catch_ref $oops $rethrow)
        local.get $n
        call $throws
      end
      return
    end
    throw_ref)
  (func (export "catch") (param $n i32) (result i32)
    block $caught (result i32)
      try_table (catch $oops $caught)
        local.get $n
        call $passes
      end
      i32.const -1
    end
    i32.const 100
    i32.add)
  (func (export "uncaught")
    i32.const 7
    call $passes))
