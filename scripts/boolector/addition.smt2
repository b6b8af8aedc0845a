; (x ^ y) + 2 * (x & y) is x + y for all of 32 bits: there is no counterexample.
(set-logic QF_BV)
(declare-fun x () (_ BitVec 32))
(declare-fun y () (_ BitVec 32))
(assert (not (= (bvadd (bvxor x y) (bvshl (bvand x y) #x00000001)) (bvadd x y))))
(check-sat)
