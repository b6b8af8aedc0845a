//! VCode: machine instructions over virtual registers, in blocks.
//!
//! Problem: lowering produces instructions of some target; the register allocator
//! wants operands, constraints and a control flow graph. Approach: an instruction
//! says what its operands are by showing each to a visitor; [`VCode`] collects them
//! once and is the allocator's view of the function.
//!
//! Invariants: an instruction shows the same operands in the same order every
//! time; a block's last instruction is its only terminator; critical edges are
//! split, so that every block parameter's move has a place.

use crate::abi::{FrameLayout, StackAddr};
use crate::buffer::{Buffer, BufferSpec, FixupKind, Label};
use crate::call::CallInfo;
use crate::names::{self, FEW_VREGS, UNNAMED};
use crate::reg::Reg;
use crate::settings::Flags;
use crate::state::{Kept, States};
use cranelift_entity::SecondaryMap;
use regalloc2::{
    Block, Inst, InstRange, MachineEnv, Operand, OperandConstraint, OperandKind, OperandPos, PReg, PRegSet,
    RegClass, VReg,
};
use sidetrack_artifact::UnwindOp;
use sidetrack_ir::{Type, Value, work};
use std::fmt::Debug;

/// What an instruction shows its operands to.
///
/// Physical registers named in an instruction before allocation (the stack
/// pointer, say) are not operands of the allocator and pass through unchanged.
pub trait OperandVisitor {
    /// Shows one operand; returns its index for [`OperandVisitor::def_reuse`].
    fn operand(
        &mut self,
        reg: &mut Reg,
        constraint: OperandConstraint,
        kind: OperandKind,
        pos: OperandPos,
    ) -> usize;

    /// The instruction overwrites these registers beyond its defs.
    fn clobbers(&mut self, set: PRegSet);

    /// Reads a register.
    fn use_(&mut self, reg: &mut Reg) -> usize {
        self.operand(reg, OperandConstraint::Reg, OperandKind::Use, OperandPos::Early)
    }

    /// Reads a register after some def was written.
    fn use_late(&mut self, reg: &mut Reg) -> usize {
        self.operand(reg, OperandConstraint::Reg, OperandKind::Use, OperandPos::Late)
    }

    /// Reads this very register.
    fn use_fixed(&mut self, reg: &mut Reg, preg: PReg) -> usize {
        self.operand(reg, OperandConstraint::FixedReg(preg), OperandKind::Use, OperandPos::Early)
    }

    /// Writes a register after all reads.
    fn def(&mut self, reg: &mut Reg) -> usize {
        self.operand(reg, OperandConstraint::Reg, OperandKind::Def, OperandPos::Late)
    }

    /// Writes a register that no read shares: it is written before they are done,
    /// or is a temporary.
    fn def_early(&mut self, reg: &mut Reg) -> usize {
        self.operand(reg, OperandConstraint::Reg, OperandKind::Def, OperandPos::Early)
    }

    /// Writes this very register after all reads.
    fn def_fixed(&mut self, reg: &mut Reg, preg: PReg) -> usize {
        self.operand(reg, OperandConstraint::FixedReg(preg), OperandKind::Def, OperandPos::Late)
    }

    /// Writes this very register early.
    fn def_fixed_early(&mut self, reg: &mut Reg, preg: PReg) -> usize {
        self.operand(reg, OperandConstraint::FixedReg(preg), OperandKind::Def, OperandPos::Early)
    }

    /// Writes the register that operand number `index`, a read, is in.
    fn def_reuse(&mut self, reg: &mut Reg, index: usize) -> usize {
        self.operand(reg, OperandConstraint::Reuse(index), OperandKind::Def, OperandPos::Late)
    }
}

/// How an instruction ends its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminator {
    /// It does not.
    None,
    /// It goes on in another block.
    Branch,
    /// It leaves the function, or does not go on.
    Return,
}

/// What emission knows when an instruction is emitted.
#[derive(Debug)]
pub struct EmitCtx<'a> {
    /// The frame.
    pub frame: &'a FrameLayout,
    /// Settings.
    pub flags: &'a Flags,
    /// The block that comes next in the code, its aliases resolved.
    pub next: Option<Label>,
}

