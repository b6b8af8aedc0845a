//! Running code of other instruction sets under QEMU's user mode.
//!
//! Problem: a test's code for AArch64 runs on no other machine, and what a
//! disassembler thinks of it is not what it does. Approach: a static C program, the
//! harness, is compiled for each target by its cross compiler on first use and run
//! under the emulator; it loads linked images, calls and patches them as it is told
//! (`process`). One process serves many programs one after another.
//!
//! A target is a row of [`TARGETS`]. Where the emulator or compiler is absent, tests
//! for the target are skipped for that reason; the environment variable
//! [`REQUIRE`] makes that a failure.

mod harness;
mod process;

use process::{Outcome, Process};
use sidetrack_artifact::{Architecture, Image, LoadTarget, SymbolName, TrapCode};
use sidetrack_patch::exec::{ExecTrap, Place};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// If this environment variable is set, a target that cannot be run is a failure.
pub const REQUIRE: &str = "SIDETRACK_REQUIRE_EMULATORS";

/// A target that is run under an emulator.
#[derive(Debug)]
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// What its images are for.
    pub architecture: Architecture,
    /// The emulator, and the arguments that make it have all that tests use.
    emulator: &'static [&'static str],
    /// The C compiler for it.
    compiler: &'static str,
    /// The harness's part that is its own.
    header: &'static str,
}

/// All targets that are run so.
pub const TARGETS: &[Target] = &[
    Target {
        name: "aarch64",
        architecture: Architecture::Aarch64,
        emulator: &["qemu-aarch64"],
        compiler: "aarch64-linux-gnu-gcc",
        header: include_str!("../../harness/aarch64.h"),
    },
    Target {
        name: "riscv64",
        architecture: Architecture::Riscv64,
        emulator: &["qemu-riscv64", "-cpu", "rv64,v=true,vext_spec=v1.0"],
        compiler: "riscv64-linux-gnu-gcc",
        header: include_str!("../../harness/riscv64.h"),
    },
    Target {
        name: "s390x",
        architecture: Architecture::S390x,
        emulator: &["qemu-s390x", "-cpu", "max"],
        compiler: "s390x-linux-gnu-gcc",
        header: include_str!("../../harness/s390x.h"),
    },
];

/// The target whose images are for `architecture`, if there is one.
pub fn target(architecture: Architecture) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.architecture == architecture)
}

impl Target {
    /// Whether code for it can be run here.
    ///
    /// # Errors
    /// What is not there.
    pub fn available(&self) -> Result<(), String> {
        harness::program(self).map(|_| ())
    }
}

thread_local! {
    /// Processes that nothing uses at the moment.
    static IDLE: RefCell<HashMap<&'static str, Process>> = RefCell::default();
}

/// A loaded image.
#[derive(Debug)]
pub struct Emulated {
    target: &'static Target,
    image: Image,
    /// What runs it, until it dies.
    process: Option<Process>,
    /// The sites that are not as in the image.
    switched: BTreeMap<usize, bool>,
    /// Seconds that a call may take.
    limit: u64,
}

/// Seconds that a call may take unless something else is said.
const LIMIT: u64 = 60;
/// The number of the signal that ends a call which takes longer.
const SIGALRM: u64 = 14;

impl Emulated {
    /// Loads an image.
    ///
    /// # Errors
    /// No emulator; a process that cannot be talked to; an import that the harness
    /// does not know.
    pub fn load(image: Image) -> Result<Self, String> {
        let target = target(image.architecture)
            .ok_or_else(|| format!("there is no emulator for {:?}", image.architecture))?;
        let process = Some(start(target, &image)?);
        Ok(Emulated { target, image, process, switched: BTreeMap::new(), limit: LIMIT })
    }

    /// Limits the time that a call may take, in whole seconds; at least one.
    pub fn set_limit(&mut self, limit: Duration) {
        self.limit = limit.as_secs().max(1);
    }

    /// What runs the image. If that has died, another in the same state.
    fn process(&mut self) -> Result<&mut Process, String> {
        if self.process.is_none() {
            let mut process = start(self.target, &self.image)?;
            let edit = |(&index, &on): (&usize, &bool)| edit(&self.image, index, on);
            process.patch(&self.switched.iter().map(edit).collect::<Vec<_>>())?;
            self.process = Some(process);
        }
        self.process.as_mut().ok_or_else(|| "no process".to_string())
    }

