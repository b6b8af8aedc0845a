//! The bytecode target against the reference interpreter: every scalar operation,
//! and random sets of functions that call one another.

use crate::harness::{Engine, Harness, check_random};
use crate::ops;
use sidetrack_artifact::{Architecture, Image, SymbolName};
use sidetrack_codegen::{Flags, OptLevel, lookup};
use sidetrack_ir::CallConv;
use sidetrack_ir::random::Config;
use sidetrack_patch::exec::{ExecTrap, Pulley};

impl Engine for Pulley {
    const TARGET: &str = "pulley64";
    const ARCHITECTURE: Architecture = Architecture::Pulley64;

    fn load(image: Image) -> Self {
        Pulley::load(image).expect("the image is bytecode")
    }

    fn invoke(&mut self, name: &SymbolName, slots: &mut [u64]) -> Result<(), ExecTrap> {
        // SAFETY: the harness has compiled the functions and their trampolines, for these slots.
        unsafe { Pulley::invoke(self, name, slots) }
    }

    fn switch_all(&mut self, on: bool) {
        let count = self.memory().image().site_count();
        let mut session = self.memory().session();
        for index in 0..count {
            session.set(index, on).expect("the site is there");
        }
        session.commit();
    }

    fn switch(&mut self, function: &SymbolName, tag: u64, on: bool) -> usize {
        self.patch(function, tag, on).expect("the sites can be switched")
    }
}

fn harness(flags: Flags) -> Harness<Pulley> {
    Harness::new(lookup("pulley64").expect("the target is there").finish(flags))
}

#[test]
fn every_operation() {
    ops::check(&mut harness(Flags::default()));
}

#[test]
fn random_functions() {
    let flags = Flags { regalloc_checker: true, ..Flags::default() };
    check_random(&harness(flags), 0..150, &Config::default());
}

#[test]
fn random_functions_optimised() {
    let flags = Flags { opt_level: OptLevel::Speed, regalloc_checker: true, ..Flags::default() };
    check_random(&harness(flags), 1000..1150, &Config::default());
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
    check_random(&harness(Flags::default()), 2000..2150, &config);
}
