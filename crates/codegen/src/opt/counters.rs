//! Loop counters: compare the next value instead of the current one.
//!
//! Needs: uses free of aliases.
//! Provides: a loop that ends when a counter equals a constant compares what is passed
//! on to the next round, so that the current value is not needed once the next one is
//! computed; both can share a register, and the way back needs no move.
//! Breaks: nothing; the control flow graph stays, the old comparison may be dead.
//!
//! Front ends do compare the next value, but [`rules`](super::rules) take a constant
//! that is added to one side of an equality over to the other, which is right
//! everywhere else.

use sidetrack_ir::{BlockArg, BlockCall, Extra, Function, Inst, IntCC, Opcode, Type, Value};

/// Lets the branches of a function compare next values of counters.
pub fn run(func: &mut Function) {
    let mut next = func.layout.entry_block();
    while let Some(block) = next {
        next = func.layout.next_block(block);
        if let Some(branch) = func.layout.last_inst(block)
            && let Extra::Brif(then, other) = func.dfg.insts[branch].extra
            && let Some(test) = Test::of(func, branch)
            && let Some((value, step)) = test.next_value(func, then).or_else(|| test.next_value(func, other))
        {
            test.replace(func, branch, value, step);
        }
    }
}

/// A comparison of a counter with a constant, which a branch depends on.
struct Test {
    cc: IntCC,
    counter: Value,
    ty: Type,
    last: i64,
}

impl Test {
    fn of(func: &Function, branch: Inst) -> Option<Test> {
        let compare = func.dfg.def_inst(func.dfg.args(branch)[0])?;
        match (func.dfg.insts[compare].opcode, func.dfg.insts[compare].extra, func.dfg.args(compare)) {
            (Opcode::Icmp, Extra::IntCC(cc @ (IntCC::Equal | IntCC::NotEqual)), &[counter, last]) => {
                let (ty, last) = (func.dfg.value_type(counter), super::constant(func, last)?);
                Some(Test { cc, counter, ty, last })
            }
            _ => None,
        }
    }

    /// What a branch passes on as the counter's next value, and by how much that is more.
    fn next_value(&self, func: &Function, call: BlockCall) -> Option<(Value, i64)> {
        let params = func.dfg.block_params(call.block);
        let at = params.iter().position(|&param| param == self.counter)?;
        let BlockArg::Value(next) = call.args.as_slice(&func.dfg.block_args)[at].into() else { return None };
        let add = func.dfg.def_inst(next)?;
        match (func.dfg.insts[add].opcode, func.dfg.args(add)) {
            (Opcode::Iadd, &[counter, step]) if counter == self.counter => {
                Some((next, super::constant(func, step)?))
            }
            _ => None,
        }
    }

    /// Lets the branch compare the next value, which is `step` more.
    fn replace(&self, func: &mut Function, branch: Inst, next: Value, step: i64) {
        let unused = 64 - self.ty.bits();
        let last = self.last.wrapping_add(step) << unused >> unused;
        if last == 0 {
            func.dfg.args_mut(branch)[0] = next;
            func.dfg.insts[branch].ty = self.ty;
            if self.cc == IntCC::Equal
                && let Extra::Brif(then, other) = &mut func.dfg.insts[branch].extra
            {
                std::mem::swap(then, other);
            }
            return;
        }
        let mut insert = |opcode, args: &[Value], extra| {
            let inst = func.dfg.make_inst(opcode, self.ty, args, extra);
            func.dfg.make_results(inst);
            func.layout.insert_inst(inst, branch);
            func.dfg.first_result(inst)
        };
        let last = insert(Opcode::Iconst, &[], Extra::Imm(last));
        let cond = insert(Opcode::Icmp, &[next, last], Extra::IntCC(self.cc));
        func.dfg.args_mut(branch)[0] = cond;
        func.dfg.insts[branch].ty = func.dfg.value_type(cond);
    }
}
