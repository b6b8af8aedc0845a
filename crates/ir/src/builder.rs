//! Building functions in code: a cursor that appends or inserts instructions.
//!
//! One method per format, not per opcode: the opcode is an argument, and the
//! table says what it means.

use crate::condcodes::{FloatCC, IntCC};
use crate::entities::*;
use crate::function::Function;
use crate::inst::*;
use crate::memflags::{MemFlags, TrapCode};
use crate::opcode::{Ctrl, Opcode};
use crate::types::Type;
use smallvec::SmallVec;

/// Where the next instruction goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// At the end of a block.
    End(Block),
    /// In front of an instruction.
    Before(Inst),
}

/// Inserts instructions into a function at a position.
#[derive(Debug)]
pub struct Builder<'a> {
    /// The function.
    pub func: &'a mut Function,
    position: Option<Position>,
    source_loc: crate::function::SourceLoc,
}

impl<'a> Builder<'a> {
    /// A builder without a position.
    pub fn new(func: &'a mut Function) -> Self {
        Builder { func, position: None, source_loc: None }
    }

    /// A builder at `position`.
    pub fn at(func: &'a mut Function, position: Position) -> Self {
        Builder { func, position: Some(position), source_loc: None }
    }

    /// Moves to a position.
    pub fn goto(&mut self, position: Position) {
        self.position = Some(position);
    }

    /// Gives the instructions built from now on this source location.
    pub fn set_source_loc(&mut self, loc: crate::function::SourceLoc) {
        self.source_loc = loc;
    }

    /// A new block, not yet in the layout.
    pub fn create_block(&mut self) -> Block {
        self.func.dfg.make_block()
    }

    /// Puts a block at the end of the layout and moves to its end.
    pub fn switch_to(&mut self, block: Block) {
        if !self.func.layout.is_block_inserted(block) {
            self.func.layout.append_block(block);
        }
        self.goto(Position::End(block));
    }

    /// A new first block with the signature's parameters; moves to its end.
    pub fn create_entry_block(&mut self) -> Block {
        let block = self.create_block();
        for i in 0..self.func.signature.params.len() {
            let ty = self.func.signature.params[i].ty;
            self.func.dfg.append_block_param(block, ty);
        }
        self.switch_to(block);
        block
    }

    /// Inserts an instruction with new results.
    ///
    /// # Panics
    /// If the builder has no position.
    pub fn inst(&mut self, opcode: Opcode, ty: Type, args: &[Value], extra: Extra) -> Inst {
        let inst = self.func.dfg.make_inst(opcode, ty, args, extra);
        self.func.dfg.make_results(inst);
        match self.position.expect("the builder has a position") {
            Position::End(block) => self.func.layout.append_inst(inst, block),
            Position::Before(before) => self.func.layout.insert_inst(inst, before),
        }
        if self.source_loc.is_some() {
            self.func.source_locs[inst] = self.source_loc;
        }
        inst
    }

    fn value(&mut self, opcode: Opcode, ty: Type, args: &[Value], extra: Extra) -> Value {
        let inst = self.inst(opcode, ty, args, extra);
        self.func.dfg.first_result(inst)
    }

    /// An operation whose controlling type follows from its arguments.
    ///
    /// # Panics
    /// If the opcode's controlling type must be given.
    pub fn op(&mut self, opcode: Opcode, args: &[Value]) -> Value {
        let ty = self.infer(opcode, args);
        self.value(opcode, ty, args, Extra::None)
    }

    /// An operation of several results whose controlling type follows from its
    /// arguments.
    pub fn op_multi(&mut self, opcode: Opcode, args: &[Value]) -> SmallVec<[Value; 2]> {
        let ty = self.infer(opcode, args);
        let inst = self.inst(opcode, ty, args, Extra::None);
        SmallVec::from_slice(self.func.dfg.results(inst))
    }

    /// An operation whose controlling type is given: extensions, conversions.
    pub fn op_typed(&mut self, opcode: Opcode, ty: Type, args: &[Value]) -> Value {
        self.value(opcode, ty, args, Extra::None)
    }

    fn infer(&self, opcode: Opcode, args: &[Value]) -> Type {
        match opcode.info().ctrl {
            Ctrl::None => Type::INVALID,
            Ctrl::Infer(arg) => self.func.dfg.value_type(args[usize::from(arg)]),
            Ctrl::Explicit => panic!("{opcode} needs its type given"),
        }
    }

    /// An integer constant; `imm` is sign-extended from the type's width.
    pub fn iconst(&mut self, ty: Type, imm: i64) -> Value {
        let shift = 64 - ty.bits();
        self.value(Opcode::Iconst, ty, &[], Extra::Imm(imm << shift >> shift))
    }

    /// A binary32 constant.
    pub fn f32const(&mut self, value: f32) -> Value {
        self.value(Opcode::F32const, Type::INVALID, &[], Extra::Imm(i64::from(value.to_bits())))
    }

    /// A binary64 constant.
    pub fn f64const(&mut self, value: f64) -> Value {
        self.value(Opcode::F64const, Type::INVALID, &[], Extra::Imm(value.to_bits() as i64))
    }

