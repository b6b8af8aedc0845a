;; Addresses, offsets of all sizes, constant addresses.
(module
  (memory 1)
  (func (param $p i32) (result i32)
    (i32.store offset=8 (local.get $p) (i32.load (local.get $p)))
    (i32.store8 (i32.const 100) (i32.load16_s (i32.const 0x10000)))
    (i32.add
      (i32.load offset=0x90000000 (local.get $p))
      (memory.grow (memory.size)))))
