//! `sidetrack cache`: the folder of compiled modules.

use super::print;
use sidetrack_engine::Cache;
use std::path::PathBuf;

/// Arguments of the verb.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
    /// The folder; that of this user if none is given.
    #[arg(long, value_name = "DIR", global = true)]
    cache: Option<PathBuf>,
}

#[derive(clap::Subcommand)]
enum What {
    /// Print how much is kept, and the limits.
    Info,
    /// Remove all compiled modules.
    Clear,
    /// Print the folder.
    Dir,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<bool, String> {
    let folder = folder(args.cache.as_ref())
        .ok_or("there is no folder: neither XDG_CACHE_HOME nor HOME is set, and --cache is not given")?;
    let name = folder.display().to_string();
    let failed = |error: std::io::Error| format!("{name}: {error}");
    let cache = Cache::new(folder.clone());
    let text = match args.what {
        What::Dir => format!("{name}\n"),
        What::Info => {
            let usage = cache.usage().map_err(failed)?;
            format!(
                "folder:  {name}\nmodules: {}\nbytes:   {} of {}\nkept:    {} days after the last use\n",
                usage.modules,
                usage.bytes,
                Cache::MAX_BYTES,
                Cache::MAX_AGE.as_secs() / (24 * 3600)
            )
        }
        What::Clear => {
            let usage = cache.clear().map_err(failed)?;
            format!("removed {} modules, {} bytes\n", usage.modules, usage.bytes)
        }
    };
    print(&text)?;
    Ok(true)
}

/// The folder of compiled modules: the one given, or this user's.
pub fn folder(given: Option<&PathBuf>) -> Option<PathBuf> {
    let user = || {
        let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let base = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")));
        base.map(|base| base.join("sidetrack"))
    };
    given.cloned().or_else(user)
}