/// A machine instruction of some target.
pub trait MachInst: Clone + Debug + 'static {
    /// How its branches refer to labels.
    type Fixup: FixupKind;
    /// The target's parts that emission needs.
    type Isa;

    /// Shows every operand, then the clobbers.
    fn visit_operands(&mut self, visitor: &mut impl OperandVisitor);
    /// How it ends its block.
    fn terminator(&self) -> Terminator;
    /// The only target, if it is an unconditional jump to a block.
    fn jump_target(&self) -> Option<Label>;
    /// The registers that it moves between, destination first, if it does nothing
    /// but copy one whole register to another of its class.
    fn as_move(&self) -> Option<(Reg, Reg)>;
    /// Appends its code. At most [`MachInst::MAX_BYTES`], deferred parts apart.
    fn emit(&self, isa: &Self::Isa, buffer: &mut Buffer<Self::Fixup>, ctx: &EmitCtx<'_>);
    /// The most bytes that one instruction emits.
    const MAX_BYTES: u32;

    /// The class of registers that hold this type.
    fn class(ty: Type) -> RegClass;
    /// Copies a register to another of its class, whole.
    fn mov(dst: Reg, src: Reg, class: RegClass) -> Self;
    /// Loads a whole register from the frame (reload of a spill slot); of a class
    /// that floats share with vectors only the float.
    fn reload(dst: Reg, addr: StackAddr, class: RegClass) -> Self;
    /// Stores a whole register to the frame (spill); of a class that floats share
    /// with vectors only the float.
    fn spill(src: Reg, addr: StackAddr, class: RegClass) -> Self;
    /// Loads a value of type `ty` from the frame.
    fn load_stack(dst: Reg, addr: StackAddr, ty: Type) -> Self;
    /// Stores a value to the frame: integers as whole 8-byte words, upper bits as
    /// they are in the register.
    fn store_stack(src: Reg, addr: StackAddr, ty: Type) -> Self;
    /// Extends an integer of type `from` to the full register.
    fn extend(dst: Reg, src: Reg, from: Type, signed: bool) -> Self;
    /// Copies a float's bits to an integer register or back. Only of targets whose
    /// conventions have floats in integer registers.
    fn mov_bits(_dst: Reg, _src: Reg, _ty: Type) -> Self {
        unreachable!("floats travel in registers of theirs")
    }
    /// Jumps to a block.
    fn jump(target: Label) -> Self;
    /// Pseudo: the arguments arrive in these registers.
    fn args(defs: Vec<(Reg, PReg)>) -> Self;
    /// Epilogue and return, with the return values in these registers.
    fn ret(uses: Vec<(Reg, PReg)>) -> Self;
    /// A call. It is a terminator if `info.try_call` is there.
    fn call(info: Box<CallInfo>) -> Self;
    /// A tail call: epilogue, then a jump to the callee.
    fn return_call(info: Box<CallInfo>) -> Self;
}

