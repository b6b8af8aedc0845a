//! A bar on the terminal while a module is compiled, if that takes long.

use indicatif::{ProgressBar, ProgressStyle};
use sidetrack_engine::Config;
use std::io::IsTerminal;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Compilation that takes less than this shows no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bar that appears when it is time, and is gone when this is dropped.
pub struct Progress(Arc<OnceLock<ProgressBar>>);

impl Progress {
    /// Makes engines of this configuration show how far they are, if standard error is a
    /// terminal.
    pub fn show(config: &mut Config) -> Progress {
        let bar = Arc::new(OnceLock::new());
        if std::io::stderr().is_terminal() {
            let (start, shown) = (Instant::now(), bar.clone());
            config.progress(Some(Arc::new(move |done, total| {
                if start.elapsed() > PATIENCE {
                    shown.get_or_init(|| new_bar(total)).set_position(done as u64);
                }
            })));
        }
        Progress(bar)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = self.0.get() {
            bar.finish_and_clear();
        }
    }
}

fn new_bar(total: usize) -> ProgressBar {
    let bar = ProgressBar::new(total as u64);
    if let Ok(style) = ProgressStyle::with_template("compiling {wide_bar} {pos}/{len} functions") {
        bar.set_style(style);
    }
    bar
}
