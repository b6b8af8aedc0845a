//! The shadow interpreter against native code, against written results, and by itself.

mod cases;
mod control;
mod generate;
mod program;
mod random;
mod special;
mod speed;
mod unknown;
