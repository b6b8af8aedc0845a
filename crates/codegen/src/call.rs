//! What a call instruction carries on every target.

use crate::abi::{FrameLayout, StackAddr};
use crate::buffer::{Buffer, FixupKind, Label, PendingHandler, SiteRecord};
use crate::reg::Reg;
use crate::vcode::OperandVisitor;
use regalloc2::{PReg, PRegSet, VReg};
use sidetrack_artifact::{HandlerContext, PatchTarget, SiteKind, StatePlace, SymbolName};

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

/// A value that can be read during a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateOperand {
    /// In a register or spill slot.
    Reg(Reg),
    /// In the upper half of a register of floats, or of its spill slot.
    Upper(Reg),
    /// A constant.
    Const(StatePlace),
}

impl StateOperand {
    /// The virtual register, if it is in one.
    pub fn vreg(&self) -> Option<VReg> {
        match self {
            StateOperand::Reg(reg) | StateOperand::Upper(reg) => reg.as_vreg(),
            StateOperand::Const(_) => None,
        }
    }

    /// The same of another register; constants stay.
    pub fn with_reg(self, reg: Reg) -> Self {
        match self {
            StateOperand::Reg(_) => StateOperand::Reg(reg),
            StateOperand::Upper(_) => StateOperand::Upper(reg),
            StateOperand::Const(_) => self,
        }
    }
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
    /// Whether it is asked what can be read during the call.
    pub has_state: bool,
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

    /// Records the call just emitted, which began at `start`: its patch site, if it
    /// is one, and its return address with the handlers.
    pub fn record<K: FixupKind>(
        &self,
        start: u32,
        sites_off: bool,
        buffer: &mut Buffer<K>,
        frame: &FrameLayout,
    ) {
        if let Some(site) = self.site {
            let (target, kind) = match (&self.dest, &self.try_call) {
                (CallDest::Direct(name), Some(_)) => (PatchTarget::Symbol(name.clone()), SiteKind::TryCall),
                (CallDest::Direct(name), None) => (PatchTarget::Symbol(name.clone()), SiteKind::Call),
                (CallDest::Indirect(_), _) => (PatchTarget::Indirect, SiteKind::Indirect),
            };
            buffer.add_site(start, SiteRecord { tag: site.tag, on: site.on, kind, target }, sites_off);
        }
        if self.has_state {
            buffer.add_state();
        }
        let clauses = self.try_call.iter().flat_map(|info| &info.clauses);
        let handlers = clauses.map(|clause| match *clause {
            TryClause::Tag(tag, label) => PendingHandler::Tag(tag, label),
            TryClause::Default(label) => PendingHandler::Default(label),
            TryClause::Context(offset) => {
                let (_, offset) = frame.resolve(StackAddr::Slot(offset));
                PendingHandler::Context(HandlerContext::SpOffset(offset as u32))
            }
        });
        buffer.add_call(frame.size(), handlers.collect());
    }
}
