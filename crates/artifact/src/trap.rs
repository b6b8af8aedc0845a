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

    /// The number that stands for it in an image.
    pub(crate) fn number(self) -> u64 {
        let named = Self::NAMED.len() as u64;
        match self {
            TrapCode::User(code) => named + u64::from(code),
            code => Self::NAMED.iter().position(|(named, _)| *named == code).unwrap_or(0) as u64,
        }
    }

    /// The code that a number stands for.
    pub(crate) fn from_number(number: u64) -> Option<Self> {
        match number.checked_sub(Self::NAMED.len() as u64) {
            Some(user) => u8::try_from(user).ok().map(TrapCode::User),
            None => Self::NAMED.get(number as usize).map(|(code, _)| *code),
        }
    }
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
