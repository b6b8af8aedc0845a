//! Traps: why compiled code stops, and where it can.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The reason of a trap, as CLIF names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TrapCode {
    /// `stk_ovf`: the stack is used up.
    StackOverflow,
    /// `heap_oob`: an access outside a memory.
    HeapOutOfBounds,
    /// `int_ovf`: an integer result does not fit its type.
    IntegerOverflow,
    /// `int_divz`: division by zero.
    IntegerDivisionByZero,
    /// `bad_toint`: a NaN or out-of-range float converted to an integer.
    BadConversionToInteger,
    /// `userN`: a code of the front end's, 1 to 250.
    User(u8),
}

impl TrapCode {
    /// The codes other than `userN` with their names in CLIF text.
    pub const NAMED: [(TrapCode, &'static str); 5] = [
        (TrapCode::StackOverflow, "stk_ovf"),
        (TrapCode::HeapOutOfBounds, "heap_oob"),
        (TrapCode::IntegerOverflow, "int_ovf"),
        (TrapCode::IntegerDivisionByZero, "int_divz"),
        (TrapCode::BadConversionToInteger, "bad_toint"),
    ];
}

impl fmt::Display for TrapCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrapCode::User(code) => write!(f, "user{code}"),
            named => {
                let (_, name) =
                    Self::NAMED.iter().find(|(code, _)| code == named).expect("every named code is listed");
                f.write_str(name)
            }
        }
    }
}

/// An instruction that can trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrapSite {
    /// Code offset of the instruction that faults.
    pub offset: u32,
    /// What the fault means.
    pub code: TrapCode,
}
