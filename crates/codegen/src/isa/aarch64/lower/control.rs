//! Conditions, choices, traps and branches, and what the frame tells.

use super::*;
use crate::isa::aarch64::regs::{FP, SP};
use crate::vcode::MachInst;
use sidetrack_artifact::TrapCode;
use sidetrack_ir::{FloatCC, IntCC};

/// When something holds.
#[derive(Clone, Copy, Debug)]
pub enum Truth {
    /// If this does.
    One(Cond),
    /// If one of them does.
    Either(Cc, Cc),
    /// If both do.
    Both(Cc, Cc),
}

impl Truth {
    /// The opposite.
    pub fn inverted(self) -> Truth {
        match self {
            Truth::One(cond) => Truth::One(cond.inverted()),
            Truth::Either(a, b) => Truth::Both(a.inverted(), b.inverted()),
            Truth::Both(a, b) => Truth::Either(a.inverted(), b.inverted()),
        }
    }
}

/// A condition: the instructions that set the flags, to be emitted right before their
/// user, and what to look for.
#[derive(Clone, Debug)]
pub struct Test {
    /// What sets the flags.
    pub set: Option<Inst>,
    /// What to look for.
    pub truth: Truth,
}

impl Test {
    fn flags(set: Inst, cc: Cc) -> Test {
        Test { set: Some(set), truth: Truth::One(Cond::Cc(cc)) }
    }

    fn cond(cond: Cond) -> Test {
        Test { set: None, truth: Truth::One(cond) }
    }

    /// The opposite.
    fn inverted(self) -> Test {
        Test { truth: self.truth.inverted(), ..self }
    }
}

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    match opcode {
        Opcode::Icmp | Opcode::Fcmp => {
            let test = if opcode == Opcode::Icmp { icmp(ctx, inst) } else { fcmp(ctx, inst) };
            let dst = ctx.result(inst, 0);
            set_truth(ctx, dst, test);
        }
        Opcode::Select | Opcode::SelectSpectreGuard => select(ctx, inst),
        Opcode::Trapz | Opcode::Trapnz => {
            let Extra::Trap(code) = ctx.func.dfg.insts[inst].extra else { return false };
            let test = condition(ctx, ctx.arg(inst, 0));
            let test = if opcode == Opcode::Trapz { test.inverted() } else { test };
            trap_if(ctx, test, crate::trap_code(code));
        }
        Opcode::Debugtrap => ctx.emit(Inst::Breakpoint),
        Opcode::GetFramePointer => {
            let dst = ctx.result(inst, 0);
            from_physical(ctx, dst, FP);
        }
        Opcode::GetStackPointer => {
            let dst = ctx.result(inst, 0);
            from_physical(ctx, dst, SP);
        }
        Opcode::GetReturnAddress => {
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::Load { op: MemOp::LdrX, dst, addr: Amode::Base(FP, 8), trap: None });
        }
        _ => return false,
    }
    true
}

/// Copies a register that is not allocated.
fn from_physical(ctx: &mut Ctx<'_>, dst: Reg, src: Reg) {
    let zero = Imm12::new(0).expect("zero has less than twelve bits");
    alu_to(ctx, AluOp::Add, Size::S64, dst, src, Rm::Imm(zero));
}

/// Traps if the condition holds.
pub fn trap_if(ctx: &mut Ctx<'_>, test: Test, code: TrapCode) {
    test.set.into_iter().for_each(|set| ctx.emit(set));
    match test.truth {
        Truth::One(cond) => ctx.emit(Inst::TrapIf { cond, code }),
        Truth::Either(a, b) => {
            ctx.emit(Inst::TrapIf { cond: Cond::Cc(a), code });
            ctx.emit(Inst::TrapIf { cond: Cond::Cc(b), code });
        }
        Truth::Both(a, b) => {
            // One if both hold: the first, or nothing.
            let (first, both) = (temp(ctx), temp(ctx));
            set_if(ctx, first, a);
            ctx.emit(Inst::Csel { op: CselOp::Csel, size: Size::S32, dst: both, n: first, m: ZR, cc: b });
            ctx.emit(Inst::TrapIf { cond: Cond::NotZero(Size::S32, both), code });
        }
    }
}

