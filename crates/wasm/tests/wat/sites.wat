;; Where sites stand, and which locals they show.
(module
  (memory 1)
  (table 1 funcref)
  (tag $e (param i32))
  (func $callee (param i32) (result i32) (local.get 0))

  ;; The entry: all parameters, needed or not. Straight code has no more.
  (func (param i32 f64) (result i32)
    (i32.add (local.get 0) (i32.load (local.get 0))))

  ;; A loop's header; the second local is not read again after the loop.
  (func (param i32) (result i32) (local i32 i32)
    (loop $next
      (local.set 1 (i32.add (local.get 1) (local.get 2)))
      (local.set 2 (i32.const 7))
      (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1))

  ;; The end of an `if` with two arms is a join; an arm alone is none, nor is a label
  ;; with one way in.
  (func (param i32) (result i32)
    (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.const 2)))
    (block $one (br $one))
    (i32.add (local.get 0)))

  ;; After a call, with the operands below its arguments; the call has them too.
  (func (param i32) (result i32)
    (i32.add (local.get 0) (call $callee (i32.const 5)))
    (drop (memory.grow (i32.const 1)))
    (table.set (i32.const 0) (ref.null func)))

  ;; A label that catches.
  (func (param i32) (result i32)
    (block $caught (result i32)
      (try_table (catch $e $caught) (drop (call $callee (local.get 0))))
      (return (i32.const 0)))
    (i32.add (local.get 0))))
