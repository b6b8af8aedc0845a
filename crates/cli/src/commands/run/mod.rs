//! `sidetrack run`: runs a program, or calls one function of a file.
//!
//! What stands behind the file belongs to the program, options or not. A program is a
//! WebAssembly module that exports `_start`; its exit code is ours, and a trap is 134.

mod clif;
mod module;

use super::guest::Guest;
use super::{Input, TargetArgs};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Arguments of the verb.
#[derive(clap::Args)]
#[command(override_usage = "sidetrack run [OPTIONS] FILE [ARGS]...")]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// Interrupt the program after this time, as 100ms, 2s or 1m.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    timeout: Option<Duration>,
    /// Print on standard error how long each step took, as a line of JSON.
    #[arg(long)]
    time: bool,
    /// The folder that compiled modules are kept in; one for this user if none is given.
    #[arg(long, value_name = "DIR", conflicts_with = "no_cache")]
    cache: Option<PathBuf>,
    /// Neither keep compiled modules nor take them from a folder.
    #[arg(long)]
    no_cache: bool,
    #[command(flatten)]
    guest: Guest,
}

/// A time: a number with `ms`, `s` or `m` behind it.
fn duration(text: &str) -> Result<Duration, String> {
    let expected = || "expected a time, as 100ms, 2s or 1m".to_string();
    let unit = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(expected)?;
    let (number, unit) = text.split_at(unit);
    let seconds = match unit {
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        _ => return Err(expected()),
    };
    let number: f64 = number.parse().map_err(|_| expected())?;
    Duration::try_from_secs_f64(number * seconds).map_err(|_| expected())
}

/// Runs the verb.
pub fn run(args: Args) -> Result<ExitCode, String> {
    match Input::read_checked(args.guest.file(), args.guest.allow_precompiled)? {
        Input::Clif(_) if args.guest.invoke.len() > 1 => {
            Err("of a CLIF file one function is called".to_string())
        }
        Input::Clif(_) if args.timeout.is_some() => Err("--timeout is for WebAssembly".to_string()),
        Input::Clif(functions) => clif::run(&args, &functions).map(|()| ExitCode::SUCCESS),
        Input::Module(source) => module::run(args, source),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;
    use std::time::Duration;

    #[test]
    fn times() {
        let ms = |ms| Ok(Duration::from_millis(ms));
        for (text, expected) in [("100ms", ms(100)), ("2s", ms(2000)), ("1.5s", ms(1500)), ("1m", ms(60_000))]
        {
            assert_eq!(duration(text), expected, "{text}");
        }
        for text in ["", "5", "ms", "-1s", "1h", "nans", "infs", "1e300s", "1 s s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
