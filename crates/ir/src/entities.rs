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