/// Emits the test so that the flags tell, and says by which condition. Not of tests
/// that look for two.
pub fn flags_of(ctx: &mut Ctx<'_>, test: Test) -> Cc {
    test.set.into_iter().for_each(|set| ctx.emit(set));
    let zero = Rm::Imm(Imm12::new(0).expect("zero has less than twelve bits"));
    match test.truth {
        Truth::One(Cond::Cc(cc)) => cc,
        Truth::One(Cond::Zero(size, reg)) => {
            ctx.emit(cmp(size, reg, zero));
            Cc::Eq
        }
        Truth::One(Cond::NotZero(size, reg)) => {
            ctx.emit(cmp(size, reg, zero));
            Cc::Ne
        }
        Truth::One(Cond::BitClear(reg, bit) | Cond::BitSet(reg, bit)) => {
            let size = if bit < 32 { Size::S32 } else { Size::S64 };
            let mask = LogicImm::new(1 << bit, size).expect("one bit is a pattern");
            ctx.emit(Inst::Alu { op: AluOp::Ands, size, dst: ZR, n: reg, m: Rm::Logic(mask) });
            if matches!(test.truth, Truth::One(Cond::BitClear(..))) { Cc::Eq } else { Cc::Ne }
        }
        Truth::Either(a, _) | Truth::Both(a, _) => {
            debug_assert!(false, "the flags hold two conditions");
            a
        }
    }
}

/// One if the condition holds, else zero.
pub fn set_truth(ctx: &mut Ctx<'_>, dst: Reg, test: Test) {
    match test.truth {
        Truth::One(Cond::BitSet(n, bit)) => {
            let size = if bit < 32 { Size::S32 } else { Size::S64 };
            let (op, immr) = (BitfieldOp::Ubfm, bit);
            ctx.emit(Inst::Bitfield { op, size, dst, n, immr, imms: bit });
        }
        Truth::One(_) => {
            let cc = flags_of(ctx, test);
            set_if(ctx, dst, cc);
        }
        Truth::Either(a, b) => {
            test.set.into_iter().for_each(|set| ctx.emit(set));
            // The first, or one if the second holds.
            let first = temp(ctx);
            set_if(ctx, first, a);
            let cc = b.inverted();
            ctx.emit(Inst::Csel { op: CselOp::Csinc, size: Size::S32, dst, n: first, m: ZR, cc });
        }
        Truth::Both(a, b) => {
            test.set.into_iter().for_each(|set| ctx.emit(set));
            let first = temp(ctx);
            set_if(ctx, first, a);
            ctx.emit(Inst::Csel { op: CselOp::Csel, size: Size::S32, dst, n: first, m: ZR, cc: b });
        }
    }
}

/// What `csel` can make of its second operand: the value, one more, its inverse or its
/// negation.
fn second_operand(ctx: &mut Ctx<'_>, v: Value) -> (CselOp, Reg) {
    let ty = ctx.ty(v);
    if let Some(c) = ctx.iconst(v) {
        match sign_extended(c, ty) {
            1 => return (CselOp::Csinc, ZR),
            -1 => return (CselOp::Csinv, ZR),
            _ => {}
        }
    }
    if ctx.single_use(v) {
        for (opcode, op) in [(Opcode::Bnot, CselOp::Csinv), (Opcode::Ineg, CselOp::Csneg)] {
            if let Some(inst) = ctx.def_op(v, opcode) {
                return (op, ctx.reg(ctx.arg(inst, 0)));
            }
        }
        if let Some(add) = ctx.def_op(v, Opcode::Iadd)
            && let Some(1) = ctx.iconst(ctx.arg(add, 1))
        {
            return (CselOp::Csinc, ctx.reg(ctx.arg(add, 0)));
        }
    }
    (CselOp::Csel, reg_or_zero(ctx, v))
}

