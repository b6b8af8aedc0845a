//! Calls: direct, of imports, through tables and references; tail calls.

use super::context::{record_field, user_trap};
use super::state::{Translator, Values};
use crate::WasmError;
use crate::signatures::wasm_signature;
use sidetrack_artifact::vmctx::{builtin, ctx, func_import, func_record, trap};
use sidetrack_ir::types::{I32, I64};
use sidetrack_ir::{
    Block, BlockArg, BlockCall, CallConv, ExceptionItem, ExceptionTableData, ExtFuncData, ExternalName,
    Extra, FuncRef, IntCC, MemFlags, Opcode, SigRef, Signature, Type, Value,
};
use smallvec::SmallVec;
use wasmparser::Operator;

/// Translates an operator that control reaches.
pub(super) fn translate(t: &mut Translator<'_>, operator: &Operator<'_>, pc: u64) -> Result<(), WasmError> {
    match *operator {
        Operator::Call { function_index } => {
            let callee = t.direct(function_index);
            t.call(callee);
        }
        Operator::CallIndirect { type_index, table_index } => {
            let callee = t.through_table(type_index, table_index);
            t.call(callee);
        }
        Operator::ReturnCall { function_index } => {
            let callee = t.direct(function_index);
            t.tail_call(callee);
        }
        Operator::ReturnCallIndirect { type_index, table_index } => {
            let callee = t.through_table(type_index, table_index);
            t.tail_call(callee);
        }
        _ => return super::exceptions::translate(t, operator, pc),
    }
    Ok(())
}

/// A function to call.
struct Callee {
    target: Target,
    ty: u32,
    vmctx: Value,
}

enum Target {
    Direct(FuncRef),
    Indirect(SigRef, Value),
}

