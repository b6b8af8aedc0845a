//! How many operators a second. Not part of a test run: `cargo test --release -p
//! sidetrack-engine --test shadow speed -- --ignored --nocapture`.

use crate::program::{Fresh, Program};
use sidetrack_engine::Engine;
use sidetrack_engine::debug::{OpSet, Shadow, Stop};
use std::time::Instant;

const SUM: &str = r#"(module (memory (export "m0") 1) (func (export "sum") (result i32) (local i32 i32)
    (loop $l
        (local.set 0 (i32.add (local.get 0)
            (i32.xor (local.get 1) (i32.load (i32.and (local.get 1) (i32.const 0xfffc))))))
        (local.set 1 (i32.add (local.get 1) (i32.const 1)))
        (br_if $l (i32.lt_u (local.get 1) (i32.const 0xffffffff))))
    (local.get 0)))"#;

#[test]
#[ignore = "a measurement"]
fn operators_a_second() {
    let program = Program::new(&Engine::default(), SUM);
    let (fresh, body) = (Fresh::new(program.info()), program.body(0));
    let mut shadow = Shadow::enter(body.clone(), |_| None);
    let (count, start) = (100_000_000, Instant::now());
    let stop = shadow.run_to(&fresh, |op| op == u32::MAX, &OpSet::new(&body), count);
    assert_eq!(stop, Stop::Limit);
    println!("{:.1} million operators a second", count as f64 / start.elapsed().as_secs_f64() / 1e6);
}
