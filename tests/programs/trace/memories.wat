;; Two memories, one with 64-bit addresses, and bytes that go from one to the other.
(module
  (memory $small 1)
  (memory $wide i64 1 2)
  (data (memory $wide) (i64.const 0x20) "wide")
  (func (export "run") (result i64)
    (i32.store $small offset=1 (i32.const 3) (i32.const 0x01020304))
    (i64.store $wide offset=0xfff8 (i64.const 0) (i64.const -1))
    (memory.copy $wide $small (i64.const 0x22) (i32.const 4) (i32.const 4))
    (memory.copy $small $wide (i32.const 0x100) (i64.const 0x20) (i32.const 6))
    (memory.copy $wide $wide (i64.const 0x40) (i64.const 0x20) (i64.const 8))
    (memory.fill $wide (i64.const 0x48) (i32.const 7) (i64.const 2))
    (drop (memory.size $wide))
    (drop (memory.grow $wide (i64.const 1)))
    (drop (memory.grow $wide (i64.const 0x1000000000000)))
    (i64.store32 $wide (i64.const 0x1fffc) (i64.const 9))
    (i64.add
      (i64.load $wide (i64.const 0x42))
      (i64.load $small (i32.const 0x100)))))
