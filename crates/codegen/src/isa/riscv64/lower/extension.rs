//! What is known of the upper bits of a value's register.
//!
//! Needs: the rules of this target; a row here says what a rule there leaves. Copies
//! and spills keep all of a register, so a block parameter is sign-extended if all
//! that is passed to it is. A value that comes from outside is extended as the function
//! begins, if somebody would do it later.

use super::*;
use cranelift_entity::SecondaryMap;
use sidetrack_ir::types::{I8, I16};
use sidetrack_ir::{BlockArg, Endianness, Function, ValueDef};

/// How deep to look through operations that keep what their operands have.
const DEPTH: u32 = 4;

/// What is known: the function, and which block parameters are sign-extended.
#[derive(Clone, Copy)]
struct Facts<'a> {
    func: &'a Function,
    params: &'a SecondaryMap<Value, bool>,
}

impl<'a> Facts<'a> {
    fn of(ctx: &'a Ctx<'_>) -> Facts<'a> {
        Facts { func: ctx.func, params: &ctx.extended_params }
    }

    fn ty(self, v: Value) -> Type {
        self.func.dfg.value_type(v)
    }

    fn arg(self, inst: IrInst, n: usize) -> Value {
        self.func.dfg.args(inst)[n]
    }

    fn def_inst(self, v: Value) -> Option<IrInst> {
        match self.func.dfg.value_def(v) {
            ValueDef::Result(inst, _) => Some(inst),
            _ => None,
        }
    }

    fn iconst(self, v: Value) -> Option<i64> {
        match self.func.dfg.insts[self.def_inst(v)?].extra {
            Extra::Imm(imm) if self.func.dfg.value_type(v).is_int() => Some(imm),
            _ => None,
        }
    }
}

/// Whether the instruction would have to extend this operand of 32 bits.
fn extends(opcode: Opcode) -> bool {
    matches!(
        opcode,
        Opcode::Icmp
            | Opcode::Sextend
            | Opcode::Smin
            | Opcode::Smax
            | Opcode::Umin
            | Opcode::Umax
            | Opcode::Sdiv
            | Opcode::Udiv
            | Opcode::Srem
            | Opcode::Urem
            | Opcode::Brif
            | Opcode::BrTable
            | Opcode::Trapz
            | Opcode::Trapnz
            | Opcode::Jump
    )
}

/// The block parameters of 32 bits to which only sign-extended values are passed, and
/// those of the first block that it is worth extending at once.
pub fn params(func: &Function) -> SecondaryMap<Value, bool> {
    let mut params: SecondaryMap<Value, bool> = SecondaryMap::new();
    let mut passed: Vec<(Value, Option<Value>)> = Vec::new();
    let entry = func.layout.entry_block();
    let is_word = |v: Value| func.dfg.value_type(v) == I32;
    for block in func.layout.blocks() {
        if Some(block) != entry {
            let words = func.dfg.block_params(block).iter().filter(|&&v| is_word(v));
            words.for_each(|&v| params[v] = true);
        }
        for inst in func.layout.block_insts(block).filter(|&inst| extends(func.dfg.insts[inst].opcode)) {
            func.dfg.for_each_use(inst, |v| {
                let from_outside =
                    matches!(func.dfg.value_def(v), ValueDef::Param(of, _) if Some(of) == entry);
                params[v] |= from_outside && is_word(v);
            });
        }
        let Some(last) = func.layout.last_inst(block) else { continue };
        for call in func.dfg.block_calls(last) {
            for (arg, &param) in call.args(&func.dfg.block_args).zip(func.dfg.block_params(call.block)) {
                let value = match arg {
                    BlockArg::Value(v) => Some(v),
                    BlockArg::TryCallRet(_) | BlockArg::TryCallExn(_) => None,
                };
                passed.push((param, value));
            }
        }
    }
    // From the assumption that all are, until what is left supports itself.
    let mut changed = true;
    while changed {
        changed = false;
        for &(param, value) in &passed {
            if params[param] {
                let facts = Facts { func, params: &params };
                if !value.is_some_and(|v| signed(facts, v, DEPTH)) {
                    params[param] = false;
                    changed = true;
                }
            }
        }
    }
    params
}

/// Whether the register is the value sign-extended to 64 bits.
pub fn is_sign_extended(ctx: &Ctx<'_>, v: Value) -> bool {
    signed(Facts::of(ctx), v, DEPTH)
}

/// Whether the register is the value zero-extended to 64 bits.
pub fn is_zero_extended(ctx: &Ctx<'_>, v: Value) -> bool {
    unsigned(Facts::of(ctx), v, DEPTH)
}

/// Whether it is the second result of an operation that tells whether it overflowed.
fn is_overflow_flag(facts: Facts<'_>, inst: IrInst, v: Value) -> bool {
    facts.func.dfg.results(inst).get(1) == Some(&v) && !facts.func.dfg.insts[inst].opcode.is_call()
}