    /// Calls the trampoline `name` with the slots.
    ///
    /// # Errors
    /// Whatever keeps the code from returning.
    pub fn invoke(&mut self, name: &SymbolName, slots: &mut [u64]) -> Result<(), ExecTrap> {
        let symbol = self.image.symbol(name).ok_or_else(|| ExecTrap::NoSuchFunction(name.clone()))?;
        let entry = symbol.offset;
        let limit = self.limit;
        let outcome = self.process().and_then(|process| process.call(entry, limit, slots));
        let place = |pc: u64| {
            let offset = pc as u32;
            let function = self.image.symbol_at(offset).filter(|_| u64::from(offset) == pc);
            Place { offset, function: function.map(|symbol| symbol.name()) }
        };
        match outcome {
            Ok(Outcome::Returned) => Ok(()),
            Ok(Outcome::Trap { code, pc }) => {
                let code = trap_code(code).unwrap_or(TrapCode::StackOverflow);
                Err(ExecTrap::Trap { code, place: place(pc) })
            }
            Ok(Outcome::Fault { signal: SIGALRM, pc, .. }) => {
                Err(ExecTrap::Fault { reason: format!("not done after {limit} s"), place: place(pc) })
            }
            Ok(Outcome::Fault { signal, pc, address }) => Err(ExecTrap::Fault {
                reason: format!("signal {signal}, address {address:#x}"),
                place: place(pc),
            }),
            Ok(Outcome::Uncaught { tag, payloads }) => Err(ExecTrap::Uncaught { tag, payloads }),
            Ok(Outcome::NotPreserved { register }) => {
                Err(ExecTrap::Os(format!("the call did not preserve register {register}")))
            }
            Err(reason) => {
                self.process = None;
                Err(ExecTrap::Os(reason))
            }
        }
    }

    /// Switches the sites with these indices.
    ///
    /// # Errors
    /// The process does not answer.
    pub fn switch(&mut self, sites: impl IntoIterator<Item = usize>, on: bool) -> Result<(), String> {
        let sites: Vec<usize> = sites.into_iter().collect();
        let edits: Vec<(u32, Vec<u8>)> = sites.iter().map(|&index| edit(&self.image, index, on)).collect();
        self.process()?.patch(&edits)?;
        self.switched.extend(sites.into_iter().map(|index| (index, on)));
        Ok(())
    }

    /// The image.
    pub fn image(&self) -> &Image {
        &self.image
    }
}

impl Drop for Emulated {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            // At the end of the thread there is no place to put it; then it ends as well.
            let _ = IDLE.try_with(|idle| idle.borrow_mut().insert(self.target.name, process));
        }
    }
}

/// A process that runs the image.
fn start(target: &'static Target, image: &Image) -> Result<Process, String> {
    let idle = IDLE.with_borrow_mut(|idle| idle.remove(target.name));
    let mut process = match idle {
        Some(process) => process,
        None => Process::start(target)?,
    };
    let base = process.allocate(image.code_len())?;
    let mut code = image.code().to_vec();
    for reloc in &image.load_relocs {
        let address = match reloc.target {
            LoadTarget::Image(offset) => base + u64::from(offset),
            LoadTarget::Import(index) => process.address(&image.imports[index as usize].name)?,
        };
        let bytes = target.architecture.address_bytes(address.wrapping_add_signed(reloc.addend));
        code[reloc.offset as usize..reloc.offset as usize + 8].copy_from_slice(&bytes);
    }
    process.load(image, &code)?;
    Ok(process)
}

/// What switches a site, which the image has: where, and the bytes there.
fn edit(image: &Image, index: usize, on: bool) -> (u32, Vec<u8>) {
    let site = image.site(index).expect("the image has the site");
    (site.start(), site.bytes(on).to_vec())
}

/// The number by which the harness knows a trap code.
fn trap_number(code: TrapCode) -> u64 {
    match code {
        TrapCode::User(n) => 0x100 + u64::from(n),
        named => TrapCode::NAMED.iter().position(|(code, _)| *code == named).unwrap_or(0) as u64,
    }
}

fn trap_code(number: u64) -> Option<TrapCode> {
    match number.checked_sub(0x100) {
        Some(user) => u8::try_from(user).ok().map(TrapCode::User),
        None => TrapCode::NAMED.get(number as usize).map(|(code, _)| *code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trap_codes_have_numbers() {
        for (code, _) in TrapCode::NAMED {
            assert_eq!(trap_code(trap_number(code)), Some(code));
        }
        assert_eq!(trap_code(trap_number(TrapCode::User(250))), Some(TrapCode::User(250)));
        // What the harness reports by itself.
        assert_eq!(trap_code(0), Some(TrapCode::StackOverflow));
    }
}
