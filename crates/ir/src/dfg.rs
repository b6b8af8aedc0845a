//! The data flow graph: instructions, values, blocks and what they refer to.
//!
//! Values and blocks keep the numbers that text gave them, so there may be holes:
//! numbers that nothing defines. A hole's definition is [`ValueDef::Absent`]; a
//! block that is a hole is not in the layout. No live instruction uses a hole.

use crate::entities::*;
use crate::inst::*;
use crate::opcode::Opcode;
use crate::signature::{ExtFuncData, Signature};
use crate::states::{StateCursor, States};
use crate::types::Type;
use crate::work;
use cranelift_entity::{PrimaryMap, SecondaryMap};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueDef {
    /// Result number N of an instruction.
    Result(Inst, u32),
    /// Parameter number N of a block.
    Param(Block, u32),
    /// Another name of this value.
    Alias(Value),
    /// Nothing defines it.
    Absent,
}

#[derive(Clone, Copy, Debug)]
struct ValueData {
    ty: Type,
    def: ValueDef,
}

/// A block's parameters and attributes.
#[derive(Clone, Debug, Default)]
pub struct BlockData {
    /// The parameters.
    pub params: ValueList,
    /// `cold`: rarely executed, placed out of the way.
    pub cold: bool,
}

/// Instructions, values, blocks and what they refer to.
#[derive(Clone, Debug, Default)]
pub struct DataFlowGraph {
    /// The instructions.
    pub insts: PrimaryMap<Inst, InstData>,
    results: SecondaryMap<Inst, ValueList>,
    values: PrimaryMap<Value, ValueData>,
    /// The blocks.
    pub blocks: PrimaryMap<Block, BlockData>,
    /// The pool of value lists.
    pub value_lists: ValueListPool,
    /// The pool of block arguments.
    pub block_args: BlockArgPool,
    /// Signatures declared in the preamble.
    pub signatures: PrimaryMap<SigRef, Signature>,
    /// External functions declared in the preamble.
    pub ext_funcs: PrimaryMap<FuncRef, ExtFuncData>,
    /// Targets of `br_table`.
    pub jump_tables: PrimaryMap<JumpTable, JumpTableData>,
    /// Targets of `try_call`.
    pub exception_tables: PrimaryMap<ExceptionTable, ExceptionTableData>,
    /// The constant pool: little-endian bytes.
    pub constants: PrimaryMap<Constant, Vec<u8>>,
    /// What is known of patchable calls: those written `patchable_call`, and
    /// calls of patchable callees that have a tag, state or pass-through results.
    pub sites: FxHashMap<Inst, SiteInfo>,
    /// What can be read while an instruction that calls or can trap is executed.
    pub states: States,
}

impl DataFlowGraph {
    /// The instruction's value arguments, without those of block calls.
    pub fn args(&self, inst: Inst) -> &[Value] {
        work::steps(1);
        self.insts[inst].args.as_slice(&self.value_lists)
    }

    /// The instruction's value arguments for writing.
    pub fn args_mut(&mut self, inst: Inst) -> &mut [Value] {
        self.insts[inst].args.as_mut_slice(&mut self.value_lists)
    }

    /// The instruction's results.
    pub fn results(&self, inst: Inst) -> &[Value] {
        work::steps(1);
        self.results[inst].as_slice(&self.value_lists)
    }

    /// The first result.
    ///
    /// # Panics
    /// If the instruction has none.
    pub fn first_result(&self, inst: Inst) -> Value {
        self.results(inst)[0]
    }

    /// The block's parameters.
    pub fn block_params(&self, block: Block) -> &[Value] {
        self.blocks[block].params.as_slice(&self.value_lists)
    }

    /// The number of value names, holes included.
    pub fn num_values(&self) -> usize {
        self.values.len()
    }

    /// Whether `v` names a value or a hole at all.
    pub fn value_is_valid(&self, v: Value) -> bool {
        self.values.is_valid(v)
    }

