;; Functions that trap, called by others.
(module
  (memory 1)
  (table 2 funcref)
  (elem (i32.const 0) $divide)
  (type $binary (func (param i32 i32) (result i32)))
  (func $divide (type $binary)
    local.get 0
    local.get 1
    i32.div_s)
  (func (export "divide") (param i32 i32) (result i32)
    local.get 0
    local.get 1
    call $divide)
  (func $load (param $address i32) (result i32)
    local.get $address
    i32.load offset=4)
  (func (export "load") (param i32) (result i32)
    local.get 0
    call $load)
  (func (export "indirect") (param i32) (result i32)
    i32.const 6
    i32.const 2
    local.get 0
    call_indirect (type $binary))
  (func (export "unreachable")
    unreachable)
  (func $forever (export "forever")
    call $forever))
