//! Control structures. Values made inside one leave it by block parameters only.

use super::{Body, MAX_COST, any_type};
use crate::data_value::DataValue;
use crate::entities::Block;
use crate::entities::Value;
use crate::memflags::TrapCode;
use crate::opcode::Opcode;
use crate::types::{I32, Type};

const MAX_DEPTH: u32 = 3;

impl Body<'_> {
    /// The whole function.
    pub(super) fn function(&mut self) {
        let entry = self.builder.create_entry_block();
        self.scope.extend_from_slice(self.builder.func.dfg.block_params(entry));
        let is_hook = self.callees.len() < 2 && self.config.hooks;
        if is_hook {
            self.pieces = 4;
        } else {
            self.make_slots();
        }
        while self.pieces > 0 && !self.entropy.is_empty() && !(self.entropy.one_in(32)) {
            self.piece();
        }
        if !self.tail_call() {
            self.return_operands();
        }
    }

    pub(super) fn return_operands(&mut self) {
        let types: Vec<Type> = self.builder.func.signature.returns.iter().map(|ret| ret.ty).collect();
        let values = self.operands(&types);
        self.spend();
        self.builder.return_(&values);
    }

    /// One piece: an instruction with what it needs, or a control structure.
    fn piece(&mut self) {
        self.pieces = self.pieces.saturating_sub(1);
        // What is nested multiplies; keep half of the cost for calls.
        let structured = self.depth < MAX_DEPTH && self.cost < MAX_COST / 4;
        match self.entropy.below(32) {
            20..=22 => self.access(),
            23 => self.atomic(),
            24 => self.call(true),
            25 | 26 => self.call(false),
            27 => self.trap(),
            28 if structured => self.diamond(),
            29 if structured => self.table(),
            30 if structured => self.counted_loop(),
            31 if structured => self.early_return(),
            _ => self.scalar(),
        }
    }

    /// A few pieces in a scope of their own.
    fn nested(&mut self) {
        self.depth += 1;
        for _ in 0..self.entropy.below(6) {
            if self.pieces > 0 {
                self.piece();
            }
        }
        self.depth -= 1;
    }

    fn types(&mut self) -> Vec<Type> {
        let count = self.entropy.below(4);
        (0..count).map(|_| any_type(self.entropy, self.config)).collect()
    }

    fn block(&mut self, params: &[Type]) -> Block {
        let block = self.builder.create_block();
        for &ty in params {
            self.builder.func.dfg.append_block_param(block, ty);
        }
        block
    }

    /// Starts a block; its parameters come into scope.
    fn start(&mut self, block: Block) {
        self.builder.switch_to(block);
        self.scope.extend_from_slice(self.builder.func.dfg.block_params(block));
    }

    /// One arm of a branch, ending in a jump to `join`.
    fn arm(&mut self, block: Block, join: Block, types: &[Type]) {
        let outer = self.scope.len();
        self.start(block);
        self.nested();
        let values = self.operands(types);
        self.spend();
        self.builder.jump(join, &values);
        self.scope.truncate(outer);
    }

    /// A condition of any integer type.
    fn any_condition(&mut self) -> Value {
        let ty = self.entropy.pick(&Type::INTS);
        self.operand(ty)
    }

    /// `brif` with one or two arms that meet again.
    fn diamond(&mut self) {
        let types = self.types();
        let join = self.block(&types);
        let cond = self.any_condition();
        let then = self.block(&[]);
        self.builder.func.dfg.blocks[then].cold = self.entropy.one_in(4);
        self.spend();
        if self.entropy.one_in(3) {
            let values = self.operands(&types);
            self.builder.brif(cond, (then, &[]), (join, &values));
            self.arm(then, join, &types);
        } else {
            let arm_types = self.types();
            let other = self.block(&arm_types);
            let values = self.operands(&arm_types);
            self.builder.brif(cond, (then, &[]), (other, &values));
            self.arm(then, join, &types);
            self.arm(other, join, &types);
        }
        self.start(join);
    }

    /// `br_table` whose entries may share targets.
    fn table(&mut self) {
        let types = self.types();
        let join = self.block(&types);
        let index = self.operand(I32);
        let size = self.entropy.below(6) as i32;
        // Mostly in the table.
        let index = if self.entropy.one_in(4) {
            index
        } else {
            let mask = self.constant(DataValue::I32(7));
            self.op(Opcode::Band, &[index, mask])
        };
        let arms: Vec<Block> = (0..1 + self.entropy.below(3)).map(|_| self.block(&[])).collect();
        let mut target = || {
            let block = self.entropy.pick(&arms);
            self.builder.block_call(block, &[])
        };
        let default = target();
        let entries = (0..size).map(|_| target()).collect();
        self.spend();
        self.builder.br_table(index, default, entries);
        let used: Vec<Block> = self.targets();
        for arm in arms {
            if used.contains(&arm) {
                self.arm(arm, join, &types);
            }
        }
        self.start(join);
    }

    /// The targets of the branch generated last.
    fn targets(&self) -> Vec<Block> {
        let func = &self.builder.func;
        let last = func.layout.blocks().filter_map(|block| func.layout.last_inst(block)).last();
        last.map_or(Vec::new(), |inst| func.dfg.block_calls(inst).iter().map(|call| call.block).collect())
    }

    /// A loop that runs a constant number of times, carrying values.
    fn counted_loop(&mut self) {
        let mut types = vec![self.entropy.pick(&Type::INTS)];
        let count = 1 + self.entropy.below(6);
        let counter = types[0];
        types.extend(self.types());
        let header = self.block(&types);
        let exit = self.block(&types[1..]);
        let initial = self.constant(DataValue::from_bits(counter, count as u64));
        let mut values = vec![initial];
        values.extend(self.operands(&types[1..]));
        self.spend();
        self.builder.jump(header, &values);

        let outer = self.scope.len();
        self.iterations *= count as u64;
        self.start(header);
        let current = self.builder.func.dfg.block_params(header)[0];
        self.nested();
        let one = self.constant(DataValue::from_bits(counter, 1));
        let next = self.op(Opcode::Isub, &[current, one]);
        let mut again = vec![next];
        again.extend(self.operands(&types[1..]));
        let leave = self.operands(&types[1..]);
        self.spend();
        self.builder.brif(next, (header, &again), (exit, &leave));
        self.scope.truncate(outer);
        self.iterations /= count as u64;
        self.start(exit);
    }

    fn early_return(&mut self) {
        let cond = self.any_condition();
        let leave = self.block(&[]);
        let stay = self.block(&[]);
        self.spend();
        self.builder.brif(cond, (leave, &[]), (stay, &[]));
        let outer = self.scope.len();
        self.start(leave);
        self.nested();
        self.return_operands();
        self.scope.truncate(outer);
        self.start(stay);
    }

    /// A conditional trap, that seldom comes.
    fn trap(&mut self) {
        if !self.config.traps {
            return self.scalar();
        }
        let may_trap = self.entropy.one_in(16);
        let cond = self.condition(may_trap);
        let code = TrapCode::user(1 + self.entropy.byte() % 4).unwrap_or(TrapCode::INTEGER_OVERFLOW);
        self.spend();
        self.builder.cond_trap(Opcode::Trapz, cond, code);
    }
}