    /// Where the value comes from, without following aliases.
    pub fn value_def(&self, v: Value) -> ValueDef {
        work::steps(1);
        self.values[v].def
    }

    /// The value's type.
    pub fn value_type(&self, v: Value) -> Type {
        self.values[v].ty
    }

    /// The instruction that defines `v` (aliases followed), if one does.
    pub fn def_inst(&self, v: Value) -> Option<Inst> {
        match self.value_def(self.resolve(v)) {
            ValueDef::Result(inst, _) => Some(inst),
            _ => None,
        }
    }

    /// Follows aliases to the value that they name.
    ///
    /// # Panics
    /// If aliases form a cycle; the reader and [`Self::make_alias`] admit none.
    pub fn resolve(&self, v: Value) -> Value {
        let mut at = v;
        for _ in 0..=self.values.len() {
            work::steps(1);
            match self.values[at].def {
                ValueDef::Alias(to) => at = to,
                _ => return at,
            }
        }
        panic!("alias cycle at {v}")
    }

    /// Makes every alias name its value itself, so that following one is a step.
    pub fn flatten_aliases(&mut self) {
        let mut chain = Vec::new();
        for mut v in (0..self.values.len() as u32).map(Value::from_u32) {
            while let ValueDef::Alias(to) = self.values[v].def {
                chain.push(v);
                v = to;
            }
            // The last one names the value already.
            chain.pop();
            chain.drain(..).for_each(|alias| self.values[alias].def = ValueDef::Alias(v));
        }
    }

    /// Makes `v` another name of `to`, whatever it was.
    ///
    /// # Panics
    /// If `to` resolves to `v`.
    pub fn make_alias(&mut self, v: Value, to: Value) {
        let to = self.resolve(to);
        assert_ne!(v, to, "a value cannot be an alias of itself");
        self.values[v] = ValueData { ty: self.value_type(to), def: ValueDef::Alias(to) };
    }

    /// A new value.
    pub fn make_value(&mut self, ty: Type, def: ValueDef) -> Value {
        self.values.push(ValueData { ty, def })
    }

    /// Defines the value numbered `v`, making holes below it as needed.
    pub fn define_value(&mut self, v: Value, ty: Type, def: ValueDef) {
        while !self.values.is_valid(v) {
            self.values.push(ValueData { ty: Type::INVALID, def: ValueDef::Absent });
        }
        self.values[v] = ValueData { ty, def };
    }

    /// A new block, not yet in the layout.
    pub fn make_block(&mut self) -> Block {
        self.blocks.push(BlockData::default())
    }

    /// Adds a parameter to a block.
    pub fn append_block_param(&mut self, block: Block, ty: Type) -> Value {
        let v = self.values.next_key();
        self.attach_block_param(block, ty, v);
        v
    }

    /// Adds the parameter numbered `v` to a block.
    pub fn attach_block_param(&mut self, block: Block, ty: Type, v: Value) {
        let index = self.block_params(block).len() as u32;
        self.define_value(v, ty, ValueDef::Param(block, index));
        self.blocks[block].params.push(v, &mut self.value_lists);
    }

    /// Removes the parameters of a block for which `keep` is false and numbers
    /// the others anew. Branches to the block are the caller's to change.
    pub fn retain_block_params(&mut self, block: Block, mut keep: impl FnMut(usize) -> bool) {
        let old = self.block_params(block).to_vec();
        let kept = old.iter().enumerate().filter(|(i, _)| keep(*i)).map(|(_, &v)| v);
        let kept: SmallVec<[Value; 8]> = kept.collect();
        for (i, &v) in kept.iter().enumerate() {
            self.values[v].def = ValueDef::Param(block, i as u32);
        }
        self.blocks[block].params = ValueList::from_slice(&kept, &mut self.value_lists);
    }

    /// A new instruction without results, not yet in the layout.
    pub fn make_inst(&mut self, opcode: Opcode, ty: Type, args: &[Value], extra: Extra) -> Inst {
        let args = ValueList::from_slice(args, &mut self.value_lists);
        self.insts.push(InstData { opcode, ty, args, extra })
    }