/// A target's side of lowering and emission.
pub trait Backend: Sized + 'static {
    /// Its instructions.
    type Inst: MachInst<Isa = Self>;
    /// Whether a float of 32 bits is in the upper half of its register.
    const UPPER_FLOATS: bool = false;

    /// The buffer's facts.
    fn buffer_spec(&self) -> BufferSpec;
    /// Settings.
    fn flags(&self) -> &Flags;
    /// The registers to allocate.
    fn machine_env(&self) -> &MachineEnv;
    /// Size in bytes of a spill slot for this class, a multiple of 8. In functions
    /// that have vectors, slots of the class that holds them have 16 in any case.
    fn spill_bytes(class: RegClass) -> u32;
    /// The class of registers that hold vectors, `None` if the target has none.
    fn vector_class(&self) -> Option<RegClass> {
        None
    }
    /// Where a signature's values travel.
    ///
    /// # Errors
    /// If the convention cannot carry the signature.
    fn sig_abi(&self, sig: &sidetrack_ir::Signature) -> Result<crate::abi::SigAbi, crate::abi::AbiError>;
    /// The registers that a call through this signature leaves in an unknown
    /// state. Return registers may be in the set.
    fn call_clobbers(&self, sig: &sidetrack_ir::Signature) -> PRegSet;
    /// The registers, of those in `written`, that a function of this convention
    /// must save, in the order in which to save them.
    fn callee_saves(&self, conv: sidetrack_ir::CallConv, written: PRegSet) -> Vec<PReg>;
    /// Bytes that a saved register takes in the frame.
    fn save_bytes(&self, conv: sidetrack_ir::CallConv, preg: PReg) -> u32;
    /// The registers that carry an exception's payloads to its handler.
    fn exception_payloads(&self) -> [PReg; 2];
    /// The register in which this convention returns the address of a struct
    /// return area that came as a parameter, if it does.
    fn implicit_sret(&self, conv: sidetrack_ir::CallConv) -> Option<PReg>;
    /// Emits the prologue; returns its unwind steps with offsets.
    fn emit_prologue(
        &self,
        frame: &FrameLayout,
        buffer: &mut Buffer<<Self::Inst as MachInst>::Fixup>,
    ) -> Vec<(u32, UnwindOp)>;
    /// Jumps around an island.
    fn emit_island_jump(buffer: &mut Buffer<<Self::Inst as MachInst>::Fixup>, target: Label);

    /// Block parameters whose registers hold the value sign-extended to all of the
    /// register. Those of the first block become so as the function begins.
    fn extended_params(&self, _func: &sidetrack_ir::Function) -> SecondaryMap<Value, bool> {
        SecondaryMap::new()
    }

    /// Lowers an instruction that does not end its block and is not a call.
    ///
    /// # Errors
    /// A description of what the target cannot do.
    fn lower(&self, ctx: &mut crate::lower::Lower<'_, Self>, inst: sidetrack_ir::Inst) -> Result<(), String>;
    /// Lowers a terminator other than returns and calls; `targets` are the labels
    /// of its block calls in order.
    ///
    /// # Errors
    /// A description of what the target cannot do.
    fn lower_branch(
        &self,
        ctx: &mut crate::lower::Lower<'_, Self>,
        inst: sidetrack_ir::Inst,
        targets: &[Label],
    ) -> Result<(), String>;
    /// Makes a constant anew where it is used: emits code that puts the value of
    /// `inst` (`iconst`, `f32const`, `f64const`) into a register.
    fn lower_const(&self, ctx: &mut crate::lower::Lower<'_, Self>, ty: Type, bits: u64) -> Reg;
    /// Makes a vector constant anew where it is used. Targets without a class for
    /// vectors are never asked.
    ///
    /// # Panics
    /// If the target has none.
    fn lower_vconst(&self, _ctx: &mut crate::lower::Lower<'_, Self>, ty: Type, _bytes: [u8; 16]) -> Reg {
        unreachable!("{ty}: the target has no vectors")
    }
}

/// The allocator's view of a function in one target's instructions.
#[derive(Debug)]
pub struct VCode<I> {
    /// The instructions.
    pub insts: Vec<I>,
    /// Source location of each instruction.
    pub source_locs: Vec<Option<u32>>,
    /// Instructions of each block.
    pub block_ranges: Vec<(u32, u32)>,
    /// Whether the block is to be placed out of the way.
    pub cold: Vec<bool>,
    pub(crate) succs: Ranges<Block>,
    pub(crate) preds: Ranges<Block>,
    pub(crate) params: Ranges<VReg>,
    /// Arguments of each successor edge, all edges of all blocks in order.
    pub(crate) branch_args: Ranges<VReg>,
    /// Index of the first edge of each block.
    pub(crate) first_edge: Vec<u32>,
    /// Types by virtual register, for messages and sizes of spills.
    pub num_vregs: usize,
    /// The registers that are always in the frame; only moves, branches and states name them.
    pub(crate) in_frame: std::ops::Range<usize>,
    /// The registers that the allocator shall not join with what they are copied from or to.
    pub(crate) apart: std::ops::Range<usize>,
    /// The registers that are marks for the allocator.
    pub(crate) marks: std::ops::Range<usize>,
    pub(crate) operands: Ranges<Operand>,
    pub(crate) clobbers: Vec<(Inst, PRegSet)>,
    pub(crate) spill_words: [u32; 3],
    /// The class that holds vectors, if the function has any.
    pub(crate) vector_class: Option<RegClass>,
    /// What can be read at calls, at sites, and where instructions trap.
    pub(crate) states: States,
}

/// A list of lists in one allocation.
#[derive(Clone, Debug)]
pub(crate) struct Ranges<T> {
    items: Vec<T>,
    ends: Vec<u32>,
}

impl<T> Default for Ranges<T> {
    fn default() -> Self {
        Ranges { items: Vec::new(), ends: Vec::new() }
    }
}

impl<T> Ranges<T> {
    pub(crate) fn push(&mut self, list: impl IntoIterator<Item = T>) {
        self.items.extend(list);
        self.ends.push(self.items.len() as u32);
    }

    pub(crate) fn get(&self, index: usize) -> &[T] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.items[start as usize..self.ends[index] as usize]
    }

    fn with_capacity(items: usize, lists: usize) -> Self {
        Ranges { items: Vec::with_capacity(items), ends: Vec::with_capacity(lists) }
    }

    /// The items of `count` lists in a row.
    fn get_many(&self, first: usize, count: usize) -> &[T] {
        let end_of = |lists: usize| if lists == 0 { 0 } else { self.ends[lists - 1] as usize };
        &self.items[end_of(first)..end_of(first + count)]
    }

    /// The items of `count` lists in a row.
    fn get_many_mut(&mut self, first: usize, count: usize) -> &mut [T] {
        let end_of = |lists: usize| if lists == 0 { 0 } else { self.ends[lists - 1] as usize };
        let (start, end) = (end_of(first), end_of(first + count));
        &mut self.items[start..end]
    }

    fn len(&self) -> usize {
        self.ends.len()
    }

    /// How many items all lists have.
    pub(crate) fn count(&self) -> usize {
        self.items.len()
    }
}