fn is_big_endian(facts: Facts<'_>, inst: IrInst) -> bool {
    match facts.func.dfg.insts[inst].extra {
        Extra::Mem(flags, _) | Extra::Atomic(flags, _) => flags.endianness == Some(Endianness::Big),
        _ => false,
    }
}

/// Whether the instruction's result, of any type wider than that, is a number that
/// one byte without sign holds.
fn is_small(facts: Facts<'_>, inst: IrInst, v: Value) -> bool {
    let dfg = &facts.func.dfg;
    match dfg.insts[inst].opcode {
        Opcode::Icmp | Opcode::Fcmp => true,
        Opcode::Clz | Opcode::Ctz | Opcode::Popcnt => true,
        Opcode::Uload8 => true,
        Opcode::Iconst => facts.iconst(v).is_some_and(|imm| (0..128).contains(&imm)),
        _ => is_overflow_flag(facts, inst, v),
    }
}

fn signed(facts: Facts<'_>, v: Value, depth: u32) -> bool {
    let ty = facts.ty(v);
    if ty == I64 {
        return true;
    }
    let Some(inst) = facts.def_inst(v).filter(|_| depth > 0) else {
        return facts.params.get(v).copied().unwrap_or_default();
    };
    if is_small(facts, inst, v) {
        return ty != I8 || !matches!(facts.func.dfg.insts[inst].opcode, Opcode::Uload8);
    }
    if facts.func.dfg.insts[inst].opcode.is_call() {
        return false;
    }
    let operands = |from: usize, to: usize| (from..to).all(|n| signed(facts, facts.arg(inst, n), depth - 1));
    match facts.func.dfg.insts[inst].opcode {
        Opcode::Iconst | Opcode::Sextend | Opcode::Bmask => true,
        Opcode::Sload8 | Opcode::Sload16 => true,
        Opcode::Uload16 => ty == I32,
        // From a narrower type, so below half of this one's range.
        Opcode::Uextend => true,
        Opcode::Band => operands(0, 2) || unsigned_and(facts, inst),
        Opcode::Bor | Opcode::Bxor => operands(0, 2),
        Opcode::Bnot => operands(0, 1),
        Opcode::Select | Opcode::SelectSpectreGuard => operands(1, 3),
        Opcode::Iadd
        | Opcode::Isub
        | Opcode::Imul
        | Opcode::Ineg
        | Opcode::Ishl
        | Opcode::Ushr
        | Opcode::Sshr
        | Opcode::Udiv
        | Opcode::Sdiv
        | Opcode::Urem
        | Opcode::Srem
        | Opcode::Smin
        | Opcode::Smax
        | Opcode::Umin
        | Opcode::Umax
        | Opcode::Smulhi
        | Opcode::Bswap
        | Opcode::FcvtToSint
        | Opcode::FcvtToUint
        | Opcode::FcvtToSintSat
        | Opcode::FcvtToUintSat => ty == I32,
        Opcode::Bitcast => ty == I32 && facts.ty(facts.arg(inst, 0)) == F32,
        Opcode::Load | Opcode::AtomicLoad => ty == I32,
        Opcode::AtomicRmw => ty == I32 && !is_big_endian(facts, inst),
        _ => false,
    }
}

/// Whether an operand of this `band` has zeros from the type's sign bit up.
fn unsigned_and(facts: Facts<'_>, inst: IrInst) -> bool {
    [0, 1].iter().any(|&n| {
        let v = facts.arg(inst, n);
        facts.iconst(v).is_some_and(|imm| sign_extended(imm, facts.ty(v)) >= 0)
    })
}

fn unsigned(facts: Facts<'_>, v: Value, depth: u32) -> bool {
    let ty = facts.ty(v);
    if ty == I64 {
        return true;
    }
    let Some(inst) = facts.def_inst(v).filter(|_| depth > 0) else { return false };
    if is_small(facts, inst, v) {
        return true;
    }
    if facts.func.dfg.insts[inst].opcode.is_call() {
        return false;
    }
    let operand = |n: usize| unsigned(facts, facts.arg(inst, n), depth - 1);
    match facts.func.dfg.insts[inst].opcode {
        Opcode::Iconst => facts.iconst(v).is_some_and(|imm| sign_extended(imm, ty) >= 0),
        Opcode::Uextend | Opcode::Uload16 => true,
        Opcode::Load | Opcode::AtomicLoad => ty == I8 || ty == I16,
        Opcode::Band => operand(0) || operand(1) || unsigned_and(facts, inst),
        Opcode::Bor | Opcode::Bxor => operand(0) && operand(1),
        Opcode::Select | Opcode::SelectSpectreGuard => operand(1) && operand(2),
        Opcode::Ushr => {
            let amount = facts.iconst(facts.arg(inst, 1)).map(|amount| amount as u64 % u64::from(ty.bits()));
            ty == I32 && amount.is_some_and(|amount| amount > 0)
        }
        _ => false,
    }
}
