//! Entity references: small typed indices that name the parts of a function.
//!
//! Each prints the way CLIF text writes it (`v7`, `block2`, `ss0`).

use cranelift_entity::entity_impl;

macro_rules! entity {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);
        entity_impl!($name, $prefix);
    };
}

entity!(
    /// An SSA value.
    Value, "v"
);
entity!(
    /// A basic block.
    Block, "block"
);
entity!(
    /// An instruction. Text has no name for it; messages print the instruction itself.
    Inst, "inst"
);
entity!(
    /// An explicit stack slot.
    StackSlot, "ss"
);
entity!(
    /// A global value: an address or datum computed from the function's environment.
    GlobalValue, "gv"
);
entity!(
    /// A signature declared in the preamble.
    SigRef, "sig"
);
entity!(
    /// An external function declared in the preamble.
    FuncRef, "fn"
);
entity!(
    /// A constant of the pool, as `vconst` and `shuffle` use.
    Constant, "const"
);
entity!(
    /// The targets of one `br_table`.
    JumpTable, "jt"
);
entity!(
    /// The targets of one `try_call`.
    ExceptionTable, "extable"
);

/// Any part of a function that a message can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum AnyEntity {
    /// The function itself.
    Function,
    Block(Block),
    Inst(Inst),
    Value(Value),
    StackSlot(StackSlot),
    GlobalValue(GlobalValue),
    SigRef(SigRef),
    FuncRef(FuncRef),
    Constant(Constant),
}

impl std::fmt::Display for AnyEntity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            AnyEntity::Function => f.write_str("function"),
            AnyEntity::Block(x) => x.fmt(f),
            AnyEntity::Inst(x) => x.fmt(f),
            AnyEntity::Value(x) => x.fmt(f),
            AnyEntity::StackSlot(x) => x.fmt(f),
            AnyEntity::GlobalValue(x) => x.fmt(f),
            AnyEntity::SigRef(x) => x.fmt(f),
            AnyEntity::FuncRef(x) => x.fmt(f),
            AnyEntity::Constant(x) => x.fmt(f),
        }
    }
}
