//! What the commands do, by what they are about.

pub mod breakpoints;
pub mod code;
pub mod data;
pub mod frames;
pub mod info;
pub mod running;