    /// Gives an instruction new values as results, of the types that it has.
    pub fn make_results(&mut self, inst: Inst) {
        let types = self.result_types(inst);
        for ty in types {
            let v = self.values.next_key();
            self.attach_result(inst, ty, v);
        }
    }

    /// Adds the result numbered `v` to an instruction.
    pub fn attach_result(&mut self, inst: Inst, ty: Type, v: Value) {
        let index = self.results(inst).len() as u32;
        self.define_value(v, ty, ValueDef::Result(inst, index));
        self.results[inst].push(v, &mut self.value_lists);
    }

    /// Makes an instruction, whose results stay, do something else. The new
    /// form has the same result types.
    pub fn replace(&mut self, inst: Inst, opcode: Opcode, ty: Type, args: &[Value], extra: Extra) {
        let args = ValueList::from_slice(args, &mut self.value_lists);
        self.insts[inst] = InstData { opcode, ty, args, extra };
    }

    /// The signature of a call of any kind, `None` for other instructions.
    pub fn call_signature(&self, inst: Inst) -> Option<SigRef> {
        match self.insts[inst].extra {
            Extra::Func(func) if self.insts[inst].opcode.is_call() => Some(self.ext_funcs[func].signature),
            Extra::Sig(sig) => Some(sig),
            Extra::TryCall(_, table) | Extra::TryCallIndirect(table) => {
                Some(self.exception_tables[table].sig)
            }
            _ => None,
        }
    }

    /// The callee of a direct call.
    pub fn call_target(&self, inst: Inst) -> Option<FuncRef> {
        match self.insts[inst].extra {
            Extra::Func(func) | Extra::TryCall(func, _) if self.insts[inst].opcode.is_call() => Some(func),
            _ => None,
        }
    }

    /// The values that a call passes to its callee, without an indirect callee.
    pub fn call_args(&self, inst: Inst) -> &[Value] {
        let indirect = matches!(self.insts[inst].extra, Extra::Sig(_) | Extra::TryCallIndirect(_));
        &self.args(inst)[usize::from(indirect)..]
    }

    /// Whether a call is a patch site: written so, or its callee is declared
    /// patchable. Tail calls never are.
    pub fn is_patchable(&self, inst: Inst) -> bool {
        let opcode = self.insts[inst].opcode;
        if !opcode.is_call() || opcode.is_return() {
            return false;
        }
        self.sites.contains_key(&inst) || self.call_target(inst).is_some_and(|f| self.ext_funcs[f].patchable)
    }

    /// Tag, state and pass-through results of a patchable call.
    pub fn site_info(&self, inst: Inst) -> SiteInfo {
        self.sites.get(&inst).cloned().unwrap_or_default()
    }

    /// The entries of the instruction's state, if it has one. Who wants those of many
    /// instructions has a [`StateCursor`].
    pub fn state(&self, inst: Inst) -> Option<Vec<StateEntry>> {
        let state = self.states.of(inst)?;
        Some(StateCursor::new(&self.states).entries(state))
    }

    /// Says what can be read while the instruction is executed.
    pub fn set_state(&mut self, inst: Inst, entries: Vec<StateEntry>) {
        let state = self.states.push_list(entries);
        self.states.attach(inst, state);
    }

    /// Rewrites every alias that a state lists to the value that it names.
    pub fn resolve_states(&mut self) {
        let mut states = std::mem::take(&mut self.states);
        states.map_values(|v| self.resolve(v));
        self.states = states;
    }

