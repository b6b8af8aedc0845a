//! Truncated and bit-flipped modules are refused with an offset, or accepted and
//! translated to what verifies; nothing panics.

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

/// A small generator of pseudorandom numbers.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) as usize % below
    }
}

fn check(bytes: &[u8], options: usize) {
    if let Err(error) = common::translate(bytes, &common::OPTIONS[options]) {
        assert!(error.offset.is_some_and(|offset| offset <= bytes.len()), "{error}");
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn damaged_modules() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wat");
    let mut modules = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "wat") {
            modules.push(wat::parse_file(&path).expect("the module can be read"));
        }
    }
    modules.sort();
    let mut random = Random(1);
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(1500) {
        let mut bytes = modules[random.next(modules.len())].clone();
        if random.next(4) == 0 {
            bytes.truncate(random.next(bytes.len()));
        }
        for _ in 0..1 + random.next(3) {
            if !bytes.is_empty() {
                let at = random.next(bytes.len());
                bytes[at] ^= 1 << random.next(8);
            }
        }
        check(&bytes, random.next(2));
    }
}