struct Collector<'a> {
    operands: &'a mut Vec<Operand>,
    in_frame: std::ops::Range<usize>,
    /// Whether this is a copy from a register to another that the allocator shall not join.
    apart: bool,
    first: usize,
    clobbers: PRegSet,
}

impl Collector<'_> {
    /// Whether an operand of the instruction is in the frame.
    fn is_in_frame(&self, index: usize) -> bool {
        self.operands[self.first + index].constraint() == OperandConstraint::Stack
    }
}

impl OperandVisitor for Collector<'_> {
    fn operand(
        &mut self,
        reg: &mut Reg,
        constraint: OperandConstraint,
        kind: OperandKind,
        pos: OperandPos,
    ) -> usize {
        let index = self.operands.len() - self.first;
        if let Some(vreg) = reg.as_vreg() {
            let constraint = match constraint {
                _ if self.in_frame.contains(&vreg.vreg()) => OperandConstraint::Stack,
                OperandConstraint::Reuse(of) if self.apart || self.is_in_frame(of) => OperandConstraint::Reg,
                constraint => constraint,
            };
            self.operands.push(Operand::new(vreg, constraint, kind, pos));
        }
        index
    }

    fn clobbers(&mut self, set: PRegSet) {
        self.clobbers.union_from(set);
    }
}

impl<I: MachInst> VCode<I> {
    /// The instructions of a block.
    pub(crate) fn block_insts_mut(&mut self, block: usize) -> &mut [I] {
        let (start, end) = self.block_ranges[block];
        &mut self.insts[start as usize..end as usize]
    }

    /// The arguments that a block passes to its successors.
    pub(crate) fn block_args_mut(&mut self, block: usize) -> &mut [VReg] {
        let edges = self.succs.get(block).len();
        self.branch_args.get_many_mut(self.first_edge[block] as usize, edges)
    }

    /// The arguments that a block passes to its successors.
    pub(crate) fn block_args(&self, block: usize) -> &[VReg] {
        self.branch_args.get_many(self.first_edge[block] as usize, self.succs.get(block).len())
    }

    /// How much there is to do for the allocator: instructions, operands, arguments of
    /// branches, and blocks.
    pub(crate) fn work(&self) -> u64 {
        let lists = [self.insts.len(), self.operands.items.len(), self.branch_args.items.len()];
        (lists.iter().sum::<usize>() + self.block_ranges.len()) as u64
    }

