//! One file for each verb, and what they share: reading input, choosing a target,
//! writing output.

pub mod cache;
pub mod compile;
pub mod debug;
pub mod filetest;
mod guest;
mod input;
mod invoke;
mod limits;
pub mod objdump;
mod options;
mod output;
mod progress;
pub mod run;
pub mod trace;
pub mod wast;

pub use input::Input;
pub use output::say;

use output::{print, write_whole};
use sidetrack_codegen::{Flags, TargetIsa, lookup};
use sidetrack_engine as engine;
use std::sync::Arc;

/// A number of things: `1 argument`, `2 arguments`.
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// What chooses a target and its settings.
#[derive(clap::Args)]
pub struct TargetArgs {
    /// The target: native (or the name of this machine) or pulley64; native if none is given.
    #[arg(long)]
    target: Option<String>,
    /// How much is done for the speed of the code; CLIF is compiled as written
    /// unless told otherwise, modules are optimised.
    #[arg(long, value_enum, value_name = "LEVEL")]
    opt_level: Option<OptLevel>,
    /// For CLIF: a setting of the code generator or a flag of the target.
    #[arg(long = "set", value_name = "NAME[=VALUE]")]
    settings: Vec<String>,
    /// What is in a module's code for debuggers.
    #[arg(long, value_enum, value_name = "WHAT", default_value = "on")]
    instrument: Instrument,
    /// Where sites are in a module's code.
    #[arg(long, value_enum, value_name = "WHERE", default_value = "joins")]
    sites: Sites,
    /// Refuse functions that are more work to compile: instructions, operands and blocks
    /// when registers are allocated.
    #[arg(long, value_name = "N")]
    max_function_work: Option<u64>,
}

/// What is in code for debuggers.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Instrument {
    /// Nothing: programs cannot be debugged or interrupted.
    Off,
    /// Sites, and where values are.
    On,
    /// Sites that are fences: what a debugger writes to memory is seen by every later load.
    Writable,
}

/// Where sites are.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Sites {
    /// At entries and joins, and after calls and other effects.
    Joins,
    /// At the heads of all other blocks too.
    Blocks,
}

/// How much is done for the speed of the code.
#[derive(Clone, Copy, clap::ValueEnum)]
enum OptLevel {
    /// Translate as written.
    None,
    /// Optimise.
    Speed,
}

impl TargetArgs {
    /// The target for CLIF.
    pub fn isa(&self) -> Result<Arc<dyn TargetIsa>, String> {
        let name = self.target.as_deref().unwrap_or("native");
        let name = if name == "native" { std::env::consts::ARCH } else { name };
        let shown = |error: &dyn std::fmt::Display| engine::Printable::name(&error.to_string()).to_string();
        let mut builder = lookup(name).map_err(|error| shown(&error))?;
        let mut flags = Flags::default();
        if matches!(self.target.as_deref(), None | Some("native")) {
            builder.enable_host();
        }
        if let Some(level) = self.opt_level {
            flags.opt_level = match level {
                OptLevel::None => sidetrack_codegen::OptLevel::None,
                OptLevel::Speed => sidetrack_codegen::OptLevel::Speed,
            };
        }
        if let Some(work) = self.max_function_work {
            flags.max_function_work = work;
        }
        for setting in &self.settings {
            let (name, value) = match setting.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (setting.as_str(), None),
            };
            match flags.set(name, value) {
                Err(sidetrack_codegen::SettingError::Unknown(_)) => {
                    builder.enable(setting).map_err(|error| shown(&error))?;
                }
                result => result.map_err(|error| shown(&error))?,
            }
        }
        Ok(builder.finish(flags))
    }

    /// Whether modules have sites.
    pub fn has_sites(&self) -> bool {
        self.instrument != Instrument::Off
    }

    /// The configuration of an engine for modules.
    pub fn config(&self) -> Result<engine::Config, String> {
        let mut config = engine::Config::new();
        match self.target.as_deref() {
            None | Some("native") => {}
            Some(name) if name == std::env::consts::ARCH => {}
            Some("pulley64") => _ = config.target(engine::Target::Pulley64),
            Some(name) => {
                let name = engine::Printable::name(name);
                return Err(format!("unknown target `{name}`; modules run on native and pulley64"));
            }
        }
        if let Some(setting) = self.settings.first() {
            let setting = engine::Printable::name(setting);
            return Err(format!("--set {setting} is for CLIF files; modules have --opt-level"));
        }
        match self.opt_level {
            None | Some(OptLevel::Speed) => {}
            Some(OptLevel::None) => _ = config.opt_level(engine::OptLevel::None),
        }
        if let Some(work) = self.max_function_work {
            config.max_function_work(work);
        }
        config.instrument(match self.instrument {
            Instrument::Off => engine::Instrument::Off,
            instrument => engine::Instrument::On {
                blocks: self.sites == Sites::Blocks,
                writable: instrument == Instrument::Writable,
            },
        });
        Ok(config)
    }
}
