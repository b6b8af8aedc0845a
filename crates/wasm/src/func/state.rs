//! The translator's state: operand stack, open constructs, and where it is.
//!
//! Invariants: the operand stack holds exactly the operands that the specification
//! says are there, as long as control reaches the present operator; the names of
//! all values that a debugger may ask for are in `stack` and `locals`. Pops trust
//! validation: an operator is validated before it is translated.

use super::control::{Frame, FrameKind};
use super::locals::Locals;
use super::operands::Operands;
use super::sites::States;
use crate::{Options, Translation};
use rustc_hash::FxHashMap;
use sidetrack_artifact::{ModuleInfo, VmLayout};
use sidetrack_ir::types::{I8, I8X16, I32, I64};
use sidetrack_ir::{
    Block, Builder, ExtFuncData, Extra, FloatCC, FuncRef, Function, IntCC, Opcode, SigRef, Type, Value,
};
use smallvec::SmallVec;

/// Values in order, few mostly.
pub(super) type Values = SmallVec<[Value; 4]>;

/// Translates one function.
pub(super) struct Translator<'a> {
    pub b: Builder<'a>,
    pub info: &'a ModuleInfo,
    pub layout: &'a VmLayout,
    pub options: &'a Options,
    /// The address of the instance's context.
    pub vmctx: Value,
    pub locals: Locals,
    pub stack: Operands,
    pub frames: Vec<Frame>,
    /// The construct that has the innermost exception handler.
    pub handler: Option<usize>,
    /// Whether a handler is being written: no operator is up.
    pub in_handler: bool,
    /// The present block.
    pub block: Block,
    /// Whether control can reach the present operator.
    pub reachable: bool,
    /// How many loops the scan knows that have been entered.
    pub loops: usize,
    /// Whether there is to be a site before the next operator.
    pub site_due: bool,
    /// The number of the present operator.
    pub time: u32,
    /// What states need, if there are sites.
    pub states: Option<Box<States>>,
    /// The function that sites call.
    pub hook: Option<FuncRef>,
    /// Whether the function calls anything.
    pub calls: bool,
    pub signatures: FxHashMap<u32, SigRef>,
    pub functions: FxHashMap<u32, FuncRef>,
    pub builtins: FxHashMap<&'static str, FuncRef>,
    /// For each memory its base, and the environment of locals that has it.
    pub bases: Vec<Option<(u32, Value)>>,
    /// The wasm pc of the first operator.
    pub start: u32,
}

impl<'a> Translator<'a> {
    /// A translator at the entry of a function whose locals have these types.
    pub fn new(
        func: &'a mut Function,
        module: &'a Translation<'_>,
        options: &'a Options,
        index: u32,
        locals: Vec<Type>,
        start: u32,
    ) -> Self {
        let info = &module.info;
        let mut b = Builder::new(func);
        let entry = b.create_entry_block();
        let params = b.func.dfg.block_params(entry).to_vec();
        let results = info.function_type(index).results.len();
        Translator {
            info,
            layout: &module.layout,
            options,
            vmctx: params[0],
            locals: Locals::new(entry, params[1..].to_vec(), locals),
            stack: Operands::default(),
            frames: vec![Frame::function(info.functions[index as usize].ty, results)],
            handler: None,
            in_handler: false,
            block: entry,
            reachable: true,
            loops: 0,
            site_due: false,
            time: 0,
            states: None,
            hook: None,
            calls: false,
            signatures: FxHashMap::default(),
            functions: FxHashMap::default(),
            builtins: FxHashMap::default(),
            bases: vec![None; info.memories.len()],
            start,
            b,
        }
    }

    /// Begins with the operator at a wasm pc.
    pub fn at(&mut self, pc: u64) {
        self.b.set_source_loc(u32::try_from(pc).ok());
    }

    /// Pushes an operand.
    pub fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    /// Pops an operand.
    pub fn pop(&mut self) -> Value {
        self.stack.pop().expect("a validated operator has its operands")
    }

    /// Pops two operands, the first pushed first.
    pub fn pop2(&mut self) -> (Value, Value) {
        let y = self.pop();
        (self.pop(), y)
    }

    /// Pops `count` operands, the first pushed first.
    pub fn pop_n(&mut self, count: usize) -> Values {
        self.stack.pop_n(count)
    }