    /// The result types that an instruction has.
    ///
    /// Calls that end a block (`try_call`) have none: their return values go to
    /// the normal-return block.
    pub fn result_types(&self, inst: Inst) -> SmallVec<[Type; 2]> {
        let data = &self.insts[inst];
        if data.opcode.is_call() {
            if data.opcode.is_terminator() {
                return SmallVec::new();
            }
            let sig = self.call_signature(inst).expect("a call has a signature");
            return self.signatures[sig].returns.iter().map(|ret| ret.ty).collect();
        }
        // Only with a controlling type that the opcode cannot have is there none.
        let resolve = |ty: &crate::opcode::OperandType| ty.resolve(data.ty).unwrap_or(Type::INVALID);
        data.opcode.info().results.iter().map(resolve).collect()
    }

    /// The block calls of a branch, in order: `brif` then before else, tables
    /// default before entries, `try_call` normal return before handlers. Empty
    /// for other instructions.
    pub fn block_calls(&self, inst: Inst) -> SmallVec<[BlockCall; 2]> {
        let mut calls = SmallVec::new();
        self.for_each_block_call(inst, |_, call| calls.push(call));
        calls
    }

    /// The block call of a branch that has this number in [`crate::ControlFlowGraph`].
    ///
    /// # Panics
    /// If none has.
    pub fn block_call(&self, inst: Inst, number: u32) -> BlockCall {
        work::steps(1);
        match (self.insts[inst].extra, number.checked_sub(1)) {
            (Extra::Jump(call) | Extra::Brif(call, _), None) | (Extra::Brif(_, call), Some(0)) => call,
            (Extra::Table(table), None) => self.jump_tables[table].default,
            (Extra::Table(table), Some(entry)) => self.jump_tables[table].entries[entry as usize],
            (Extra::TryCall(_, table) | Extra::TryCallIndirect(table), number) => {
                let table = &self.exception_tables[table];
                let item = number.map(|item| table.items[item as usize]);
                match item {
                    None => table.normal,
                    Some(ExceptionItem::Tag(_, call) | ExceptionItem::Default(call)) => call,
                    Some(ExceptionItem::Context(_)) => panic!("{inst}: {number:?} is no block call"),
                }
            }
            (_, number) => panic!("{inst}: there is no block call {number:?}"),
        }
    }

    /// Calls `f` on every block call of a branch with its number for [`Self::block_call`], in
    /// the order of [`Self::block_calls`].
    pub fn for_each_block_call(&self, inst: Inst, f: impl FnMut(u32, BlockCall)) {
        let mut f = counted(f);
        match self.insts[inst].extra {
            Extra::Jump(call) => f(0, call),
            Extra::Brif(then, other) => {
                f(0, then);
                f(1, other);
            }
            Extra::Table(table) => {
                let table = &self.jump_tables[table];
                f(0, table.default);
                (1..).zip(&table.entries).for_each(|(number, &call)| f(number, call));
            }
            Extra::TryCall(_, table) | Extra::TryCallIndirect(table) => {
                let table = &self.exception_tables[table];
                f(0, table.normal);
                for (number, item) in (1..).zip(&table.items) {
                    if let ExceptionItem::Tag(_, call) | ExceptionItem::Default(call) = *item {
                        f(number, call);
                    }
                }
            }
            _ => {}
        }
    }

    /// Changes the block call of a branch that has this number in
    /// [`crate::ControlFlowGraph`].
    ///
    /// # Panics
    /// If none has.
    pub fn update_block_call(
        &mut self,
        inst: Inst,
        number: u32,
        f: impl FnOnce(&mut BlockCall, &mut BlockArgPool),
    ) {
        let index = number.checked_sub(1).map(|index| index as usize);
        let call = match (&mut self.insts[inst].extra, index) {
            (Extra::Jump(call) | Extra::Brif(call, _), None) | (Extra::Brif(_, call), Some(0)) => call,
            (Extra::Table(table), None) => &mut self.jump_tables[*table].default,
            (Extra::Table(table), Some(entry)) => &mut self.jump_tables[*table].entries[entry],
            (Extra::TryCall(_, table) | Extra::TryCallIndirect(table), None) => {
                &mut self.exception_tables[*table].normal
            }
            (Extra::TryCall(_, table) | Extra::TryCallIndirect(table), Some(item)) => {
                match &mut self.exception_tables[*table].items[item] {
                    ExceptionItem::Tag(_, call) | ExceptionItem::Default(call) => call,
                    ExceptionItem::Context(_) => panic!("{inst}: {number} is no block call"),
                }
            }
            _ => panic!("{inst}: there is no block call {number}"),
        };
        f(call, &mut self.block_args);
    }

