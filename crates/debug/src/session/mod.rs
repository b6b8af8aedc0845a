//! Debugging, whoever asks.
//!
//! A [`Session`] has what the user set: breakpoints with conditions, how far the program
//! is to go. [`Shared::launch`] runs a [`Program`] under it; whenever that stops where
//! the user should know, a [`Frontend`] gets a [`StopView`] and answers with a
//! [`Command`]. Nothing here knows a protocol, prints, or reads a terminal.

mod breakpoint;
pub mod disassembly;
mod evaluate;
mod expression;
mod launch;
pub mod location;
mod plan;
#[allow(clippy::module_inception, reason = "the noun of the folder")]
mod session;
mod target;
mod view;

pub use breakpoint::{Breakpoint, Breakpoints, Condition, Where};
pub use evaluate::{Scope, Value, evaluate};
pub use expression::{Binary, Expr, ParseError, Place as Lvalue, Unary, Unit};
pub use launch::{Debugger, Ending, Interrupter, Killed, NotStarted, Outcome, Program, Shared};
pub use location::Place;
pub use plan::Command;
pub use session::{Frontend, Session};
pub use target::{Target, Values};
pub use view::{Failure, Reason, StopView};
