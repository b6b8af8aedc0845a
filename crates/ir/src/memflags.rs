//! What is promised about a memory access, and why it may trap.

use std::fmt;
use std::num::NonZeroU8;

/// The reason of a trap.
///
/// Codes 1 to 250 are the front end's (`user1` to `user250`); the five above
/// have a meaning of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrapCode(NonZeroU8);

impl TrapCode {
    /// The highest code that belongs to the front end.
    pub const MAX_USER: u8 = 250;
    /// The stack is used up.
    pub const STACK_OVERFLOW: TrapCode = TrapCode::reserved(251);
    /// A division whose quotient does not fit.
    pub const INTEGER_OVERFLOW: TrapCode = TrapCode::reserved(252);
    /// An access outside the heap.
    pub const HEAP_OUT_OF_BOUNDS: TrapCode = TrapCode::reserved(253);
    /// A division by zero.
    pub const INTEGER_DIVISION_BY_ZERO: TrapCode = TrapCode::reserved(254);
    /// A NaN or out-of-range float converted to an integer.
    pub const BAD_CONVERSION_TO_INTEGER: TrapCode = TrapCode::reserved(255);

    const NAMES: [(TrapCode, &'static str); 5] = [
        (TrapCode::STACK_OVERFLOW, "stk_ovf"),
        (TrapCode::INTEGER_OVERFLOW, "int_ovf"),
        (TrapCode::HEAP_OUT_OF_BOUNDS, "heap_oob"),
        (TrapCode::INTEGER_DIVISION_BY_ZERO, "int_divz"),
        (TrapCode::BAD_CONVERSION_TO_INTEGER, "bad_toint"),
    ];

    const fn reserved(code: u8) -> TrapCode {
        match NonZeroU8::new(code) {
            Some(code) => TrapCode(code),
            None => panic!("a trap code is not zero"),
        }
    }

    /// The front end's code `n`, if it is in 1 to [`TrapCode::MAX_USER`].
    pub fn user(n: u8) -> Option<TrapCode> {
        NonZeroU8::new(n).filter(|n| n.get() <= Self::MAX_USER).map(TrapCode)
    }

    /// The front end's number of this code, if it is one of the front end's.
    pub fn as_user(self) -> Option<u8> {
        (self.0.get() <= Self::MAX_USER).then_some(self.0.get())
    }

    /// The code that CLIF text calls `name`.
    pub fn parse(name: &str) -> Option<TrapCode> {
        if let Some(n) = name.strip_prefix("user") {
            return n.parse().ok().and_then(TrapCode::user);
        }
        Self::NAMES.iter().find(|(_, text)| *text == name).map(|(code, _)| *code)
    }
}

impl fmt::Display for TrapCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMES.iter().find(|(code, _)| code == self) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "user{}", self.0),
        }
    }
}

/// Byte order of an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endianness {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

/// A class of memory that accesses of other classes never touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AliasRegion {
    /// `heap`: linear memories.
    Heap,
    /// `table`: tables.
    Table,
    /// `vmctx`: the engine's own fields.
    VmCtx,
    /// `regionN`: one that the function declares.
    Declared(u32),
}

impl AliasRegion {
    /// All regions with their names in CLIF text.
    pub const NAMED: [(AliasRegion, &'static str); 3] =
        [(AliasRegion::Heap, "heap"), (AliasRegion::Table, "table"), (AliasRegion::VmCtx, "vmctx")];
}

/// Flags of a load, store, atomic access or `bitcast`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MemFlags {
    /// The address is a multiple of the access size.
    pub aligned: bool,
    /// The memory is never written while the function runs.
    pub readonly: bool,
    /// The access may be moved to any point that its operands dominate.
    pub can_move: bool,
    /// The byte order; `None` is the target's own.
    pub endianness: Option<Endianness>,
    /// The region accessed; `None` may alias everything.
    pub region: Option<AliasRegion>,
    /// The trap when the address cannot be accessed; `None` (`notrap`) promises
    /// that it can.
    pub trap: Option<TrapCode>,
}

impl Default for MemFlags {
    fn default() -> Self {
        MemFlags {
            aligned: false,
            readonly: false,
            can_move: false,
            endianness: None,
            region: None,
            trap: Some(TrapCode::HEAP_OUT_OF_BOUNDS),
        }
    }
}

impl MemFlags {
    /// Flags of an access that is known to be aligned and mapped.
    pub fn trusted() -> Self {
        MemFlags { aligned: true, trap: None, ..Self::default() }
    }
}

/// The flags in the order in which CLIF text writes them, each after a
/// space; nothing for the default.
impl fmt::Display for MemFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.trap {
            None => f.write_str(" notrap")?,
            Some(TrapCode::HEAP_OUT_OF_BOUNDS) => {}
            Some(code) => write!(f, " {code}")?,
        }
        for (set, name) in
            [(self.aligned, " aligned"), (self.readonly, " readonly"), (self.can_move, " can_move")]
        {
            if set {
                f.write_str(name)?;
            }
        }
        match self.endianness {
            Some(Endianness::Big) => f.write_str(" big")?,
            Some(Endianness::Little) => f.write_str(" little")?,
            None => {}
        }
        let named = AliasRegion::NAMED.iter().find(|(region, _)| Some(*region) == self.region);
        match (self.region, named) {
            (Some(AliasRegion::Declared(n)), _) => write!(f, " region{n}"),
            (_, Some((_, name))) => write!(f, " {name}"),
            _ => Ok(()),
        }
    }
}