fn select(ctx: &mut Ctx<'_>, inst: IrInst) {
    let [v, x, y] = [0, 1, 2].map(|n| ctx.arg(inst, n));
    let ty = ctx.ty(x);
    let test = condition(ctx, v);
    if ty.is_int() {
        let size = Size::of(ty);
        // What is made of a value is second.
        let (op, second) = second_operand(ctx, y);
        let (op, first, second, test) = match op {
            CselOp::Csel => {
                let (op, first) = second_operand(ctx, x);
                match op {
                    CselOp::Csel => (op, first, second, test),
                    op => (op, second, first, test.inverted()),
                }
            }
            op => (op, reg_or_zero(ctx, x), second, test),
        };
        let dst = ctx.result(inst, 0);
        let one = |ctx: &mut Ctx<'_>, op, dst, n, m, cc| ctx.emit(Inst::Csel { op, size, dst, n, m, cc });
        return match test.truth {
            Truth::One(_) => {
                let cc = flags_of(ctx, test);
                one(ctx, op, dst, first, second, cc);
            }
            Truth::Either(a, b) => {
                test.set.into_iter().for_each(|set| ctx.emit(set));
                let partial = temp(ctx);
                one(ctx, op, partial, first, second, a);
                one(ctx, CselOp::Csel, dst, first, partial, b);
            }
            Truth::Both(a, b) => {
                // Made of the second unless both hold.
                test.set.into_iter().for_each(|set| ctx.emit(set));
                let partial = temp(ctx);
                one(ctx, op, partial, first, second, a);
                one(ctx, op, dst, partial, second, b);
            }
        };
    }
    let (x, y) = (ctx.reg(x), ctx.reg(y));
    let dst = ctx.result(inst, 0);
    let wide = ty == F64;
    if ty.is_vector() {
        return vector::select(ctx, dst, test, x, y);
    }
    let one = |ctx: &mut Ctx<'_>, dst, n, m, cc| ctx.emit(Inst::Fcsel { wide, dst, n, m, cc });
    match test.truth {
        Truth::One(_) => {
            let cc = flags_of(ctx, test);
            one(ctx, dst, x, y, cc);
        }
        Truth::Either(a, b) => {
            test.set.into_iter().for_each(|set| ctx.emit(set));
            let partial = float_temp(ctx);
            one(ctx, partial, x, y, a);
            one(ctx, dst, x, partial, b);
        }
        Truth::Both(a, b) => {
            test.set.into_iter().for_each(|set| ctx.emit(set));
            let partial = float_temp(ctx);
            one(ctx, partial, x, y, a);
            one(ctx, dst, partial, y, b);
        }
    }
}

/// One condition of the flags that holds if the test does.
pub fn single_flag(ctx: &mut Ctx<'_>, test: Test) -> Cc {
    if let Truth::One(_) = test.truth {
        return flags_of(ctx, test);
    }
    let truth = temp(ctx);
    set_truth(ctx, truth, test);
    let zero = Rm::Imm(Imm12::new(0).expect("zero has less than twelve bits"));
    ctx.emit(cmp(Size::S32, truth, zero));
    Cc::Ne
}

/// Lowers a branch.
///
/// # Errors
/// If there is no rule.
pub fn lower_branch(ctx: &mut Ctx<'_>, inst: IrInst, targets: &[Label]) -> Result<(), String> {
    let data = &ctx.func.dfg.insts[inst];
    match (data.opcode, data.extra) {
        (Opcode::Brif, _) => {
            let test = condition(ctx, ctx.arg(inst, 0));
            test.set.into_iter().for_each(|set| ctx.emit(set));
            let (then, other) = (targets[0], targets[1]);
            ctx.emit(match test.truth {
                Truth::One(cond) => Inst::Branch { cond, then, other },
                Truth::Either(a, b) => Inst::BranchEither { a, b, then, other },
                Truth::Both(a, b) => {
                    Inst::BranchEither { a: a.inverted(), b: b.inverted(), then: other, other: then }
                }
            });
        }
        (Opcode::BrTable, _) => {
            // The default comes first in the IR.
            if targets.len() == 1 {
                ctx.emit(Inst::jump(targets[0]));
            } else {
                let (index, tmp) = (ctx.reg(ctx.arg(inst, 0)), temp(ctx));
                let (default, targets) = (targets[0], targets[1..].into());
                ctx.emit(Inst::JumpTable { index, tmp, default, targets });
            }
        }
        (Opcode::Trap, Extra::Trap(code)) => ctx.emit(Inst::Trap { code: crate::trap_code(code) }),
        _ => return Err("the target has no rule for it".to_string()),
    }
    Ok(())
}

