//! Stubs between compiled code and the host.
//!
//! Values are passed in slots of 16 bytes, a value at the start of each: numbers in the
//! host's byte order, vectors as in linear memory. Parameters and results use the same slots.

use crate::signatures::{entry_signature, ir_type, wasm_signature};
use sidetrack_artifact::vmctx::{VALUE_SLOT, builtin, ctx, store, trap};
use sidetrack_artifact::{EntityIndex, FuncType, ModuleInfo, ValType};
use sidetrack_ir::types::I64;
use sidetrack_ir::{
    AliasRegion, Builder, CallConv, ExtFuncData, ExternalName, Function, IntCC, MemFlags, Opcode, Signature,
    StackSlotData, TrapCode, Value,
};
use std::collections::BTreeSet;

/// The types of which a module needs stubs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stubs {
    /// Functions of these types may be called by the host.
    pub entry: Vec<u32>,
    /// Functions of these types may be the host's.
    pub exit: Vec<u32>,
}

/// The stubs that a module needs: entry stubs for functions that have a reference,
/// are exported or are the start function; exit stubs for imported functions.
pub fn needed_stubs(info: &ModuleInfo) -> Stubs {
    let exported = info.exports.iter().filter_map(|export| match export.index {
        EntityIndex::Func(index) => Some(index),
        _ => None,
    });
    let mut entry: BTreeSet<u32> =
        exported.chain(info.start).map(|index| info.functions[index as usize].ty).collect();
    entry.extend(info.functions.iter().filter(|f| f.reference.is_some()).map(|f| f.ty));
    let imported = info.functions.iter().take(info.imported_functions as usize);
    let exit: BTreeSet<u32> = imported.map(|function| function.ty).collect();
    Stubs { entry: entry.into_iter().collect(), exit: exit.into_iter().collect() }
}

fn slot_flags() -> MemFlags {
    MemFlags::trusted()
}

fn load_slots(b: &mut Builder<'_>, types: &[ValType], slots: Value) -> Vec<Value> {
    let load = |(i, &ty): (usize, &ValType)| {
        b.load(Opcode::Load, ir_type(ty), slot_flags(), slots, i as i32 * VALUE_SLOT as i32)
    };
    types.iter().enumerate().map(load).collect()
}

fn store_slots(b: &mut Builder<'_>, values: &[Value], slots: Value) {
    for (i, &value) in values.iter().enumerate() {
        b.store(Opcode::Store, slot_flags(), value, slots, i as i32 * VALUE_SLOT as i32);
    }
}

/// The stub through which the host calls functions of a type, see
/// [`sidetrack_artifact::module::symbols::entry_stub`].
///
/// # Panics
/// If there is no such type.
pub fn entry_stub(info: &ModuleInfo, ty: u32) -> Function {
    let func_type = &info.types[ty as usize];
    let mut func = Function::new(ExternalName::user(1, ty), entry_signature());
    let mut b = Builder::new(&mut func);
    let entry = b.create_entry_block();
    let &[code, vmctx, slots] = b.func.dfg.block_params(entry) else {
        unreachable!("the entry block has the signature's parameters");
    };
    let mut args = load_slots(&mut b, &func_type.params, slots);
    args.insert(0, vmctx);
    let signature = b.func.dfg.signatures.push(wasm_signature(func_type));
    let call = b.call_indirect(signature, code, &args);
    let results = b.func.dfg.results(call).to_vec();
    store_slots(&mut b, &results, slots);
    b.return_(&[]);
    func
}

/// The stub through which compiled code calls host functions of a type, see
/// [`sidetrack_artifact::module::symbols::exit_stub`].
///
/// # Panics
/// If there is no such type.
pub fn exit_stub(info: &ModuleInfo, ty: u32) -> Function {
    let func_type = &info.types[ty as usize];
    let mut func = Function::new(ExternalName::user(2, ty), wasm_signature(func_type));
    let mut b = Builder::new(&mut func);
    let entry = b.create_entry_block();
    let params = b.func.dfg.block_params(entry).to_vec();
    let vmctx = params[0];
    record_exit(&mut b, vmctx);
    let slots = value_slots(&mut b, func_type);
    store_slots(&mut b, &params[1..], slots);
    let status = call(&mut b, builtin::HOST_CALL, &[vmctx, slots], true);

    let (returned, failed) = (b.create_block(), b.create_block());
    b.brif(status, (failed, &[]), (returned, &[]));
    b.switch_to(returned);
    let results = load_slots(&mut b, &func_type.results, slots);
    b.return_(&results);

    b.func.dfg.blocks[failed].cold = true;
    b.switch_to(failed);
    let host_error = TrapCode::user(trap::HOST_ERROR).expect("the front end's codes are in range");
    let one = b.iconst(I64, 1);
    let is_error = b.icmp(IntCC::Equal, status, one);
    b.cond_trap(Opcode::Trapnz, is_error, host_error);
    let zero = b.iconst(I64, 0);
    call(&mut b, builtin::THROW, &[zero, status, zero], false);
    b.trap(host_error);
    func
}

/// The function that traps on behalf of the host, see
/// [`sidetrack_artifact::module::symbols::RAISE_STUB`].
pub fn raise_stub() -> Function {
    let mut func = Function::new(ExternalName::user(3, 0), Signature::new(CallConv::Tail));
    let block = func.dfg.make_block();
    func.layout.append_block(block);
    let mut b = Builder::new(&mut func);
    b.switch_to(block);
    b.trap(TrapCode::user(trap::HOST_ERROR).expect("the front end's codes are in range"));
    func
}

/// Tells the store where the frames of compiled code begin.
fn record_exit(b: &mut Builder<'_>, vmctx: Value) {
    let field = MemFlags { region: Some(AliasRegion::VmCtx), ..MemFlags::trusted() };
    let constant = MemFlags { readonly: true, ..field };
    let fields = b.load(Opcode::Load, I64, constant, vmctx, ctx::STORE as i32);
    let frame = b.op_typed(Opcode::GetFramePointer, I64, &[]);
    b.store(Opcode::Store, field, frame, fields, store::LAST_EXIT_FP as i32);
}

/// The address of slots in the frame for the values of a type.
fn value_slots(b: &mut Builder<'_>, ty: &FuncType) -> Value {
    let count = ty.params.len().max(ty.results.len()).max(1);
    let slot = StackSlotData { size: count as u32 * VALUE_SLOT, align_shift: 4, key: None };
    let slot = b.func.stack_slots.push(slot);
    b.stack_addr(I64, slot, 0)
}

fn call(b: &mut Builder<'_>, name: &str, args: &[Value], has_result: bool) -> Value {
    debug_assert_eq!(builtin::params(name), Some(args.len()), "{name}");
    let params = vec![I64; args.len()];
    let returns = if has_result { &[I64][..] } else { &[] };
    let signature = b.func.dfg.signatures.push(Signature::of(CallConv::SystemV, &params, returns));
    let name = ExternalName::named(name);
    let func = ExtFuncData { name, signature, colocated: false, patchable: false, readonly: false };
    let func = b.func.dfg.ext_funcs.push(func);
    let inst = b.call(func, args);
    b.func.dfg.results(inst).first().copied().unwrap_or(args[0])
}
