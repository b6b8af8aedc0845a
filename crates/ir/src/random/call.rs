//! Calls of functions generated before, and of hooks.

use super::{Body, Callee, MAX_COST};
use crate::entities::{FuncRef, Value};
use crate::inst::{BlockArg, BlockCall, ExceptionItem, ExceptionTableData, Extra, SiteInfo};
use crate::opcode::Opcode;
use crate::signature::{CallConv, ExtFuncData, Signature};
use crate::types::{I64, Type};

impl Body<'_> {
    /// A call of an earlier function of any kind; a scalar operation when there is
    /// none that is cheap enough.
    pub(super) fn call(&mut self, hook: bool) {
        let callees = self.callees;
        let left = MAX_COST.saturating_sub(self.cost);
        let fitting: Vec<&Callee> = callees
            .iter()
            .filter(|callee| {
                callee.is_hook() == hook && callee.cost.saturating_mul(self.iterations) < left / 2
            })
            .collect();
        if fitting.is_empty() {
            return self.scalar();
        }
        let callee = self.entropy.pick(&fitting);
        self.cost += (callee.cost + 1) * self.iterations;
        let types: Vec<Type> = callee.signature.params.iter().map(|param| param.ty).collect();
        let args = self.operands(&types);
        let patchable = hook && self.entropy.one_in(2);
        let colocated = hook || self.entropy.one_in(2);
        let func = self.import(callee, colocated, patchable);
        let site = hook.then(|| {
            self.tag += 1;
            let pass_through = callee.signature.pass_through().unwrap_or_default();
            SiteInfo { tag: self.tag, on: !self.entropy.one_in(2), pass_through }
        });
        let indirect = self.config.indirect_calls && self.entropy.one_in(4);
        if self.config.try_calls && self.entropy.one_in(4) {
            return self.try_call(func, indirect, &callee.signature, &args, site);
        }
        let inst = if indirect {
            let addr = self.function_address(func);
            let sig = self.builder.func.dfg.ext_funcs[func].signature;
            self.builder.call_indirect(sig, addr, &args)
        } else {
            self.builder.call(func, &args)
        };
        let dfg = &mut self.builder.func.dfg;
        self.scope.extend_from_slice(dfg.results(inst));
        if let Some(site) = site {
            dfg.sites.insert(inst, site);
        }
    }

    fn import(&mut self, callee: &Callee, colocated: bool, patchable: bool) -> FuncRef {
        let dfg = &mut self.builder.func.dfg;
        let signature = dfg.signatures.push(callee.signature.clone());
        dfg.ext_funcs.push(ExtFuncData {
            name: callee.name.clone(),
            signature,
            colocated,
            patchable,
            readonly: false,
        })
    }

    fn function_address(&mut self, func: FuncRef) -> Value {
        self.spend();
        let inst = self.builder.inst(Opcode::FuncAddr, I64, &[], Extra::Func(func));
        self.builder.func.dfg.first_result(inst)
    }

    /// A `try_call` whose results reach the code after it; its handler returns.
    fn try_call(
        &mut self,
        func: FuncRef,
        indirect: bool,
        signature: &Signature,
        args: &[Value],
        site: Option<SiteInfo>,
    ) {
        let addr = indirect.then(|| self.function_address(func));
        let normal = self.builder.create_block();
        let handler = self.builder.create_block();
        let mut block_args = Vec::new();
        let mut params = Vec::new();
        for (number, ret) in signature.returns.iter().enumerate() {
            params.push(self.builder.func.dfg.append_block_param(normal, ret.ty));
            block_args.push(BlockArg::TryCallRet(number as u32));
        }
        let dfg = &mut self.builder.func.dfg;
        let normal_call = BlockCall::new(normal, block_args, &mut dfg.block_args);
        let handler_call = BlockCall::new(handler, [], &mut dfg.block_args);
        let sig = dfg.ext_funcs[func].signature;
        let items = vec![ExceptionItem::Tag(7, handler_call), ExceptionItem::Default(handler_call)];
        let table = dfg.exception_tables.push(ExceptionTableData { sig, normal: normal_call, items });
        let inst = match addr {
            Some(addr) => {
                let mut all = vec![addr];
                all.extend_from_slice(args);
                let extra = Extra::TryCallIndirect(table);
                self.builder.inst(Opcode::TryCallIndirect, Type::INVALID, &all, extra)
            }
            None => self.builder.inst(Opcode::TryCall, Type::INVALID, args, Extra::TryCall(func, table)),
        };
        if let Some(site) = site {
            self.builder.func.dfg.sites.insert(inst, site);
        }
        self.builder.switch_to(handler);
        self.return_operands();
        self.builder.switch_to(normal);
        self.scope.extend(params);
    }

    /// Ends the function with a tail call if there is a function to tail-call.
    pub(super) fn tail_call(&mut self) -> bool {
        let callees = self.callees;
        let own = self.builder.func.signature.clone();
        let left = MAX_COST.saturating_sub(self.cost);
        let fitting: Vec<&Callee> = callees
            .iter()
            .filter(|callee| {
                callee.signature.call_conv == CallConv::Tail
                    && callee.signature.returns == own.returns
                    && callee.cost < left / 2
            })
            .collect();
        if own.call_conv != CallConv::Tail || fitting.is_empty() || self.entropy.one_in(3) {
            return false;
        }
        let callee = self.entropy.pick(&fitting);
        self.cost += callee.cost + 1;
        let types: Vec<Type> = callee.signature.params.iter().map(|param| param.ty).collect();
        let args = self.operands(&types);
        let colocated = self.entropy.one_in(2);
        let func = self.import(callee, colocated, false);
        if self.config.indirect_calls && self.entropy.one_in(3) {
            let sig = self.builder.func.dfg.ext_funcs[func].signature;
            let mut all = vec![self.function_address(func)];
            all.extend_from_slice(&args);
            self.builder.inst(Opcode::ReturnCallIndirect, Type::INVALID, &all, Extra::Sig(sig));
        } else {
            self.builder.inst(Opcode::ReturnCall, Type::INVALID, &args, Extra::Func(func));
        }
        true
    }
}