/// The condition that a value is not zero.
pub fn condition(ctx: &mut Ctx<'_>, v: Value) -> Test {
    let mut v = v;
    while let Some(inst) = ctx.def_op(v, Opcode::Uextend) {
        v = ctx.arg(inst, 0);
    }
    if let Some(inst) = ctx.def_op(v, Opcode::Icmp) {
        return icmp(ctx, inst);
    }
    if let Some(inst) = ctx.def_op(v, Opcode::Fcmp) {
        return fcmp(ctx, inst);
    }
    if let Some(test) = vector::truth(ctx, v) {
        return test;
    }
    is_not_zero(ctx, v)
}

/// The test of a value against zero.
pub fn is_not_zero(ctx: &mut Ctx<'_>, v: Value) -> Test {
    let (ty, size) = (ctx.ty(v), Size::of(ctx.ty(v)));
    if let Some(band) = ctx.def_op(v, Opcode::Band)
        && ctx.single_use(v)
    {
        return test_bits(ctx, band, ty);
    }
    if ty.bits() >= 32 || is_truth(ctx, v) {
        return Test::cond(Cond::NotZero(size, ctx.reg(v)));
    }
    let mask = LogicImm::new(zero_extended(-1, ty), size).expect("ones at the bottom are a pattern");
    let n = ctx.reg(v);
    Test::flags(Inst::Alu { op: AluOp::Ands, size, dst: ZR, n, m: Rm::Logic(mask) }, Cc::Ne)
}

/// The test of a conjunction against zero.
fn test_bits(ctx: &mut Ctx<'_>, band: IrInst, ty: Type) -> Test {
    let size = Size::of(ty);
    let (mut a, mut b) = (ctx.arg(band, 0), ctx.arg(band, 1));
    if ctx.iconst(a).is_some() {
        (a, b) = (b, a);
    }
    if let Some(c) = ctx.iconst(b).map(|c| zero_extended(c, ty)) {
        if c.is_power_of_two() {
            return Test::cond(Cond::BitSet(ctx.reg(a), c.trailing_zeros() as u8));
        }
        // Bits above a narrow type must not count.
        if let Some(mask) = LogicImm::new(c, size) {
            let n = ctx.reg(a);
            return Test::flags(Inst::Alu { op: AluOp::Ands, size, dst: ZR, n, m: Rm::Logic(mask) }, Cc::Ne);
        }
    }
    if ty.bits() >= 32 {
        let m = shifted(ctx, b).unwrap_or_else(|| Rm::Reg(ctx.reg(b)));
        let n = ctx.reg(a);
        return Test::flags(Inst::Alu { op: AluOp::Ands, size, dst: ZR, n, m }, Cc::Ne);
    }
    let (n, m) = (extended_to_32(ctx, a, false), ctx.reg(b));
    Test::flags(Inst::Alu { op: AluOp::Ands, size, dst: ZR, n, m: Rm::Reg(m) }, Cc::Ne)
}

