//! Lowering: from the IR to VCode.
//!
//! Problem: one machine instruction may do the work of several of the IR, and
//! what nobody needs should not be computed. Approach: blocks, and instructions in
//! them, are lowered back to front. An instruction without effects is lowered only
//! if something lowered before (that is, later in the program) asked for its
//! result as a register; a target's rule that folds an operand into its consumer
//! simply does not ask. Constants are made anew at each use.
//!
//! Needs: a verified, legalised function. Provides: [`VCode`] with operands
//! collected. Invariant: [`Lower::reg`] emits code, so a rule asks for all registers
//! before it emits an instruction that sets flags for another.

mod calls;
mod memory;

use crate::CodegenError;
use crate::abi::{AbiLoc, SigAbi, StackAddr};
use crate::block_order::{BlockOrder, Edge, LoweredBlock};
use crate::buffer::{Label, block_label};
use crate::call::{CallDest, CallInfo, StateOperand};
use crate::reg::Reg;
use crate::settings::OptLevel;
use crate::state::{Point, PointKind, States, StatesBuilder};
use crate::vcode::{Backend, MachInst, VCode};
use cranelift_entity::{PrimaryMap, SecondaryMap};
use regalloc2::{PReg, RegClass, VReg};
use rustc_hash::FxHashMap;
use sidetrack_ir::{
    ArgumentExtension, Block, BlockArg, BlockCall, CallConv, ControlFlowGraph, Endianness, Extra, Function,
    Inst, Opcode, Signature, StackSlot, StateCounts, StateCursor, Type, Value, ValueDef,
};
use smallvec::SmallVec;

/// What lowering leaves beside the VCode.
#[derive(Debug)]
pub struct Lowered<I> {
    /// The instructions.
    pub vcode: VCode<I>,
    /// Bytes of stack slots, below which spill slots follow.
    pub stack_slots: u32,
    /// Bytes of outgoing arguments and returns.
    pub outgoing: u32,
    /// Bytes of argument area that tail calls need.
    pub tail_args: u32,
    /// The function's own places.
    pub abi: SigAbi,
}

/// The state of lowering one function, as a target's rules see it.
pub struct Lower<'a, B: Backend> {
    /// The target.
    pub backend: &'a B,
    /// The function.
    pub func: &'a Function,
    order: BlockOrder,
    value_regs: SecondaryMap<Value, Option<Reg>>,
    uses: SecondaryMap<Value, u8>,
    sunk: SecondaryMap<Inst, bool>,
    /// The load that the current instruction does the work of.
    sunk_here: Option<Inst>,
    /// What has state, from which instruction to before which, in the order of lowering,
    /// and whose state it is.
    points: Vec<(Point, Inst)>,
    /// The call with state among the current instruction's code, from the front.
    stateful_call: Option<usize>,
    /// Goes through the states of calls, back to front.
    call_states: StateCursor<'a>,
    /// What is kept at traps, too, and its key in states.
    context: Option<(u32, Value)>,
    colors: SecondaryMap<Inst, u32>,
    /// Registers that carry a `try_call`'s results over its edges.
    try_regs: FxHashMap<(Inst, PReg), Reg>,
    try_stack_rets: FxHashMap<(Inst, u32), Reg>,
    slot_offsets: PrimaryMap<StackSlot, u32>,
    slots_size: u32,
    outgoing: u32,
    tail_args: u32,
    abi: SigAbi,
    /// What [`Backend::extended_params`] says.
    pub extended_params: SecondaryMap<Value, bool>,
    /// Whether the function has vectors.
    vectors: bool,
    next_vreg: usize,
    current: Option<Inst>,
    current_block: Option<Block>,
    /// The current instruction's code, front to back.
    emitted: Vec<B::Inst>,
}

/// How many instructions of a kind in a row a rule looks through, such as casts that do
/// nothing in a register. Without an end, the last of many would be looked for at each use.
pub const MAX_SAME: usize = 8;

/// So many arguments of a branch are few.
const FEW_ARGS: usize = 16;

impl<'a, B: Backend> Lower<'a, B> {
    // What rules ask.

    /// The type of a value.
    pub fn ty(&self, v: Value) -> Type {
        self.func.dfg.value_type(v)
    }

    /// The value argument number `n` of an instruction.
    pub fn arg(&self, inst: Inst, n: usize) -> Value {
        self.func.dfg.args(inst)[n]
    }

