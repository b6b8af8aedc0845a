//! A second of random modules; `fuzz/` runs them for as long as it is told.

use sidetrack_oracle::differential::{Engines, check, module};
use std::time::{Duration, Instant};

#[test]
fn random_modules_do_the_same_everywhere() {
    let engines = Engines::all();
    let end = Instant::now() + Duration::from_secs(1);
    let (mut seed, mut compared) = (0, 0);
    while Instant::now() < end || compared == 0 {
        if let Some(wasm) = module(seed) {
            match check(seed, &wasm, &engines) {
                Ok(count) => compared += count,
                Err(message) => panic!("seed {seed}: {message}"),
            }
        }
        seed += 1;
    }
}