/// The test of an `icmp`.
fn icmp(ctx: &mut Ctx<'_>, inst: IrInst) -> Test {
    let Extra::IntCC(mut cc) = ctx.func.dfg.insts[inst].extra else {
        unreachable!("the verifier has seen to it that a comparison has a condition")
    };
    let (mut a, mut b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    if ctx.iconst(a).is_some() {
        (a, b) = (b, a);
        cc = cc.swap_args();
    }
    let ty = ctx.ty(a);
    let size = Size::of(ty);
    let constant = ctx.iconst(b).map(|c| sign_extended(c, ty));
    if constant == Some(0) {
        match cc {
            IntCC::NotEqual => return is_not_zero(ctx, a),
            IntCC::Equal => return is_not_zero(ctx, a).inverted(),
            IntCC::SignedLessThan => {
                return Test::cond(Cond::BitSet(ctx.reg(a), ty.bits() as u8 - 1));
            }
            IntCC::SignedGreaterThanOrEqual => {
                return Test::cond(Cond::BitClear(ctx.reg(a), ty.bits() as u8 - 1));
            }
            _ => {}
        }
    }
    let signed = matches!(
        cc,
        IntCC::SignedLessThan
            | IntCC::SignedLessThanOrEqual
            | IntCC::SignedGreaterThan
            | IntCC::SignedGreaterThanOrEqual
    );
    // Narrow numbers are compared as numbers of 32 bits.
    let constant = constant.map(|c| if signed || ty.bits() >= 32 { c } else { zero_extended(c, ty) as i64 });
    if let Some(c) = constant {
        let (op, magnitude) = if c < 0 { (AluOp::Adds, c.wrapping_neg()) } else { (AluOp::Subs, c) };
        // The negation of the least number is itself, which `adds` would take for another.
        if let Some(imm) = Imm12::new(magnitude as u64) {
            let n = extended_to_32(ctx, a, signed);
            return Test::flags(Inst::Alu { op, size, dst: ZR, n, m: Rm::Imm(imm) }, Cc::of(cc));
        }
    }
    if ty.bits() < 32 {
        let (n, m) = (extended_to_32(ctx, a, signed), ctx.reg(b));
        return Test::flags(cmp(size, n, Rm::Extended(m, extend_of(ty, signed), 0)), Cc::of(cc));
    }
    if let Some(m) = extension(ctx, b).or_else(|| shifted(ctx, b)) {
        return Test::flags(cmp(size, ctx.reg(a), m), Cc::of(cc));
    }
    if let Some(m) = extension(ctx, a).or_else(|| shifted(ctx, a)) {
        return Test::flags(cmp(size, ctx.reg(b), m), Cc::of(cc.swap_args()));
    }
    let (n, m) = (ctx.reg(a), ctx.reg(b));
    Test::flags(cmp(size, n, Rm::Reg(m)), Cc::of(cc))
}

/// The test of an `fcmp`. Unordered operands set carry and overflow.
fn fcmp(ctx: &mut Ctx<'_>, inst: IrInst) -> Test {
    let Extra::FloatCC(cc) = ctx.func.dfg.insts[inst].extra else {
        unreachable!("the verifier has seen to it that a comparison has a condition")
    };
    let one = |cc| Truth::One(Cond::Cc(cc));
    let truth = match cc {
        FloatCC::Ordered => one(Cc::Vc),
        FloatCC::Unordered => one(Cc::Vs),
        FloatCC::Equal => one(Cc::Eq),
        FloatCC::NotEqual => one(Cc::Ne),
        FloatCC::OrderedNotEqual => Truth::Either(Cc::Mi, Cc::Gt),
        FloatCC::UnorderedOrEqual => Truth::Either(Cc::Eq, Cc::Vs),
        FloatCC::LessThan => one(Cc::Mi),
        FloatCC::LessThanOrEqual => one(Cc::Ls),
        FloatCC::GreaterThan => one(Cc::Gt),
        FloatCC::GreaterThanOrEqual => one(Cc::Ge),
        FloatCC::UnorderedOrLessThan => one(Cc::Lt),
        FloatCC::UnorderedOrLessThanOrEqual => one(Cc::Le),
        FloatCC::UnorderedOrGreaterThan => one(Cc::Hi),
        FloatCC::UnorderedOrGreaterThanOrEqual => one(Cc::Pl),
    };
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let wide = ctx.ty(a) == F64;
    let n = ctx.reg(a);
    let set = match float::is_zero(ctx, b) {
        true => Inst::FcmpZero { wide, n },
        false => Inst::Fcmp { wide, n, m: ctx.reg(b) },
    };
    Test { set: Some(set), truth }
}