    /// The topmost `count` operands, the first pushed first.
    pub fn top(&self, count: usize) -> Values {
        SmallVec::from_slice(&self.stack[self.stack.len() - count..])
    }

    /// The type of a value.
    pub fn ty(&self, value: Value) -> Type {
        self.b.func.dfg.value_type(value)
    }

    /// An operation on one operand.
    pub fn unary(&mut self, opcode: Opcode) {
        let x = self.pop();
        let result = self.b.op(opcode, &[x]);
        self.push(result);
    }

    /// An operation on two operands.
    pub fn binary(&mut self, opcode: Opcode) {
        let (x, y) = self.pop2();
        let result = self.b.op(opcode, &[x, y]);
        self.push(result);
    }

    /// A conversion of one operand to a type.
    pub fn convert(&mut self, opcode: Opcode, ty: Type) {
        let x = self.pop();
        let result = self.b.op_typed(opcode, ty, &[x]);
        self.push(result);
    }

    /// Compares two integers; pushes an `i32`.
    pub fn compare(&mut self, cc: IntCC) {
        let (x, y) = self.pop2();
        let result = self.b.icmp(cc, x, y);
        self.push_bool(result);
    }

    /// Compares two floats; pushes an `i32`.
    pub fn compare_floats(&mut self, cc: FloatCC) {
        let (x, y) = self.pop2();
        let result = self.b.fcmp(cc, x, y);
        self.push_bool(result);
    }

    /// Pushes the result of a comparison as an `i32`.
    pub fn push_bool(&mut self, value: Value) {
        let wide = self.b.op_typed(Opcode::Uextend, I32, &[value]);
        self.push(wide);
    }

    /// Pops a condition: an integer that is not zero if it holds. A comparison is
    /// used as it was before it became an `i32`.
    pub fn pop_condition(&mut self) -> Value {
        let value = self.pop();
        let dfg = &self.b.func.dfg;
        match dfg.def_inst(value) {
            Some(inst) if dfg.insts[inst].opcode == Opcode::Uextend => {
                let narrow = dfg.args(inst)[0];
                if dfg.value_type(narrow) == I8 { narrow } else { value }
            }
            _ => value,
        }
    }

    /// What an integer value is, if it is a constant; unsigned in its width.
    pub fn constant(&self, value: Value) -> Option<u64> {
        let dfg = &self.b.func.dfg;
        let inst = dfg.def_inst(value)?;
        match (dfg.insts[inst].opcode, dfg.insts[inst].extra) {
            (Opcode::Iconst, Extra::Imm(imm)) => Some(imm as u64 & dfg.value_type(value).mask()),
            _ => None,
        }
    }

    /// An index of 32 or 64 bits as an `i64`.
    pub fn index64(&mut self, index: Value) -> Value {
        if self.ty(index) == I64 {
            return index;
        }
        match self.constant(index) {
            Some(constant) => self.b.iconst(I64, constant as i64),
            None => self.b.op_typed(Opcode::Uextend, I64, &[index]),
        }
    }

    /// Pops an index of 32 or 64 bits as an `i64`.
    pub fn pop_index64(&mut self) -> Value {
        let index = self.pop();
        self.index64(index)
    }

    /// A value as it is passed to blocks and functions and kept in locals.
    pub fn canonical_value(&mut self, value: Value) -> Value {
        if self.ty(value).is_vector() { self.as_vector(value, I8X16) } else { value }
    }

    /// Values as they are passed to blocks and functions.
    pub fn canonical(&mut self, mut values: Values) -> Values {
        for value in &mut values {
            *value = self.canonical_value(*value);
        }
        values
    }

    /// Declares an external function.
    pub fn declare(&mut self, data: ExtFuncData) -> FuncRef {
        self.b.func.dfg.ext_funcs.push(data)
    }

    /// Ends the function: nothing is open any more.
    pub fn finish(mut self) {
        debug_assert!(self.frames.is_empty());
        if self.calls {
            self.check_stack();
        }
    }

    /// The construct that a branch to this depth leaves or repeats.
    pub fn frame_index(&self, depth: u32) -> usize {
        self.frames.len() - 1 - depth as usize
    }

    /// Whether the innermost construct began where control did not reach.
    pub fn in_dead_construct(&self) -> bool {
        self.frames.last().is_some_and(|frame| matches!(frame.kind, FrameKind::Dead))
    }
}