    /// Calls `f` on every block call of a branch, in the order of
    /// [`Self::block_calls`], to change it in place.
    pub fn for_each_block_call_mut(&mut self, inst: Inst, f: impl FnMut(&mut BlockCall, &mut BlockArgPool)) {
        let mut f = counted_mut(f);
        let pool = &mut self.block_args;
        match &mut self.insts[inst].extra {
            Extra::Jump(call) => f(call, pool),
            Extra::Brif(then, other) => {
                f(then, pool);
                f(other, pool);
            }
            Extra::Table(table) => {
                let table = &mut self.jump_tables[*table];
                f(&mut table.default, pool);
                table.entries.iter_mut().for_each(|call| f(call, pool));
            }
            Extra::TryCall(_, table) | Extra::TryCallIndirect(table) => {
                let table = &mut self.exception_tables[*table];
                f(&mut table.normal, pool);
                for item in &mut table.items {
                    if let ExceptionItem::Tag(_, call) | ExceptionItem::Default(call) = item {
                        f(call, pool);
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether the values of the instruction's state are kept for it. A call keeps them,
    /// since it may stop; where an instruction traps, those can be read that are still
    /// there, and [`Function::context`] if the state lists it.
    ///
    /// [`Function::context`]: crate::Function::context
    pub fn keeps_state(&self, inst: Inst) -> bool {
        self.insts[inst].opcode.is_call()
    }

    /// Calls `f` on every value that the instruction uses: arguments, arguments
    /// of block calls, contexts of exception tables. Its state is not among them.
    pub fn for_each_use(&self, inst: Inst, mut f: impl FnMut(Value)) {
        self.args(inst).iter().copied().for_each(&mut f);
        if !self.insts[inst].opcode.is_branch() {
            return;
        }
        self.for_each_block_call(inst, |_, call| {
            for arg in call.args(&self.block_args) {
                if let BlockArg::Value(v) = arg {
                    f(v);
                }
            }
        });
        if let Extra::TryCall(_, table) | Extra::TryCallIndirect(table) = self.insts[inst].extra {
            for item in &self.exception_tables[table].items {
                if let ExceptionItem::Context(v) = *item {
                    f(v);
                }
            }
        }
    }

    /// Replaces every value that the instruction uses by `f` of it; see [`Self::for_each_use`].
    pub fn map_uses(&mut self, inst: Inst, mut f: impl FnMut(Value) -> Value) {
        for arg in self.insts[inst].args.as_mut_slice(&mut self.value_lists) {
            *arg = f(*arg);
        }
        if !self.insts[inst].opcode.is_branch() {
            return;
        }
        self.for_each_block_call_mut(inst, |call, pool| {
            for packed in call.args.as_mut_slice(pool) {
                if let BlockArg::Value(v) = BlockArg::from(*packed) {
                    *packed = BlockArg::Value(f(v)).into();
                }
            }
        });
        if let Extra::TryCall(_, table) | Extra::TryCallIndirect(table) = self.insts[inst].extra {
            for item in &mut self.exception_tables[table].items {
                if let ExceptionItem::Context(v) = item {
                    *v = f(*v);
                }
            }
        }
    }
}

fn counted(mut f: impl FnMut(u32, BlockCall)) -> impl FnMut(u32, BlockCall) {
    move |number, call| {
        work::steps(1);
        f(number, call);
    }
}

fn counted_mut(
    mut f: impl FnMut(&mut BlockCall, &mut BlockArgPool),
) -> impl FnMut(&mut BlockCall, &mut BlockArgPool) {
    move |call, pool| {
        work::steps(1);
        f(call, pool);
    }
}