impl Translator<'_> {
    /// The signature of the functions of a type.
    fn signature(&mut self, ty: u32) -> SigRef {
        let (info, dfg) = (self.info, &mut self.b.func.dfg);
        let new = || dfg.signatures.push(wasm_signature(&info.types[ty as usize]));
        *self.signatures.entry(ty).or_insert_with(new)
    }

    fn direct(&mut self, index: u32) -> Callee {
        let ty = self.info.functions[index as usize].ty;
        if self.info.is_imported_function(index) {
            let entry = self.layout.imported_function(index);
            let code = self.load_constant(I64, entry + func_import::CODE);
            let vmctx = self.load_constant(I64, entry + func_import::VMCTX);
            return Callee { target: Target::Indirect(self.signature(ty), code), ty, vmctx };
        }
        let func = match self.functions.get(&index) {
            Some(&func) => func,
            None => {
                let signature = self.signature(ty);
                let name = ExternalName::user(0, index);
                let func = self.declare(ExtFuncData {
                    name,
                    signature,
                    colocated: true,
                    patchable: false,
                    readonly: false,
                });
                self.functions.insert(index, func);
                func
            }
        };
        Callee { target: Target::Direct(func), ty, vmctx: self.vmctx }
    }

    fn through_table(&mut self, ty: u32, table: u32) -> Callee {
        let index = self.pop();
        let record = self.table_load(table, index);
        let found = self.record_type(record);
        let ids = self.load_constant(I64, ctx::TYPE_IDS);
        let wanted = self.b.load(Opcode::Load, I32, super::context::constant_field(), ids, 4 * ty as i32);
        self.trap_if(IntCC::NotEqual, found, wanted, user_trap(trap::BAD_SIGNATURE));
        self.through_record(ty, record)
    }

    /// The type's id in a function record; traps if the reference is null.
    fn record_type(&mut self, record: Value) -> Value {
        let flags = self.null_check(record, trap::INDIRECT_CALL_TO_NULL);
        self.b.load(Opcode::Load, I32, flags, record, func_record::TYPE_ID as i32)
    }

    /// Traps if a reference is null, now or by the access with these flags.
    fn null_check(&mut self, reference: Value, code: u8) -> MemFlags {
        if self.options.guard_pages {
            return MemFlags { trap: Some(user_trap(code)), ..record_field() };
        }
        self.b.cond_trap(Opcode::Trapz, reference, user_trap(code));
        record_field()
    }

    /// The function of a record that is not null.
    fn through_record(&mut self, ty: u32, record: Value) -> Callee {
        let mut field = |offset: u32| self.b.load(Opcode::Load, I64, record_field(), record, offset as i32);
        let (code, vmctx) = (field(func_record::CODE), field(func_record::VMCTX));
        Callee { target: Target::Indirect(self.signature(ty), code), ty, vmctx }
    }

    /// Pops the callee's parameters; returns them after its context.
    fn call_args(&mut self, callee: &Callee) -> Values {
        let args = self.pop_n(self.info.types[callee.ty as usize].params.len());
        let args = self.canonical(args);
        std::iter::once(callee.vmctx).chain(args).collect()
    }

    fn call(&mut self, callee: Callee) {
        self.calls = true;
        let args = self.call_args(&callee);
        if let Some(frame) = self.handler
            && let Some(block) = self.handler_block(frame)
        {
            return self.try_call(&callee, &args, frame, block);
        }
        let inst = match callee.target {
            Target::Direct(func) => self.b.call(func, &args),
            Target::Indirect(sig, code) => self.b.call_indirect(sig, code, &args),
        };
        self.write_call_state(inst);
        self.wants_site();
        self.stack.extend(self.b.func.dfg.results(inst));
    }

    /// A call whose exceptions go to the handler of a construct.
    fn try_call(&mut self, callee: &Callee, args: &[Value], frame: usize, handler: Block) {
        let info = self.info;
        let results = &info.types[callee.ty as usize].results;
        let normal = self.block_of(results);
        let pool = &mut self.b.func.dfg.block_args;
        let table = ExceptionTableData {
            sig: self.signatures[&callee.ty],
            normal: BlockCall::new(normal, (0..results.len() as u32).map(BlockArg::TryCallRet), pool),
            items: vec![ExceptionItem::Default(BlockCall::new(handler, [BlockArg::TryCallExn(0)], pool))],
        };
        let table = self.b.func.dfg.exception_tables.push(table);
        let inst = match callee.target {
            Target::Direct(func) => {
                self.b.inst(Opcode::TryCall, Type::INVALID, args, Extra::TryCall(func, table))
            }
            Target::Indirect(_, code) => {
                let all: SmallVec<[Value; 8]> = std::iter::once(code).chain(args.iter().copied()).collect();
                self.b.inst(Opcode::TryCallIndirect, Type::INVALID, &all, Extra::TryCallIndirect(table))
            }
        };
        self.write_call_state(inst);
        self.wants_site();
        self.add_handler_edge(frame, inst);
        self.enter_block(normal);
    }

    fn tail_call(&mut self, callee: Callee) {
        self.calls = true;
        let args = self.call_args(&callee);
        match callee.target {
            Target::Direct(func) => {
                self.b.inst(Opcode::ReturnCall, Type::INVALID, &args, Extra::Func(func));
            }
            Target::Indirect(sig, code) => {
                let all: SmallVec<[Value; 8]> = std::iter::once(code).chain(args).collect();
                self.b.inst(Opcode::ReturnCallIndirect, Type::INVALID, &all, Extra::Sig(sig));
            }
        }
        self.reachable = false;
    }

    /// Calls one of the engine's functions, whose parameters and results are all
    /// `i64`; returns the result, if it has one.
    pub fn call_builtin(&mut self, name: &'static str, args: &[Value], has_result: bool) -> Option<Value> {
        self.calls = true;
        let func = match self.builtins.get(name) {
            Some(&func) => func,
            None => {
                debug_assert_eq!(builtin::params(name), Some(args.len()), "{name}");
                let params: SmallVec<[Type; 8]> = args.iter().map(|_| I64).collect();
                let returns: &[Type] = if has_result { &[I64] } else { &[] };
                let signature = Signature::of(CallConv::SystemV, &params, returns);
                let signature = self.b.func.dfg.signatures.push(signature);
                let name_of = ExternalName::named(name);
                let func = self.declare(ExtFuncData {
                    name: name_of,
                    signature,
                    colocated: false,
                    patchable: false,
                    readonly: false,
                });
                self.builtins.insert(name, func);
                func
            }
        };
        self.write_state_before();
        let inst = self.b.call(func, args);
        if self.in_handler {
            self.write_context_state(inst);
        } else {
            self.write_call_state(inst);
        }
        self.b.func.dfg.results(inst).first().copied()
    }
}
