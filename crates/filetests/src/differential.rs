//! Differential tests: random functions in the interpreter and compiled for each
//! target.
//!
//! The body serves `cargo test`, which runs it for a second, and `fuzz/`, which
//! runs it for as long as one likes. The interpreter is the oracle: results, trap
//! codes and the effect of every patch site, on and off, must agree.

use crate::emulated;
use crate::program::{Failure, Program};
use sidetrack_codegen::{Flags, OptLevel, TargetIsa, lookup};
use sidetrack_ir::interp::{FunctionStore, Interpreter};
use sidetrack_ir::random::{Config, Entropy, function_set_from};
use sidetrack_ir::{DataValue, Function, Value};
use sidetrack_patch::exec::ExecTrap;
use std::sync::Arc;

/// What a set of functions is compiled for.
pub struct Targets {
    isas: Vec<Target>,
}

struct Target {
    name: String,
    isa: Arc<dyn TargetIsa>,
    /// Whether it has vectors.
    vectors: bool,
}

impl Targets {
    /// Every target that runs here, at both levels of optimisation, with the
    /// host's features and without, the verifier and the checker of register
    /// allocation on. Without any features some have no vectors, so these are there
    /// once more with just what vectors need.
    pub fn all() -> Targets {
        let emulated = emulated::TARGETS.iter().filter(|target| target.available().is_ok());
        let names =
            [std::env::consts::ARCH, "pulley64"].into_iter().chain(emulated.map(|target| target.name));
        Targets::of(names)
    }

    /// As [`Targets::all`], of the targets with these names.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Targets {
        let mut isas = Vec::new();
        for name in names {
            // Without features; with those that vectors need, where they need some; with all.
            let for_vectors = match name {
                "x86_64" => Some("x86-64-v2"),
                "s390x" => Some("has_vx"),
                _ => None,
            };
            let base_has_vectors = matches!(name, "pulley64" | "aarch64");
            for (opt_level, features, live, vectors) in [
                (OptLevel::None, Features::Base, true, base_has_vectors),
                (OptLevel::None, Features::ForVectors, true, true),
                (OptLevel::Speed, Features::All, false, true),
            ] {
                let Ok(mut builder) = lookup(name) else { continue };
                match features {
                    Features::Base => {}
                    Features::ForVectors => match for_vectors.map(|flag| builder.enable(flag)) {
                        Some(Ok(())) => {}
                        _ => continue,
                    },
                    Features::All => builder.enable_host(),
                }
                let flags = Flags {
                    opt_level,
                    live_patching: live,
                    verifier: true,
                    regalloc_checker: true,
                    ..Flags::default()
                };
                let name = format!("{name} {opt_level}");
                isas.push(Target { name, isa: builder.finish(flags), vectors });
            }
        }
        Targets { isas }
    }

    /// How many targets and settings there are.
    pub fn len(&self) -> usize {
        self.isas.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.isas.is_empty()
    }
}

/// Which of a target's features are on.
#[derive(Clone, Copy)]
enum Features {
    Base,
    ForVectors,
    All,
}

type Outcome = Result<Vec<DataValue>, String>;

/// Makes functions from entropy and compares all that runs them. Returns how many
/// calls were compared.
///
/// # Errors
/// The first difference, with the target and the functions' text.
pub fn check(entropy: &mut Entropy, config: &Config, targets: &Targets) -> Result<usize, String> {
    let functions = function_set_from(entropy, config);
    let store = FunctionStore::new(&functions);
    let all: Vec<&Function> = functions.iter().collect();
    let text = || all.iter().map(|func| format!("{func}\n")).collect::<String>();
    // The same calls for every target: arguments, sites on or off, what is right.
    let mut calls: Vec<(&Function, bool, Vec<DataValue>, Outcome)> = Vec::new();
    for func in &functions {
        for on in [true, false] {
            let args = entropy.arguments(&func.signature);
            let mut interpreter = Interpreter::new(&store);
            interpreter.set_all_sites(on);
            let outcome = interpreter.call(&func.name, &args).map_err(|stop| match stop.trap_code() {
                Some(code) => code.to_string(),
                None => stop.to_string(),
            });
            calls.push((func, on, args, outcome));
        }
    }
    let vectors = functions.iter().any(has_vectors);
    let targets = targets.isas.iter().filter(|target| target.vectors || !vectors);
    let mut compared = 0;
    for Target { name, isa, .. } in targets {
        compared += calls.len();
        let mut program =
            Program::load(&all, &**isa).map_err(|error| format!("{name}: {error}\n{}", text()))?;
        for (func, on, args, expected) in &calls {
            program.switch_all(*on).map_err(|error| format!("{name}: {error}\n{}", text()))?;
            let got: Outcome = program.call(&func.name, args).map_err(|failure| match failure {
                Failure::Trap(ExecTrap::Trap { code, .. }) => code.to_string(),
                Failure::Trap(other) => other.to_string(),
                Failure::Missing(reason) => reason,
            });
            if got != *expected {
                return Err(format!(
                    "{name}: {}{args:?}, sites on: {on}: expected {expected:?}, got {got:?}\n{}",
                    func.name,
                    text()
                ));
            }
        }
    }
    Ok(compared)
}

fn has_vectors(func: &Function) -> bool {
    let values = 0..func.dfg.num_values() as u32;
    values.into_iter().any(|n| func.dfg.value_type(Value::from_u32(n)).is_vector())
}