    /// Collects the operands of all instructions, with those that keep what states need,
    /// and makes the labels of states.
    pub(crate) fn collect_operands(&mut self) {
        let marks = names::mark(self);
        self.operands.items.reserve(self.insts.len() * 3);
        for (i, inst) in self.insts.iter_mut().enumerate() {
            let first = self.operands.items.len();
            let is_apart = |reg: &Reg| reg.as_vreg().is_some_and(|vreg| self.apart.contains(&vreg.vreg()));
            let mut collector = Collector {
                operands: &mut self.operands.items,
                in_frame: self.in_frame.clone(),
                apart: inst.as_move().is_some_and(|(to, from)| is_apart(&to) || is_apart(&from)),
                first,
                clobbers: PRegSet::empty(),
            };
            inst.visit_operands(&mut collector);
            let clobbers = collector.clobbers;
            if clobbers != PRegSet::empty() {
                self.clobbers.push((Inst::new(i), clobbers));
            }
            self.operands.ends.push(self.operands.items.len() as u32);
        }
        self.states.apply_renames(self.num_vregs);
        let mut kept = self.states.keep(self);
        kept.extend(marks);
        kept.sort_unstable_by_key(|kept| kept.inst);
        self.add_kept(&kept);
        if self.num_vregs <= FEW_VREGS && self.marks.is_empty() {
            return self.states.make_labels(self.num_vregs, Some);
        }
        let names = names::number(self);
        self.states.make_labels(self.num_vregs, |vreg| {
            let name = names[vreg.vreg()];
            (name != UNNAMED).then(|| VReg::new(name as usize, vreg.class()))
        });
    }

    /// Adds operands behind those of their instructions, which do not see them.
    fn add_kept(&mut self, kept: &[Kept]) {
        if kept.is_empty() {
            return;
        }
        let mut operands = Ranges::with_capacity(self.operands.items.len() + kept.len(), self.insts.len());
        let mut kept = kept.iter().peekable();
        for inst in 0..self.insts.len() {
            operands.items.extend_from_slice(self.operands.get(inst));
            while let Some(kept) = kept.next_if(|kept| kept.inst as usize == inst) {
                operands.items.push(Operand::new(kept.vreg, kept.constraint, OperandKind::Use, kept.pos));
            }
            operands.ends.push(operands.items.len() as u32);
        }
        self.operands = operands;
    }

    /// Shows the registers of a block as the allocator sees it.
    pub(crate) fn for_each_vreg_mut(&mut self, block: usize, mut f: impl FnMut(&mut VReg)) {
        self.params.get_many_mut(block, 1).iter_mut().for_each(&mut f);
        let (start, end) = self.block_ranges[block];
        for operand in self.operands.get_many_mut(start as usize, (end - start) as usize) {
            let mut vreg = operand.vreg();
            f(&mut vreg);
            *operand = Operand::new(vreg, operand.constraint(), operand.kind(), operand.pos());
        }
        self.block_args_mut(block).iter_mut().for_each(f);
    }
}

impl<I: MachInst> regalloc2::Function for VCode<I> {
    fn num_insts(&self) -> usize {
        self.insts.len()
    }

    fn num_blocks(&self) -> usize {
        self.block_ranges.len()
    }

    fn entry_block(&self) -> Block {
        Block::new(0)
    }

    fn block_insns(&self, block: Block) -> InstRange {
        let (start, end) = self.block_ranges[block.index()];
        InstRange::new(Inst::new(start as usize), Inst::new(end as usize))
    }

    fn block_succs(&self, block: Block) -> &[Block] {
        work::steps(1);
        self.succs.get(block.index())
    }

    fn block_preds(&self, block: Block) -> &[Block] {
        work::steps(1);
        self.preds.get(block.index())
    }

    fn block_params(&self, block: Block) -> &[VReg] {
        work::steps(1);
        self.params.get(block.index())
    }

    fn is_ret(&self, insn: Inst) -> bool {
        self.insts[insn.index()].terminator() == Terminator::Return
    }

    fn is_branch(&self, insn: Inst) -> bool {
        self.insts[insn.index()].terminator() == Terminator::Branch
    }

    fn branch_blockparams(&self, block: Block, _insn: Inst, succ_idx: usize) -> &[VReg] {
        work::steps(1);
        self.branch_args.get(self.first_edge[block.index()] as usize + succ_idx)
    }

    fn inst_operands(&self, insn: Inst) -> &[Operand] {
        work::steps(1);
        if self.operands.len() == 0 { &[] } else { self.operands.get(insn.index()) }
    }

    fn inst_clobbers(&self, insn: Inst) -> PRegSet {
        match self.clobbers.binary_search_by_key(&insn, |entry| entry.0) {
            Ok(index) => self.clobbers[index].1,
            Err(_) => PRegSet::empty(),
        }
    }

    fn num_vregs(&self) -> usize {
        self.num_vregs
    }

    fn debug_value_labels(&self) -> &[(VReg, Inst, Inst, u32)] {
        self.states.labels()
    }

    fn spillslot_size(&self, class: RegClass) -> usize {
        self.spill_words[class as usize] as usize
    }
}
