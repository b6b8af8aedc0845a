;; Exceptions from before the standard: locals in bodies and clauses, delegates, rethrows.
(module
  (tag $plain)
  (tag $number (param i32))
  (func $call (param i32) (result i32) (local.get 0))
  (func (param $a i32) (param $b i32) (result i32)
    (local $c i32) (local $d i32)
    try (result i32)
        (local.set $c (call $call (local.get $a)))
        try
            (local.set $d (call $call (local.get $c)))
            (throw $number (local.get $d))
        catch $plain
            (local.set $c (local.get $b))
            (drop (call $call (i32.const 1)))
        catch_all
            (if (local.get $b) (then (rethrow 1)))
            (local.set $a (i32.const 5))
        end
        (i32.add (local.get $a) (local.get $c))
    catch $number (i32.add (local.get $d))
    end)
  (func (param $a i32) (param $b i32) (result i32)
    (local $c i32)
    (loop $again
      try $outer
          try $inner
              (local.set $c (call $call (local.get $a)))
              try (drop (call $call (i32.const 2))) delegate $outer
              try (drop (call $call (local.get $c))) delegate $inner
          catch_all (local.set $b (call $call (local.get $b)))
          end
      catch $number (br_if $again) (local.set $c (i32.const 3))
      end
      try (drop (call $call (i32.const 3))) delegate 1)
    (i32.add (local.get $b) (local.get $c)))
  (func (result i32)
    try (result i32) (i32.const 1) catch_all (i32.const 2) end
    try (unreachable) catch_all try delegate 0 (rethrow 0) end))
