//! Types of operands and results by the opcode table; immediates in range.

use super::VerifierErrors;
use crate::entities::*;
use crate::function::Function;
use crate::inst::Extra;
use crate::memflags::AliasRegion;
use crate::opcode::{Ctrl, Opcode};
use crate::types::{I32, Type};

pub(super) fn check(func: &Function, errors: &mut VerifierErrors) {
    for block in func.layout.blocks() {
        for inst in func.layout.block_insts(block) {
            operands(func, inst, errors);
            immediates(func, inst, errors);
        }
    }
}

fn operands(func: &Function, inst: Inst, errors: &mut VerifierErrors) {
    let dfg = &func.dfg;
    let data = &dfg.insts[inst];
    let info = data.opcode.info();
    if !info.types.contains(data.ty) {
        let ty = data.ty;
        return errors.inst(func, inst, format_args!("{} cannot have type {ty}", data.opcode));
    }
    let args = dfg.args(inst);
    for (operand, &arg) in info.args.iter().zip(args) {
        let ty = dfg.value_type(arg);
        if !operand.accepts(data.ty, ty) {
            match operand.resolve(data.ty) {
                Some(expected) => {
                    errors.inst(func, inst, format_args!("{arg} has type {ty}, expected {expected}"))
                }
                None => errors.inst(func, inst, format_args!("{arg} has type {ty}, which is invalid here")),
            }
        }
    }
    if let Ctrl::Infer(index) = info.ctrl {
        let arg = args[usize::from(index)];
        let ty = dfg.value_type(arg);
        if ty != data.ty {
            errors.inst(func, inst, format_args!("{arg} has type {ty}, expected {}", data.ty));
        }
    }
    let expected = dfg.result_types(inst);
    let results = dfg.results(inst);
    let types: Vec<Type> = results.iter().map(|&v| dfg.value_type(v)).collect();
    if types[..] != expected[..] {
        errors.inst(func, inst, format_args!("results have types {types:?}, expected {:?}", &expected[..]));
    }
    let width = |v: Value| dfg.value_type(v).bits();
    match data.opcode {
        Opcode::Fpromote if width(args[0]) > data.ty.bits() => {
            errors.inst(func, inst, "fpromote must not narrow");
        }
        Opcode::Fdemote if width(args[0]) < data.ty.bits() => {
            errors.inst(func, inst, "fdemote must not widen");
        }
        Opcode::Bitcast
            if dfg.value_type(args[0]).lane_count() != data.ty.lane_count()
                && !matches!(data.extra, Extra::Mem(flags, _) if flags.endianness.is_some()) =>
        {
            errors.inst(func, inst, "a bitcast that changes the number of lanes needs `big` or `little`");
        }
        _ => {}
    }
}

fn immediates(func: &Function, inst: Inst, errors: &mut VerifierErrors) {
    let data = &func.dfg.insts[inst];
    match data.extra {
        Extra::Imm(imm) if data.opcode == Opcode::Iconst && data.ty.is_int() => {
            let shift = 64 - data.ty.bits();
            if imm << shift >> shift != imm {
                errors.inst(func, inst, format_args!("the constant is not sign-extended from {}", data.ty));
            }
        }
        Extra::Imm(imm) if data.opcode == Opcode::F32const && imm >> I32.bits() != 0 => {
            errors.inst(func, inst, "the constant has more than 32 bits");
        }
        Extra::Bytes(mask) if data.opcode == Opcode::Shuffle => {
            if let Some(lane) = mask.into_iter().find(|&lane| lane >= 32) {
                errors.inst(func, inst, format_args!("the mask has {lane}, but the lanes are 0 to 31"));
            }
        }
        Extra::Lane(lane) if u32::from(lane) >= data.ty.lane_count() => {
            errors.inst(func, inst, format_args!("{} has no lane {lane}", data.ty));
        }
        Extra::Stack(slot, offset) => {
            let size = func.stack_slots[slot].size;
            if offset < 0 || i64::from(offset) > i64::from(size) {
                errors.inst(
                    func,
                    inst,
                    format_args!("offset {offset} is outside of {slot}, which has {size} bytes"),
                );
            }
        }
        Extra::Global(gv) => super::globals::instruction(func, inst, gv, errors),
        Extra::Mem(flags, _) if data.opcode == Opcode::Bitcast => {
            if flags.aligned || flags.readonly || flags.can_move || flags.region.is_some() {
                errors.inst(
                    func,
                    inst,
                    "the bitcast instruction only accepts the `big` or `little` memory flags",
                );
            }
        }
        Extra::Mem(flags, _) | Extra::Atomic(flags, _) => {
            if let Some(AliasRegion::Declared(n)) = flags.region
                && n as usize >= func.alias_regions.len()
            {
                errors.inst(func, inst, format_args!("region{n} does not exist"));
            }
            // A load of what never changes cannot be a store.
            if flags.readonly && data.opcode.can_store() {
                errors.inst(func, inst, "a store cannot be readonly");
            }
        }
        _ => {}
    }
}
