//! A second of random functions; `fuzz/` runs the same body for longer.

use sidetrack_filetests::differential::{Targets, check};
use sidetrack_ir::random::{Config, Entropy};
use std::time::{Duration, Instant};

#[test]
fn a_second_of_random_functions() {
    let targets = Targets::all();
    assert!(targets.len() >= 2);
    let start = Instant::now();
    let mut compared = 0;
    let mut seed = 0;
    while start.elapsed() < Duration::from_secs(1) {
        let mut entropy = Entropy::from_seed(seed, 4096);
        match check(&mut entropy, &Config::default(), &targets) {
            Ok(count) => compared += count,
            Err(message) => panic!("seed {seed}: {message}"),
        }
        seed += 1;
    }
    assert!(compared > 0);
}
