//! From VCode to machine code: register allocation, frame layout, emission.
//!
//! Needs: VCode with operands collected. Provides: a [`CompiledFunction`].
//! Approach: the allocator's answer is applied while emitting: each instruction is
//! copied with its registers filled in, between the moves that the allocator
//! inserted. A block that holds nothing but a jump is not emitted; its label
//! becomes another name of its target's.

use crate::abi::{AbiLoc, FrameLayout};
use crate::buffer::{Buffer, Label, block_label, block_labels};
use crate::lower::Lowered;
use crate::reg::Reg;
use crate::vcode::{Backend, EmitCtx, MachInst, OperandVisitor, VCode};
use crate::{CodegenError, symbol_name};
use cranelift_entity::EntityRef;
use regalloc2::{
    Algorithm, Allocation, Ctx, Edit, InstOrEdit, OperandConstraint, OperandKind, OperandPos, Output, PReg,
    PRegSet, RegClass, RegallocOptions,
};
use sidetrack_artifact::{CompiledFunction, UnwindInfo};
use sidetrack_ir::types::I8X16;
use sidetrack_ir::{Function, work};

/// Allocates registers for a lowered function and emits it.
///
/// # Errors
/// If allocation fails or the checker refuses its result.
pub fn emit_function<B: Backend>(
    backend: &B,
    func: &Function,
    lowered: Lowered<B::Inst>,
    ctx: &mut Ctx,
) -> Result<CompiledFunction, CodegenError> {
    let Lowered { vcode, stack_slots, outgoing, tail_args, abi } = lowered;
    let allocation_error =
        |reason: String| CodegenError::RegAlloc { function: func.name.to_string(), reason };
    let options = RegallocOptions {
        verbose_log: false,
        validate_ssa: backend.flags().regalloc_checker,
        algorithm: Algorithm::Ion,
    };
    let allocated =
        work::measure("regalloc", || regalloc2::run_with_ctx(&vcode, backend.machine_env(), &options, ctx));
    let output = allocated.map_err(|error| allocation_error(format!("{error:?}")))?;
    if backend.flags().regalloc_checker {
        let mut checker = regalloc2::checker::Checker::new(&vcode, backend.machine_env());
        checker.prepare(output);
        checker.run().map_err(|errors| allocation_error(format!("checker: {errors:?}")))?;
    }

    let mut written = written_registers(&vcode, output);
    for slot in &abi.rets {
        if let AbiLoc::Reg(preg) = slot.loc {
            written.remove(preg);
        }
    }
    let conv = func.signature.call_conv;
    let mut saved = Vec::new();
    let mut saved_size = 0;
    for preg in backend.callee_saves(conv, written) {
        let bytes = backend.save_bytes(conv, preg);
        saved_size = (saved_size + bytes).next_multiple_of(bytes);
        saved.push((preg, -(saved_size as i32)));
    }
    let frame = FrameLayout {
        stack_args: abi.stack_args,
        arg_area: tail_args,
        callee_pops: abi.callee_pops,
        setup: 16,
        saved,
        saved_size: saved_size.next_multiple_of(16),
        stack_slots,
        slots: (stack_slots + output.num_spillslots as u32 * 8).next_multiple_of(16),
        outgoing: outgoing.next_multiple_of(16),
    };
    let mut emitter = Emitter { backend, vcode: &vcode, output, frame };
    let (finished, unwind) = work::measure("emit", || {
        let (buffer, unwind) = emitter.run();
        (buffer.finish(), unwind)
    });
    work::note("moves", output.edits.len() as u64);
    work::note("bytes", finished.code.len() as u64);
    let (state_insts, trap_insts) = (&finished.state_insts, &finished.trap_insts);
    let [states, trap_states] = vcode.states.encode(state_insts, trap_insts, output, &emitter.frame);
    if backend.flags().regalloc_checker {
        let (calls, traps) = ((&states[..], &state_insts[..]), (&trap_states[..], &trap_insts[..]));
        let checked = vcode.states.check(&vcode, output, &emitter.frame, calls, traps);
        checked.map_err(|reason| allocation_error(format!("checker: {reason}")))?;
    }
    Ok(CompiledFunction {
        name: symbol_name(&func.name),
        code: finished.code,
        alignment: finished.alignment,
        relocs: finished.relocs,
        traps: finished.traps,
        call_sites: finished.call_sites,
        patch_sites: finished.patch_sites,
        states,
        trap_states,
        unwind,
        sources: finished.sources,
        frame_size: emitter.frame.size() + emitter.frame.setup,
    })
}

