//! Fields of the context and of what it points to.
//!
//! Fields that never change while an instance lives are loaded `readonly can_move`:
//! the optimiser merges the loads and takes them out of loops.

use super::state::Translator;
use sidetrack_artifact::vmctx::{ctx, memory, store};
use sidetrack_ir::types::I64;
use sidetrack_ir::{AliasRegion, Builder, IntCC, MemFlags, Opcode, Position, TrapCode, Type, Value};

/// A field that may change.
pub(super) fn field() -> MemFlags {
    MemFlags { region: Some(AliasRegion::VmCtx), ..MemFlags::trusted() }
}

/// A field that never changes and can be read at any time.
pub(super) fn constant_field() -> MemFlags {
    MemFlags { readonly: true, can_move: true, ..field() }
}

/// A field that never changes, of something that is only known to exist here.
pub(super) fn record_field() -> MemFlags {
    MemFlags { readonly: true, ..field() }
}

/// The front end's trap code `n`.
pub(super) fn user_trap(n: u8) -> TrapCode {
    TrapCode::user(n).expect("the front end's codes are in range")
}

impl Translator<'_> {
    /// Loads a field that never changes from the context.
    pub fn load_constant(&mut self, ty: Type, offset: u32) -> Value {
        self.b.load(Opcode::Load, ty, constant_field(), self.vmctx, offset as i32)
    }

    /// The address of a place in the context.
    pub fn context_address(&mut self, offset: u32) -> Value {
        let offset = self.b.iconst(I64, i64::from(offset));
        self.b.op(Opcode::Iadd, &[self.vmctx, offset])
    }

    /// The address of a memory's first byte.
    pub fn memory_base(&mut self, index: u32) -> Value {
        let here = self.locals.environment();
        if let Some((environment, base)) = self.bases[index as usize]
            && environment == here
        {
            return base;
        }
        let base = self.load_constant(I64, self.layout.memory(index) + memory::BASE);
        self.bases[index as usize] = Some((here, base));
        base
    }

    /// The present size of a memory in bytes.
    pub fn memory_bytes(&mut self, index: u32) -> Value {
        let address = self.load_constant(I64, self.layout.memory(index) + memory::SIZE_ADDRESS);
        self.b.load(Opcode::Load, I64, field(), address, 0)
    }

    /// Traps with `code` if `x cc y`.
    pub fn trap_if(&mut self, cc: IntCC, x: Value, y: Value, code: TrapCode) {
        let condition = self.b.icmp(cc, x, y);
        self.b.cond_trap(Opcode::Trapnz, condition, code);
    }

    /// Puts a check that the stack is not used up at the function's entry.
    pub fn check_stack(&mut self) {
        let func = &mut *self.b.func;
        let first = func.layout.entry_block().and_then(|entry| func.layout.first_inst(entry));
        let Some(first) = first else { return };
        let mut b = Builder::at(func, Position::Before(first));
        b.set_source_loc(Some(self.start));
        let fields = b.load(Opcode::Load, I64, constant_field(), self.vmctx, ctx::STORE as i32);
        let limit = b.load(Opcode::Load, I64, field(), fields, store::STACK_LIMIT as i32);
        let pointer = b.op_typed(Opcode::GetStackPointer, I64, &[]);
        let below = b.icmp(IntCC::UnsignedLessThan, pointer, limit);
        let trap = b.cond_trap(Opcode::Trapnz, below, TrapCode::STACK_OVERFLOW);
        self.write_context_state(trap);
    }
}
