//! Values that are not available.

use crate::program::{Fresh, Program};
use sidetrack_engine::Engine;
use sidetrack_engine::debug::{End, OpSet, Shadow, Step, Stop, Value};

/// Interprets the function whose body this is, of two `i32`s, to where it ends.
fn run(body: &str, arguments: [Value; 2]) -> (End, Shadow, Fresh) {
    let text = format!(
        r#"(module (memory (export "m0") 1) (global $g (export "g0") (mut i32) (i32.const 5))
            (table 4 funcref) (type $f (func)) (func (param i32 i32) (result i32) {body}))"#
    );
    let program = Program::new(&Engine::default(), &text);
    let body = program.body(0);
    let mut shadow = Shadow::enter(body.clone(), |argument| arguments[argument]);
    let fresh = Fresh::new(program.info());
    match shadow.run_to(&fresh, |_| false, &OpSet::new(&body), 1000) {
        Stop::End(end) => (end, shadow, fresh),
        stop => panic!("{stop:?}"),
    }
}

#[test]
fn what_is_computed_from_them_is_not_available() {
    for body in [
        "(i32.add (local.get 0) (local.get 1))",
        "(i32.clz (local.get 0))",
        "(i32.eqz (local.get 0))",
        "(select (i32.const 1) (i32.const 2) (local.get 0))",
        "(select (local.get 0) (i32.const 2) (local.get 1))",
        "(i32x4.extract_lane 1 (i32x4.splat (local.get 0)))",
        "(local.tee 1 (local.get 0))",
    ] {
        let (end, shadow, _) = run(body, [None, Some(1)]);
        assert_eq!((end, shadow.results()), (End::Return, &[None][..]), "{body}");
    }
}

#[test]
fn what_does_not_need_them_is_available() {
    for body in [
        "(drop (local.get 0)) (local.get 1)",
        "(select (local.get 0) (i32.const 1) (i32.eqz (local.get 1)))",
        "(local.set 0 (local.get 1)) (local.get 0)",
        "(block (br_if 0 (local.get 1)) (drop (i32.load (local.get 0)))) (local.get 1)",
    ] {
        let (end, shadow, _) = run(body, [None, Some(1)]);
        assert_eq!((end, shadow.results()), (End::Return, &[Some(1)][..]), "{body}");
    }
}

#[test]
fn what_depends_on_them_ends_the_run_before_it_happens() {
    for body in [
        "(i32.load (local.get 0))",
        "(i32.store (local.get 0) (local.get 1)) (i32.const 0)",
        "(i32.store (local.get 1) (local.get 0)) (i32.const 0)",
        "(i32.div_u (local.get 1) (local.get 0))",
        "(i32.trunc_f32_s (f32.reinterpret_i32 (local.get 0)))",
        "(global.set $g (local.get 0)) (i32.const 0)",
        "(block (br_if 0 (local.get 0))) (i32.const 0)",
        "(block (br_table 0 0 (local.get 0))) (i32.const 0)",
        "(if (result i32) (local.get 0) (then (i32.const 0)) (else (i32.const 1)))",
        "(ref.is_null (table.get (local.get 0)))",
        "(call_indirect (type $f) (local.get 0)) (i32.const 0)",
    ] {
        let (end, mut shadow, fresh) = run(body, [None, Some(1)]);
        assert_eq!(end, End::Unavailable, "{body}");
        assert!(shadow.overlay().is_empty(), "{body}");
        // Nothing has changed: it ends there again.
        let (position, stack) = (shadow.position(), shadow.stack().to_vec());
        assert_eq!(stack.len(), shadow.body().stack_height(position), "{body}");
        assert_eq!(shadow.step(&fresh), Step::End(End::Unavailable), "{body}");
        assert_eq!((shadow.position(), shadow.stack()), (position, &stack[..]), "{body}");
    }
}