/// All registers that the function's code writes, by instructions, clobbers or the
/// allocator's moves. Arguments that arrive are not written.
fn written_registers<I: MachInst>(vcode: &VCode<I>, output: &Output) -> PRegSet {
    let mut written = PRegSet::empty();
    for index in 0..vcode.insts.len() {
        // The first instruction of the entry block holds the arguments.
        if index == vcode.block_ranges[0].0 as usize {
            continue;
        }
        let operands = vcode.operands.get(index);
        let allocs = output.inst_allocs(regalloc2::Inst::new(index));
        for (operand, alloc) in operands.iter().zip(allocs) {
            if let (OperandKind::Def, Some(preg)) = (operand.kind(), alloc.as_reg()) {
                written.add(preg);
            }
        }
    }
    for (_, set) in &vcode.clobbers {
        written.union_from(*set);
    }
    for (_, Edit::Move { to, .. }) in &output.edits {
        if let Some(preg) = to.as_reg() {
            written.add(preg);
        }
    }
    written
}

/// Where control goes from each of `count` blocks through blocks that only jump: the first
/// that does not, or one of a circle of them, since an empty infinite loop must stay one.
fn past_jumps(count: usize, only_jump: impl Fn(usize) -> Option<usize>) -> Vec<usize> {
    const UNKNOWN: usize = usize::MAX;
    let mut ends = vec![UNKNOWN; count];
    let mut way = Vec::new();
    for block in 0..count {
        let mut at = block;
        while ends[at] == UNKNOWN {
            // What comes back here has gone round in a circle.
            ends[at] = at;
            way.push(at);
            at = only_jump(at).unwrap_or(at);
        }
        let end = ends[at];
        way.drain(..).for_each(|on_way| ends[on_way] = end);
    }
    ends
}

/// The allocation that a register operand has been filled in with.
fn allocation(reg: Reg) -> Allocation {
    match (reg.as_preg(), reg.as_spill_slot()) {
        (Some(preg), _) => Allocation::reg(preg),
        (_, Some(slot)) => Allocation::stack(slot),
        _ => unreachable!("every operand has an allocation"),
    }
}

/// Fills an instruction's virtual registers with their allocations, in order.
struct Filler<'a> {
    allocs: std::slice::Iter<'a, Allocation>,
    index: usize,
}

impl OperandVisitor for Filler<'_> {
    fn operand(
        &mut self,
        reg: &mut Reg,
        _constraint: OperandConstraint,
        _kind: OperandKind,
        _pos: OperandPos,
    ) -> usize {
        let index = self.index;
        if reg.as_vreg().is_some() {
            let alloc = self.allocs.next().expect("every operand has an allocation");
            *reg = match (alloc.as_reg(), alloc.as_stack()) {
                (Some(preg), _) => Reg::physical(preg),
                (_, Some(slot)) => Reg::spilled(slot),
                _ => unreachable!("the allocator leaves no operand without a place"),
            };
            self.index += 1;
        }
        index
    }

    fn clobbers(&mut self, _set: PRegSet) {}
}

struct Emitter<'a, B: Backend> {
    backend: &'a B,
    vcode: &'a VCode<B::Inst>,
    output: &'a Output,
    frame: FrameLayout,
}

type InstBuffer<B> = Buffer<<<B as Backend>::Inst as MachInst>::Fixup>;

