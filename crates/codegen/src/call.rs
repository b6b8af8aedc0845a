//! What a call instruction carries on every target.

use crate::buffer::Label;
use crate::reg::Reg;
use crate::vcode::OperandVisitor;
use regalloc2::{PReg, PRegSet};
use sidetrack_artifact::SymbolName;

/// What is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallDest {
    /// A symbol within reach of a direct call, perhaps through a veneer of the
    /// linker.
    Direct(SymbolName),
    /// The address in a register.
    Indirect(Reg),
}

/// One clause of a `try_call`, before registers and labels are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TryClause {
    /// Handles this tag.
    Tag(u32, Label),
    /// Handles all.
    Default(Label),
    /// The context of the clauses after it, stored in the frame's slot area at
    /// this offset.
    Context(i32),
}

/// The part of a call that a `try_call` adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TryCallInfo {
    /// Where a normal return goes on.
    pub normal: Label,
    /// The handlers in order.
    pub clauses: Vec<TryClause>,
}

/// The part of a call that makes it patchable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiteTag {
    /// The user's tag.
    pub tag: u64,
    /// Whether the site starts on.
    pub on: bool,
}

/// A call with operands.
#[derive(Clone, Debug)]
pub struct CallInfo {
    /// What is called.
    pub dest: CallDest,
    /// Arguments in registers.
    pub uses: Vec<(Reg, PReg)>,
    /// Results, and payloads of exceptions, in registers.
    pub defs: Vec<(Reg, PReg)>,
    /// What else the callee overwrites; no register of `defs`.
    pub clobbers: PRegSet,
    /// Bytes of stack arguments.
    pub stack_args: u32,
    /// Whether the callee removes them.
    pub callee_pops: bool,
    /// Whether it is patchable.
    pub site: Option<SiteTag>,
    /// Whether it has handlers.
    pub try_call: Option<TryCallInfo>,
}

impl CallInfo {
    /// Shows the operands to a visitor. An indirect callee may be in any register;
    /// a target that needs one in particular shows it itself, before this, and has
    /// it be physical here.
    pub fn visit_operands(&mut self, visitor: &mut impl OperandVisitor) {
        if let CallDest::Indirect(reg) = &mut self.dest {
            visitor.use_(reg);
        }
        self.visit_values(visitor);
    }

    /// Shows all operands but the callee.
    pub fn visit_values(&mut self, visitor: &mut impl OperandVisitor) {
        for (reg, preg) in &mut self.uses {
            visitor.use_fixed(reg, *preg);
        }
        for (reg, preg) in &mut self.defs {
            visitor.def_fixed(reg, *preg);
        }
        visitor.clobbers(self.clobbers);
    }
}
