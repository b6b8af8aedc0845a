//! Images that are loaded, registered and called.
#![allow(dead_code)] // each test binary uses a part

use super::name;
use sidetrack_artifact::*;
use sidetrack_patch::CodeMemory;
use sidetrack_patch::run::{CallHooks, Exit, Frame, Machine, Registered, builtin_address, call};
use std::sync::Arc;

pub const X64: Architecture = Architecture::X86_64;
pub const PULLEY: Architecture = Architecture::Pulley64;

/// A loaded image.
pub struct Code {
    pub registered: Registered,
}

impl Code {
    /// Links and loads functions; the other names that they use are `symbols` or the host's.
    pub fn new(
        architecture: Architecture,
        functions: Vec<CompiledFunction>,
        symbols: &[(&str, usize)],
    ) -> Code {
        let mut builder = ImageBuilder::new(architecture);
        for function in functions {
            builder.add(function);
        }
        for name in builder.undefined() {
            builder.import(name);
        }
        let image = Arc::new(builder.finish().unwrap());
        let mut address = |name: &SymbolName| {
            let symbol = symbols.iter().find(|(text, _)| name.to_string()[1..] == **text);
            symbol.map(|(_, address)| *address as u64).or_else(|| builtin_address(architecture, name))
        };
        let memory = CodeMemory::new(image, &mut address).unwrap();
        // SAFETY: the functions are what their records say, and tests keep this as long as they run them.
        Code { registered: unsafe { Registered::new(Arc::new(memory)) } }
    }

    pub fn address(&self, text: &str) -> usize {
        let memory = self.registered.memory();
        memory.base() as usize + memory.image().symbol(&name(text)).unwrap().offset as usize
    }

    /// Calls a function that takes up to four integers.
    pub fn call_on(&self, machine: *const Machine, text: &str, args: [u64; 4]) -> Result<(), Exit> {
        // SAFETY: the tests' functions take integers and keep the convention.
        unsafe { call(machine, self.address(text) as *const u8, &args, &CallHooks::default()) }
    }

    pub fn call(&self, text: &str, args: [u64; 4]) -> Result<(), Exit> {
        let architecture = self.registered.memory().image().architecture;
        self.call_on(&Machine::new(architecture, 1 << 20).unwrap(), text, args)
    }
}

/// The pieces of a trap: code, address, frames.
pub fn trap(result: Result<(), Exit>) -> (TrapCode, usize, Vec<Frame>) {
    match result {
        Err(Exit::Trap { code: Some(code), pc, frames, .. }) => (code, pc, frames.first),
        other => panic!("{other:?}"),
    }
}

pub fn pcs(frames: &[Frame]) -> Vec<usize> {
    frames.iter().map(|frame| frame.pc).collect()
}