impl<B: Backend> Emitter<'_, B> {
    fn run(&mut self) -> (InstBuffer<B>, UnwindInfo) {
        let vcode = self.vcode;
        let mut buffer = Buffer::new(self.backend.buffer_spec());
        let count = vcode.block_ranges.len();
        block_labels(&mut buffer, count);
        let order = self.emission_order(&mut buffer);
        let ops = self.backend.emit_prologue(&self.frame, &mut buffer);
        for (position, &block) in order.iter().enumerate() {
            let next = order.get(position + 1).map(|&next| block_label(next));
            buffer.bind(block_label(block));
            self.emit_block(block, next, &mut buffer);
        }
        buffer.start_source(None);
        (buffer, UnwindInfo { ops })
    }

    /// Blocks in the order of their code: cold ones last, without those that only
    /// jump.
    fn emission_order(&self, buffer: &mut InstBuffer<B>) -> Vec<usize> {
        let count = self.vcode.block_ranges.len();
        let mut edited = vec![false; count];
        let mut edits = self.output.edits.iter().peekable();
        for (block, &(start, end)) in self.vcode.block_ranges.iter().enumerate() {
            while let Some((point, _)) = edits.peek() {
                if point.inst().index() >= end as usize {
                    break;
                }
                edited[block] |= point.inst().index() >= start as usize;
                edits.next();
            }
        }
        let only_jump = |block: usize| {
            let (start, end) = self.vcode.block_ranges[block];
            let target = (end - start == 1 && block != 0 && !edited[block])
                .then(|| self.vcode.insts[start as usize].jump_target());
            target.flatten().map(Label::index)
        };
        let ends = past_jumps(count, only_jump);
        let mut order = Vec::with_capacity(count);
        let mut cold = Vec::new();
        for block in 0..count {
            if ends[block] != block {
                buffer.alias(block_label(block), block_label(ends[block]));
            } else if self.vcode.cold[block] && block != 0 {
                cold.push(block);
            } else {
                order.push(block);
            }
        }
        order.extend(cold);
        order
    }

    fn emit_block(&self, block: usize, next: Option<Label>, buffer: &mut InstBuffer<B>) {
        let ctx = EmitCtx { frame: &self.frame, flags: self.backend.flags(), next };
        let index = regalloc2::Block::new(block);
        for item in self.output.block_insts_and_edits(self.vcode, index) {
            buffer.ensure_space(B::Inst::MAX_BYTES, |buffer, after| B::emit_island_jump(buffer, after));
            match item {
                InstOrEdit::Inst(inst) => {
                    let mut copy = self.vcode.insts[inst.index()].clone();
                    let mut filler = Filler { allocs: self.output.inst_allocs(inst).iter(), index: 0 };
                    copy.visit_operands(&mut filler);
                    if let Some((dst, src)) = copy.as_move() {
                        if dst == src {
                            continue;
                        }
                        if dst.as_spill_slot().or(src.as_spill_slot()).is_some() {
                            copy = self.move_inst(allocation(src), allocation(dst));
                        }
                    }
                    buffer.start_source(self.vcode.source_locs[inst.index()]);
                    buffer.start_inst(self.vcode.states.number(inst));
                    copy.emit(self.backend, buffer, &ctx);
                }
                InstOrEdit::Edit(&Edit::Move { from, to }) => {
                    self.move_inst(from, to).emit(self.backend, buffer, &ctx);
                }
            }
        }
    }

    fn move_inst(&self, from: Allocation, to: Allocation) -> B::Inst {
        // Whether the register holds a float or a vector, nobody knows here.
        let vector = |preg: PReg| self.vcode.vector_class == Some(preg.class());
        match (from.as_reg(), to.as_reg()) {
            (Some(from), Some(to)) => B::Inst::mov(Reg::physical(to), Reg::physical(from), from.class()),
            (Some(from), None) => {
                let slot = to.as_stack().expect("a move goes to a register or slot");
                let (reg, addr) = (Reg::physical(from), self.frame.spill_addr(slot));
                match vector(from) {
                    true => B::Inst::store_stack(reg, addr, I8X16),
                    false => B::Inst::spill(reg, addr, from.class()),
                }
            }
            (None, Some(to)) => {
                let slot = from.as_stack().expect("a move comes from a register or slot");
                let (reg, addr) = (Reg::physical(to), self.frame.spill_addr(slot));
                match vector(to) {
                    true => B::Inst::load_stack(reg, addr, I8X16),
                    false => B::Inst::reload(reg, addr, to.class()),
                }
            }
            (None, None) => unreachable!("the allocator moves through a register"),
        }
    }
}

/// Builds an allocator's environment from lists of registers: first those that
/// calls overwrite, then those that cost a save.
pub fn machine_env(
    preferred: impl IntoIterator<Item = PReg>,
    non_preferred: impl IntoIterator<Item = PReg>,
) -> regalloc2::MachineEnv {
    let mut env = regalloc2::MachineEnv {
        preferred_regs_by_class: [PRegSet::empty(); 3],
        non_preferred_regs_by_class: [PRegSet::empty(); 3],
        scratch_by_class: [None; 3],
        fixed_stack_slots: Vec::new(),
    };
    for preg in preferred {
        env.preferred_regs_by_class[preg.class() as usize].add(preg);
    }
    for preg in non_preferred {
        env.non_preferred_regs_by_class[preg.class() as usize].add(preg);
    }
    debug_assert_eq!(RegClass::Int as usize, 0);
    env
}
