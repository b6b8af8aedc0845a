//! x86-64 code against the reference interpreter: every scalar operation, and
//! random sets of functions that call one another.

use crate::harness::{Engine, Harness, check_random};
use crate::ops;
use sidetrack_artifact::{Architecture, Image, SymbolName};
use sidetrack_codegen::{Flags, OptLevel, lookup};
use sidetrack_ir::CallConv;
use sidetrack_ir::random::Config;
use sidetrack_patch::exec::{ExecTrap, HostSymbols, Native};

impl Engine for Native {
    const TARGET: &str = "x86_64";
    const ARCHITECTURE: Architecture = Architecture::X86_64;

    fn load(image: Image) -> Self {
        Native::load(image, &HostSymbols::default()).expect("the image is for this machine")
    }

    fn invoke(&mut self, name: &SymbolName, slots: &mut [u64]) -> Result<(), ExecTrap> {
        // SAFETY: the harness has compiled the functions and their trampolines, for these slots.
        unsafe { Native::invoke(self, name, slots) }
    }

    fn switch_all(&mut self, on: bool) {
        let memory = self.memory_mut();
        let count = memory.image().site_count();
        let mut session = memory.session();
        for index in 0..count {
            session.set(index, on).expect("the site is there");
        }
        session.commit();
    }

    fn switch(&mut self, function: &SymbolName, tag: u64, on: bool) -> usize {
        self.patch(function, tag, on).expect("the sites can be switched")
    }
}

/// With everything that this machine has, or only the base of x86-64.
fn harness(flags: Flags, host: bool) -> Harness<Native> {
    let mut builder = lookup("x86_64").expect("the target is there");
    if host {
        builder.enable_host();
    }
    Harness::new(builder.finish(flags))
}

fn checked(opt_level: OptLevel) -> Flags {
    Flags { opt_level, regalloc_checker: true, ..Flags::default() }
}

#[test]
fn every_operation() {
    ops::check(&mut harness(checked(OptLevel::None), true));
}

#[test]
fn every_operation_on_the_base() {
    ops::check(&mut harness(Flags::default(), false));
}

#[test]
fn random_functions() {
    check_random(&harness(checked(OptLevel::None), true), 0..150, &Config::default());
    check_random(&harness(checked(OptLevel::None), false), 150..200, &Config::default());
}

#[test]
fn random_functions_optimised() {
    check_random(&harness(checked(OptLevel::Speed), true), 1000..1150, &Config::default());
}

#[test]
fn many_parameters_and_results() {
    let all = vec![
        CallConv::Fast,
        CallConv::SystemV,
        CallConv::WindowsFastcall,
        CallConv::Tail,
        CallConv::Tail,
        CallConv::Tail,
    ];
    let config = Config { params: 60, returns: 50, pieces: 20, conventions: all, ..Config::default() };
    let flags = Flags { live_patching: true, ..checked(OptLevel::None) };
    check_random(&harness(flags, true), 2000..2150, &config);
}

/// Vector instructions of two operands, and of three without the latest additions.
#[test]
fn random_functions_of_older_processors() {
    for (preset, seeds) in [("x86-64-v2", 3000..3060), ("x86-64-v3", 3100..3160)] {
        let mut builder = lookup("x86_64").expect("the target is there");
        builder.enable(preset).expect("the preset is there");
        if builder.missing_on_host().is_none() {
            check_random(
                &Harness::<Native>::new(builder.finish(checked(OptLevel::Speed))),
                seeds,
                &Config::default(),
            );
        }
    }
}
