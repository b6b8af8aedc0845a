;; Traps: a segment that is dropped has no bytes.
(module
  (memory 1)
  (data $d "abcdef")
  (func (export "run") (result i32)
    (local $x i32)
    (local.set $x (i32.const 5))
    (memory.init $d (i32.const 0) (i32.const 1) (local.get $x))
    (data.drop $d)
    (memory.init $d (i32.const 0) (i32.const 1) (local.get $x))
    local.get $x))