    /// The instruction that defines a value, if one does.
    pub fn def_inst(&self, v: Value) -> Option<Inst> {
        match self.func.dfg.value_def(v) {
            ValueDef::Result(inst, _) => Some(inst),
            _ => None,
        }
    }

    /// The instruction that defines a value if it has this opcode.
    pub fn def_op(&self, v: Value, opcode: Opcode) -> Option<Inst> {
        self.def_inst(v).filter(|&inst| self.func.dfg.insts[inst].opcode == opcode)
    }

    /// The value of an integer constant, sign-extended.
    pub fn iconst(&self, v: Value) -> Option<i64> {
        match self.func.dfg.insts[self.def_op(v, Opcode::Iconst)?].extra {
            Extra::Imm(imm) => Some(imm),
            _ => None,
        }
    }

    /// The bytes of a vector constant.
    pub fn vconst(&self, v: Value) -> Option<[u8; 16]> {
        match self.func.dfg.insts[self.def_op(v, Opcode::Vconst)?].extra {
            Extra::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Whether exactly one operand in the function is this value.
    pub fn single_use(&self, v: Value) -> bool {
        self.uses[v] == 1
    }

    /// The load that defines `v`, if it can be done by the instruction that is
    /// being lowered instead: nothing else uses it, and nothing between the two has
    /// an effect. A rule that then uses the load's address calls [`Lower::sink`].
    ///
    /// When `v` is an operand not of the current instruction but of one folded into
    /// it, the rule has made sure that this one has a single use.
    pub fn sinkable_load(&self, v: Value) -> Option<Inst> {
        let inst = self.def_inst(v)?;
        let current = self.current?;
        let data = &self.func.dfg.insts[inst];
        let plain = data.opcode.can_load() && !data.opcode.can_store() && !data.opcode.is_call();
        let ok = plain
            && data.opcode != Opcode::AtomicLoad
            && self.single_use(v)
            && self.value_regs[v].is_none()
            && !self.sunk[inst]
            && self.func.layout.inst_block(inst) == self.current_block
            && self.colors[inst] == self.colors[current];
        ok.then_some(inst)
    }

    /// The current instruction does the work of this load.
    pub fn sink(&mut self, load: Inst) {
        self.sunk[load] = true;
        self.sunk_here = Some(load);
    }

    /// The offset of a stack slot in the slot area.
    pub fn slot_offset(&self, slot: StackSlot) -> u32 {
        self.slot_offsets[slot]
    }

    // What rules do.

    /// A register with the value. Integers narrower than the register have
    /// undefined upper bits. May emit code.
    pub fn reg(&mut self, v: Value) -> Reg {
        let mut v = v;
        for _ in 0..MAX_SAME {
            match self.def_inst(v).filter(|&inst| self.is_same_register(inst)) {
                Some(inst) if self.value_regs[v].is_none() => v = self.arg(inst, 0),
                _ => break,
            }
        }
        if let Some(inst) = self.def_inst(v) {
            let data = &self.func.dfg.insts[inst];
            let constant = matches!(data.opcode, Opcode::Iconst | Opcode::F32const | Opcode::F64const);
            let ty = self.ty(v);
            match data.extra {
                Extra::Imm(imm) if constant => return self.backend.lower_const(self, ty, imm as u64),
                Extra::Bytes(bytes) if data.opcode == Opcode::Vconst => {
                    return self.backend.lower_vconst(self, ty, bytes);
                }
                _ => {}
            }
        }
        self.def_reg(v)
    }

    /// Whether an instruction's result is its operand as it stands in a register.
    fn is_same_register(&self, inst: Inst) -> bool {
        let data = &self.func.dfg.insts[inst];
        match (data.opcode, data.extra) {
            (Opcode::Ireduce, _) => true,
            (Opcode::Bitcast, Extra::Mem(flags, _)) => {
                let both = data.ty.is_vector() && self.ty(self.arg(inst, 0)).is_vector();
                both && flags.endianness != Some(Endianness::Big)
            }
            _ => false,
        }
    }

    fn def_reg(&mut self, v: Value) -> Reg {
        if let Some(reg) = self.value_regs[v] {
            return reg;
        }
        let reg = self.temp(self.ty(v));
        self.value_regs[v] = Some(reg);
        reg
    }

    /// The register to write result number `n` of an instruction to.
    pub fn result(&mut self, inst: Inst, n: usize) -> Reg {
        let v = self.func.dfg.results(inst)[n];
        self.def_reg(v)
    }

    /// Whether anything asked for result number `n`.
    pub fn result_needed(&self, inst: Inst, n: usize) -> bool {
        self.value_regs[self.func.dfg.results(inst)[n]].is_some()
    }

    /// A new register for a value of this type.
    pub fn temp(&mut self, ty: Type) -> Reg {
        self.temp_class(B::Inst::class(ty))
    }

    /// A new register of a class.
    pub fn temp_class(&mut self, class: RegClass) -> Reg {
        // When there are too many, `assemble` says so.
        let vreg = VReg::new(self.next_vreg.min(VReg::MAX), class);
        self.next_vreg += 1;
        Reg::virtual_(vreg)
    }

    /// Appends an instruction.
    pub fn emit(&mut self, inst: B::Inst) {
        self.emitted.push(inst);
    }

    /// Calls a library routine of this name by the system's convention; returns
    /// the register of its one result.
    ///
    /// # Errors
    /// If the convention cannot carry the signature.
    pub fn libcall(&mut self, name: &str, params: &[Type], ret: Type, args: &[Reg]) -> Result<Reg, String> {
        let sig = Signature::of(CallConv::SystemV, params, &[ret]);
        let abi = self.backend.sig_abi(&sig).map_err(|error| error.to_string())?;
        let mut uses = Vec::with_capacity(args.len());
        for (slot, &arg) in abi.params.iter().zip(args) {
            match slot.loc {
                AbiLoc::Reg(preg) => uses.push((arg, preg)),
                AbiLoc::Stack(_) => return Err(format!("library call {name} needs stack arguments")),
            }
        }
        let dst = self.temp(ret);
        let AbiLoc::Reg(preg) = abi.rets[0].loc else {
            return Err(format!("library call {name} returns on the stack"));
        };
        let mut clobbers = self.backend.call_clobbers(&sig);
        clobbers.remove(preg);
        self.outgoing = self.outgoing.max(abi.stack_args);
        self.emit(B::Inst::call(Box::new(CallInfo {
            dest: CallDest::Direct(sidetrack_artifact::SymbolName::Named(name.to_string())),
            uses,
            defs: vec![(dst, preg)],
            clobbers,
            stack_args: abi.stack_args,
            callee_pops: false,
            site: None,
            try_call: None,
            has_state: false,
        })));
        Ok(dst)
    }

    // The driver.

    /// Lowers a function.
    ///
    /// # Errors
    /// If the target cannot do something; the error names the instruction.
    pub fn run(backend: &'a B, func: &'a Function) -> Result<Lowered<B::Inst>, CodegenError> {
        let cfg = ControlFlowGraph::new(func);
        let abi = backend.sig_abi(&func.signature).map_err(|error| CodegenError::Signature {
            function: func.name.to_string(),
            reason: error.to_string(),
        })?;
        let mut lower = Lower {
            backend,
            func,
            order: BlockOrder::new(func, &cfg),
            extended_params: backend.extended_params(func),
            value_regs: SecondaryMap::with_capacity(func.dfg.num_values()),
            uses: SecondaryMap::with_capacity(func.dfg.num_values()),
            sunk: SecondaryMap::new(),
            sunk_here: None,
            points: Vec::new(),
            stateful_call: None,
            call_states: StateCursor::new(&func.dfg.states),
            context: context(func),
            colors: SecondaryMap::with_capacity(func.dfg.insts.len()),
            try_regs: FxHashMap::default(),
            try_stack_rets: FxHashMap::default(),
            slot_offsets: PrimaryMap::new(),
            slots_size: 0,
            outgoing: 0,
            tail_args: abi.stack_args,
            abi,
            vectors: false,
            next_vreg: 0,
            current: None,
            current_block: None,
            emitted: Vec::new(),
        };
        lower.lay_out_slots()?;
        lower.find_vectors()?;
        lower.scan();
        let vcode = lower.blocks()?;
        Ok(Lowered {
            vcode,
            stack_slots: lower.slots_size,
            outgoing: lower.outgoing,
            tail_args: lower.tail_args,
            abi: lower.abi,
        })
    }

    fn lay_out_slots(&mut self) -> Result<(), CodegenError> {
        let mut at: u64 = 0;
        for (slot, data) in &self.func.stack_slots {
            // SP is aligned to 16, and so is the area; more is not to be had.
            if data.align_shift > 4 {
                return Err(CodegenError::Unsupported {
                    function: self.func.name.to_string(),
                    inst: slot.to_string(),
                    reason: "stack slots are aligned to at most 16 bytes".to_string(),
                });
            }
            at = at.next_multiple_of(1 << data.align_shift.max(3));
            self.slot_offsets.push(at as u32);
            at += u64::from(data.size);
            if at > 1 << 30 {
                return Err(CodegenError::Unsupported {
                    function: self.func.name.to_string(),
                    inst: slot.to_string(),
                    reason: "stack slots take more than 1 GiB".to_string(),
                });
            }
        }
        self.slots_size = (at as u32).next_multiple_of(16);
        Ok(())
    }

    /// Counts uses, and numbers the stretches between effects.
    fn scan(&mut self) {
        let mut color = 0;
        for &block in &self.order.blocks {
            let LoweredBlock::Orig(block) = block else { continue };
            color += 1;
            for inst in self.func.layout.block_insts(block) {
                self.colors[inst] = color;
                let opcode = self.func.dfg.insts[inst].opcode;
                let only_loads = opcode.can_load() && !opcode.can_store() && opcode != Opcode::AtomicLoad;
                if !opcode.is_pure() && !only_loads {
                    color += 1;
                }
                let uses = &mut self.uses;
                self.func.dfg.for_each_use(inst, |v| uses[v] = (uses[v] + 1).min(2));
            }
        }
        let dfg = &self.func.dfg;
        let kept = StateCounts::new(self.func, |inst| dfg.keeps_state(inst));
        for range in dfg.states.ranges() {
            let uses = &mut self.uses[range.value];
            *uses = kept.of(&range).saturating_add(u32::from(*uses)).min(2) as u8;
        }
    }

    /// Whether the function has vectors, which not every target does.
    fn find_vectors(&mut self) -> Result<(), CodegenError> {
        let (dfg, layout) = (&self.func.dfg, &self.func.layout);
        let vector = |v: &&Value| dfg.value_type(**v).is_vector();
        let found = layout.blocks().find_map(|block| {
            let in_inst = |inst| dfg.results(inst).iter().find(vector);
            dfg.block_params(block)
                .iter()
                .find(vector)
                .or_else(|| layout.block_insts(block).find_map(in_inst))
        });
        let Some(&v) = found else { return Ok(()) };
        self.vectors = true;
        match self.backend.vector_class() {
            Some(_) => Ok(()),
            None => Err(CodegenError::Unsupported {
                function: self.func.name.to_string(),
                inst: format!("{v}: {}", self.ty(v)),
                reason: "the target has no vectors".to_string(),
            }),
        }
    }

    fn blocks(&mut self) -> Result<VCode<B::Inst>, CodegenError> {
        let count = self.order.blocks.len();
        let mut insts: Vec<B::Inst> = Vec::with_capacity(self.func.dfg.insts.len() * 2);
        let mut locs: Vec<Option<u32>> = Vec::with_capacity(insts.capacity());
        let mut ranges = vec![(0, 0); count];
        let mut edges: Vec<Vec<SmallVec<[VReg; 4]>>> = vec![Vec::new(); count];
        for index in (0..count).rev() {
            let end = insts.len() as u32;
            let loc = None;
            match self.order.blocks[index] {
                LoweredBlock::Edge { pred, number } => {
                    self.current = None;
                    self.current_block = None;
                    edges[index] = vec![self.lower_edge(pred, number)];
                    drain_reversed(&mut self.emitted, loc, &mut insts, &mut locs);
                }
                LoweredBlock::Orig(block) => {
                    self.current_block = Some(block);
                    let mut next = self.func.layout.last_inst(block);
                    while let Some(inst) = next {
                        self.current = Some(inst);
                        let data = &self.func.dfg.insts[inst];
                        if data.opcode.is_terminator() {
                            edges[index] = self.lower_terminator(block, inst)?;
                        } else if self.wanted(inst) {
                            self.lower_inst(inst)?;
                        }
                        let stops = self.stops(inst);
                        let loc = self.func.source_locs[stops];
                        self.note_states(insts.len() as u32, inst, stops);
                        drain_reversed(&mut self.emitted, loc, &mut insts, &mut locs);
                        next = self.func.layout.prev_inst(inst);
                    }
                    if index == 0 {
                        self.current = None;
                        self.lower_params(block);
                        drain_reversed(&mut self.emitted, None, &mut insts, &mut locs);
                    }
                }
            }
            ranges[index] = (end, insts.len() as u32);
        }
        insts.reverse();
        locs.reverse();
        let total = insts.len() as u32;
        let block_ranges = ranges.iter().map(|(start, end)| (total - end, total - start)).collect();
        self.assemble(insts, locs, block_ranges, edges)
    }

    fn assemble(
        &mut self,
        insts: Vec<B::Inst>,
        source_locs: Vec<Option<u32>>,
        block_ranges: Vec<(u32, u32)>,
        edges: Vec<Vec<SmallVec<[VReg; 4]>>>,
    ) -> Result<VCode<B::Inst>, CodegenError> {
        let count = self.order.blocks.len();
        let vector_class = self.backend.vector_class().filter(|_| self.vectors);
        let words = |class| match vector_class {
            Some(vectors) if vectors == class => 2,
            _ => B::spill_bytes(class) / 8,
        };
        let mut vcode = VCode {
            insts,
            source_locs,
            block_ranges,
            cold: Vec::with_capacity(count),
            succs: Default::default(),
            preds: Default::default(),
            params: Default::default(),
            branch_args: Default::default(),
            first_edge: Vec::with_capacity(count),
            num_vregs: 0,
            in_frame: 0..0,
            apart: 0..0,
            marks: 0..0,
            operands: Default::default(),
            clobbers: Vec::new(),
            spill_words: [words(RegClass::Int), words(RegClass::Float), words(RegClass::Vector)],
            vector_class,
            states: Default::default(),
        };
        let mut preds: Vec<SmallVec<[regalloc2::Block; 2]>> = vec![SmallVec::new(); count];
        let mut edge = 0;
        for index in 0..count {
            let succs: SmallVec<[u32; 2]> = match self.order.blocks[index] {
                LoweredBlock::Orig(block) => self.order.edges(block).iter().map(|edge| edge.to).collect(),
                LoweredBlock::Edge { pred, number } => {
                    let call = self.edge_call(pred, number);
                    SmallVec::from_slice(&[self.order.index[call.block]])
                }
            };
            for &succ in &succs {
                preds[succ as usize].push(regalloc2::Block::new(index));
            }
            vcode.succs.push(succs.iter().map(|&succ| regalloc2::Block::new(succ as usize)));
            vcode.first_edge.push(edge);
            edge += succs.len() as u32;
            for args in &edges[index] {
                vcode.branch_args.push(args.iter().copied());
            }
            let (cold, params) = match self.order.blocks[index] {
                LoweredBlock::Orig(block) => {
                    let params: SmallVec<[VReg; 4]> = if index == 0 {
                        SmallVec::new()
                    } else {
                        let values = self.func.dfg.block_params(block);
                        values.iter().map(|&v| self.def_reg(v).as_vreg().expect("virtual")).collect()
                    };
                    (self.func.dfg.blocks[block].cold, params)
                }
                LoweredBlock::Edge { pred, number } => {
                    let to = self.edge_call(pred, number).block;
                    (self.func.dfg.blocks[pred].cold || self.func.dfg.blocks[to].cold, SmallVec::new())
                }
            };
            vcode.cold.push(cold);
            vcode.params.push(params);
        }
        // The allocator finds what dominates a block by going up from the first to the next; from
        // the last predecessor to the first it is not the whole way each time.
        for list in preds {
            vcode.preds.push(list.into_iter().rev());
        }
        if self.next_vreg > VReg::MAX {
            let (work, limit) = (self.next_vreg as u64, VReg::MAX as u64);
            let function = self.func.name.to_string();
            return Err(CodegenError::TooLarge { function, work, limit, unit: "virtual registers" });
        }
        vcode.num_vregs = self.next_vreg;
        vcode.states = self.states(vcode.insts.len() as u32);
        crate::spill::run(&mut vcode);
        if self.backend.flags().opt_level == OptLevel::Speed {
            crate::split::run(&mut vcode);
        }
        let first = vcode.num_vregs;
        crate::chains::run(&mut vcode);
        crate::fixed::run(&mut vcode);
        vcode.apart = first..vcode.num_vregs;
        vcode.collect_operands();
        Ok(vcode)
    }

    /// Whose work it is that may trap when an instruction's code does: that of a load
    /// which became a part of it if the load can trap, or its own.
    fn stops(&mut self, inst: Inst) -> Inst {
        let load = self.sunk_here.take().filter(
            |&load| matches!(self.func.dfg.insts[load].extra, Extra::Mem(flags, _) if flags.trap.is_some()),
        );
        load.unwrap_or(inst)
    }

    /// Notes the states of the current instruction's code, which comes behind `start`
    /// others in the order of lowering, and does the work of `stops` where it may trap.
    fn note_states(&mut self, start: u32, inst: Inst, stops: Inst) {
        let (dfg, mut end) = (&self.func.dfg, start + self.emitted.len() as u32);
        let mut start = start;
        if let Some(index) = self.stateful_call.take() {
            end -= index as u32;
            start = end - 1;
            let kind = if dfg.is_patchable(inst) { PointKind::Site } else { PointKind::Call };
            self.points.push((Point { start, end, kind }, inst));
        }
        if start < end && dfg.states.of(stops).is_some() && !dfg.keeps_state(stops) {
            self.points.push((Point { start, end, kind: PointKind::Trap }, stops));
            if let Some((_, context)) = self.context {
                self.def_reg(context);
            }
        }
    }

    /// The states of all that has any, of `total` machine instructions.
    fn states(&self, total: u32) -> States {
        let dfg = &self.func.dfg;
        let mut states = StatesBuilder::new(&dfg.states, |v| self.known_operand(v));
        for &(Point { start, end, kind }, inst) in self.points.iter().rev() {
            let state = dfg.states.of(inst).expect("only what has state is noted");
            states.push(Point { start: total - end, end: total - start, kind }, state);
        }
        states.finish(self.context.map(|(key, _)| key))
    }

    /// The constant that a value is, or the register that it has if something needs it.
    fn known_operand(&self, mut v: Value) -> Option<StateOperand> {
        for _ in 0..=MAX_SAME {
            if let Some(place) = self.constant_place(v) {
                return Some(StateOperand::Const(place));
            }
            if let Some(reg) = self.value_regs[v] {
                return Some(self.state_operand(v, reg));
            }
            let inst = self.def_inst(v).filter(|&inst| self.is_same_register(inst))?;
            v = self.arg(inst, 0);
        }
        None
    }

    fn edge_call(&self, pred: Block, number: u32) -> BlockCall {
        self.order.edges(pred)[number as usize].call
    }

    fn wanted(&self, inst: Inst) -> bool {
        if self.sunk[inst] {
            return false;
        }
        let data = &self.func.dfg.insts[inst];
        let removable = data.opcode.is_pure()
            || data.opcode == Opcode::SelectSpectreGuard
            || matches!((data.opcode.can_store(), data.opcode, data.extra),
                (false, op, Extra::Mem(flags, _)) if flags.trap.is_none() && op != Opcode::AtomicLoad);
        !removable || self.func.dfg.results(inst).iter().any(|&v| self.value_regs[v].is_some())
    }

    fn unsupported(&self, inst: Inst, reason: String) -> CodegenError {
        let opcode = self.func.dfg.insts[inst].opcode;
        let inst = match self.func.dfg.results(inst).first() {
            Some(v) => format!("{v} = {opcode}"),
            None => opcode.to_string(),
        };
        CodegenError::Unsupported { function: self.func.name.to_string(), inst, reason }
    }

    fn lower_inst(&mut self, inst: Inst) -> Result<(), CodegenError> {
        let data = &self.func.dfg.insts[inst];
        if data.opcode.is_call() {
            self.lower_call(inst).map_err(|reason| self.unsupported(inst, reason))
        } else if data.opcode == Opcode::Ireduce {
            let src = self.arg(inst, 0);
            let (src, dst) = (self.reg(src), self.result(inst, 0));
            self.emit(B::Inst::mov(dst, src, RegClass::Int));
            Ok(())
        } else {
            let backend = self.backend;
            backend.lower(self, inst).map_err(|reason| self.unsupported(inst, reason))
        }
    }

    fn lower_terminator(
        &mut self,
        block: Block,
        inst: Inst,
    ) -> Result<Vec<SmallVec<[VReg; 4]>>, CodegenError> {
        let opcode = self.func.dfg.insts[inst].opcode;
        let count = self.order.edges(block).len();
        let mut args: Vec<SmallVec<[VReg; 4]>> = Vec::with_capacity(count);
        for number in 0..count {
            let Edge { call, to } = self.order.edges(block)[number];
            let split = matches!(self.order.blocks[to as usize], LoweredBlock::Edge { .. });
            args.push(if split { SmallVec::new() } else { self.block_call_args(inst, &call) });
        }
        let targets = self.order.targets(block).into_iter().map(|to| block_label(to as usize));
        let targets: SmallVec<[Label; 4]> = targets.collect();
        let result = match opcode {
            Opcode::Return => self.lower_return(inst),
            Opcode::ReturnCall | Opcode::ReturnCallIndirect => self.lower_return_call(inst),
            Opcode::TryCall | Opcode::TryCallIndirect => self.lower_try_call(inst, &targets),
            Opcode::Jump => {
                self.emit(B::Inst::jump(targets[0]));
                Ok(())
            }
            _ => {
                let backend = self.backend;
                backend.lower_branch(self, inst, &targets)
            }
        };
        result.map_err(|reason| self.unsupported(inst, reason))?;
        Ok(args)
    }

    fn block_call_args(&mut self, inst: Inst, call: &BlockCall) -> SmallVec<[VReg; 4]> {
        let func = self.func;
        // A constant is best made in the place that it goes to. But among many arguments each is
        // made once: its registers would be as many as all ways have arguments.
        let share = call.args(&func.dfg.block_args).count() > FEW_ARGS;
        let mut made = FxHashMap::default();
        let args = call.args(&func.dfg.block_args).map(|arg| {
            let reg = match arg {
                BlockArg::Value(v) if share && self.value_regs[v].is_none() => {
                    *made.entry(v).or_insert_with(|| self.reg(v))
                }
                BlockArg::Value(v) => self.reg(v),
                BlockArg::TryCallRet(n) => self.try_ret_reg(inst, n),
                BlockArg::TryCallExn(n) => {
                    let preg = self.backend.exception_payloads()[n as usize & 1];
                    self.try_reg(inst, preg)
                }
            };
            reg.as_vreg().expect("values are in virtual registers")
        });
        args.collect()
    }

    /// The block between a branch and one of its targets: moves of arguments, and
    /// for the normal return of a `try_call` its stack results.
    fn lower_edge(&mut self, pred: Block, number: u32) -> SmallVec<[VReg; 4]> {
        let inst = self.func.layout.last_inst(pred).expect("a block ends in a terminator");
        let call = self.edge_call(pred, number);
        let args = self.block_call_args(inst, &call);
        if number == 0 && self.func.dfg.insts[inst].opcode.is_call() {
            self.load_stack_rets(inst);
        }
        self.emit(B::Inst::jump(block_label(self.order.index[call.block] as usize)));
        args
    }

    fn lower_params(&mut self, entry: Block) {
        let mut defs = Vec::new();
        let mut loads = Vec::new();
        let mut conversions = Vec::new();
        let params = self.func.dfg.block_params(entry);
        for (n, &v) in params.iter().enumerate() {
            let slot = self.abi.params[n];
            let Some(mut reg) = self.value_regs[v] else { continue };
            if self.extended_params[v] && slot.extension != ArgumentExtension::Sext {
                let extended = std::mem::replace(&mut reg, self.temp(slot.ty));
                conversions.push(B::Inst::extend(extended, reg, slot.ty, true));
            }
            match slot.loc {
                AbiLoc::Reg(preg) if preg.class() != reg.class() => {
                    let bits = self.temp_class(preg.class());
                    conversions.push(B::Inst::mov_bits(reg, bits, slot.ty));
                    defs.push((bits, preg));
                }
                AbiLoc::Reg(preg) => defs.push((reg, preg)),
                AbiLoc::Stack(offset) => {
                    let addr = StackAddr::ArgArea(offset as i32 - self.abi.stack_args as i32);
                    loads.push(B::Inst::load_stack(reg, addr, slot.ty));
                }
            }
        }
        self.emit(B::Inst::args(defs));
        self.emitted.extend(loads);
        self.emitted.extend(conversions);
    }
}

fn drain_reversed<I>(
    emitted: &mut Vec<I>,
    loc: Option<u32>,
    insts: &mut Vec<I>,
    locs: &mut Vec<Option<u32>>,
) {
    locs.extend(std::iter::repeat_n(loc, emitted.len()));
    insts.extend(emitted.drain(..).rev());
}

/// A function's context, and its key in states.
fn context(func: &Function) -> Option<(u32, Value)> {
    let context = func.context()?;
    let ranges = func.dfg.states.ranges();
    ranges.iter().find(|range| range.value == context).map(|range| (range.key, context))
}