    /// A vector constant: the bytes of lane 0 first.
    pub fn vconst(&mut self, ty: Type, bytes: [u8; 16]) -> Value {
        self.value(Opcode::Vconst, ty, &[], Extra::Bytes(bytes))
    }

    /// Lane number `lane` of a vector.
    pub fn extractlane(&mut self, x: Value, lane: u8) -> Value {
        let ty = self.func.dfg.value_type(x);
        self.value(Opcode::Extractlane, ty, &[x], Extra::Lane(lane))
    }

    /// The vector with lane number `lane` replaced by a scalar.
    pub fn insertlane(&mut self, x: Value, y: Value, lane: u8) -> Value {
        let ty = self.func.dfg.value_type(x);
        self.value(Opcode::Insertlane, ty, &[x, y], Extra::Lane(lane))
    }

    /// Bytes chosen by number: 0 to 15 are those of `x`, 16 to 31 those of `y`.
    pub fn shuffle(&mut self, x: Value, y: Value, mask: [u8; 16]) -> Value {
        self.value(Opcode::Shuffle, Type::INVALID, &[x, y], Extra::Bytes(mask))
    }

    /// Compares integers.
    pub fn icmp(&mut self, cc: IntCC, x: Value, y: Value) -> Value {
        let ty = self.func.dfg.value_type(x);
        self.value(Opcode::Icmp, ty, &[x, y], Extra::IntCC(cc))
    }

    /// Compares floats.
    pub fn fcmp(&mut self, cc: FloatCC, x: Value, y: Value) -> Value {
        let ty = self.func.dfg.value_type(x);
        self.value(Opcode::Fcmp, ty, &[x, y], Extra::FloatCC(cc))
    }

    /// A load of any opcode; `ty` is its controlling type.
    pub fn load(&mut self, opcode: Opcode, ty: Type, flags: MemFlags, addr: Value, offset: i32) -> Value {
        self.value(opcode, ty, &[addr], Extra::Mem(flags, offset))
    }

    /// A store of any opcode.
    pub fn store(&mut self, opcode: Opcode, flags: MemFlags, value: Value, addr: Value, offset: i32) -> Inst {
        let ty = self.infer(opcode, &[value]);
        self.inst(opcode, ty, &[value, addr], Extra::Mem(flags, offset))
    }

    /// The address of a stack slot.
    pub fn stack_addr(&mut self, ty: Type, slot: StackSlot, offset: i32) -> Value {
        self.value(Opcode::StackAddr, ty, &[], Extra::Stack(slot, offset))
    }

    /// Traps with `code` when `cond` is zero (`trapz`) or not (`trapnz`).
    pub fn cond_trap(&mut self, opcode: Opcode, cond: Value, code: TrapCode) -> Inst {
        let ty = self.func.dfg.value_type(cond);
        self.inst(opcode, ty, &[cond], Extra::Trap(code))
    }

    /// Traps.
    pub fn trap(&mut self, code: TrapCode) -> Inst {
        self.inst(Opcode::Trap, Type::INVALID, &[], Extra::Trap(code))
    }

    /// A direct call; its results are the instruction's.
    pub fn call(&mut self, func: FuncRef, args: &[Value]) -> Inst {
        self.inst(Opcode::Call, Type::INVALID, args, Extra::Func(func))
    }

    /// A call through `callee`; its results are the instruction's.
    pub fn call_indirect(&mut self, sig: SigRef, callee: Value, args: &[Value]) -> Inst {
        let all: SmallVec<[Value; 8]> = std::iter::once(callee).chain(args.iter().copied()).collect();
        self.inst(Opcode::CallIndirect, Type::INVALID, &all, Extra::Sig(sig))
    }

    /// Returns from the function.
    pub fn return_(&mut self, values: &[Value]) -> Inst {
        self.inst(Opcode::Return, Type::INVALID, values, Extra::None)
    }

    /// A block call that passes values.
    pub fn block_call(&mut self, block: Block, args: &[Value]) -> BlockCall {
        let args = args.iter().map(|&v| BlockArg::Value(v));
        BlockCall::new(block, args, &mut self.func.dfg.block_args)
    }

    /// Goes on in a block.
    pub fn jump(&mut self, block: Block, args: &[Value]) -> Inst {
        let call = self.block_call(block, args);
        self.inst(Opcode::Jump, Type::INVALID, &[], Extra::Jump(call))
    }

    /// Goes on in `then` when `cond` is not zero, else in `other`.
    pub fn brif(&mut self, cond: Value, then: (Block, &[Value]), other: (Block, &[Value])) -> Inst {
        let ty = self.func.dfg.value_type(cond);
        let then = self.block_call(then.0, then.1);
        let other = self.block_call(other.0, other.1);
        self.inst(Opcode::Brif, ty, &[cond], Extra::Brif(then, other))
    }

    /// Goes on in the table's entry number `index`, or its default.
    pub fn br_table(&mut self, index: Value, default: BlockCall, entries: Vec<BlockCall>) -> Inst {
        let table = self.func.dfg.jump_tables.push(JumpTableData { default, entries });
        self.inst(Opcode::BrTable, Type::INVALID, &[index], Extra::Table(table))
    }
}
