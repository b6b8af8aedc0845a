//! Control flow: which operators are executed in turn, and what ends a run.

use crate::program::{Fresh, Program};
use sidetrack_engine::debug::{Access, Body, Callee, End, OpSet, Shadow, Step, Stop};
use sidetrack_engine::{Engine, RefType, ValType};
use std::sync::Arc;

struct Frame {
    program: Program,
    fresh: Fresh,
    body: Arc<Body>,
}

impl Frame {
    /// The first function of a module.
    fn new(text: &str) -> Self {
        let program = Program::new(&Engine::default(), &format!("(module {text})"));
        let (fresh, body) = (Fresh::new(program.info()), program.body(0));
        Frame { program, fresh, body }
    }

    fn enter(&self, argument: u128) -> Shadow {
        Shadow::enter(self.body.clone(), |_| Some(argument))
    }

    /// The operators that are executed, and the end.
    fn path(&self, argument: u128) -> (Vec<u32>, End, Shadow) {
        let mut shadow = self.enter(argument);
        let mut path = Vec::new();
        for _ in 0..1000 {
            path.push(shadow.position());
            let height = self.body.stack_height(shadow.position());
            assert_eq!(shadow.stack().len(), height, "at {}", shadow.position());
            assert!(!self.body.is_dead(shadow.position()));
            if let Step::End(end) = shadow.step(&self.fresh) {
                return (path, end, shadow);
            }
        }
        panic!("it does not end");
    }
}

#[test]
fn arms() {
    // 0 local.get 1 if 2 const 3 else 4 const 5 end 6 end
    let both = "(func (param i32) (result i32)
        local.get 0 if (result i32) i32.const 1 else i32.const 2 end)";
    let frame = Frame::new(both);
    assert_eq!(frame.path(1).0, [0, 1, 2, 3, 6]);
    let (path, end, shadow) = frame.path(0);
    assert_eq!((path, end, shadow.results()), (vec![0, 1, 4, 5, 6], End::Return, &[Some(2)][..]));
    // 0 local.get 1 if 2 nop 3 end 4 end
    let one = Frame::new("(func (param i32) local.get 0 if nop end)");
    assert_eq!(one.path(1).0, [0, 1, 2, 3, 4]);
    assert_eq!(one.path(0).0, [0, 1, 4]);
}

#[test]
fn branches_take_their_operands_along() {
    // 0 block 1 const 7 2 const 8 3 local.get 4 br_if 5 drop 6 end 7 end
    let frame = Frame::new(
        "(func (param i32) (result i32)
        block (result i32) i32.const 7 i32.const 8 local.get 0 br_if 0 drop end)",
    );
    let (path, _, shadow) = frame.path(1);
    assert_eq!((path, shadow.results()), (vec![0, 1, 2, 3, 4, 7], &[Some(8)][..]));
    let (path, _, shadow) = frame.path(0);
    assert_eq!((path, shadow.results()), (vec![0, 1, 2, 3, 4, 5, 6, 7], &[Some(7)][..]));
}

#[test]
fn loops_go_on_behind_their_head() {
    // 0 local.get 1 loop (param i32) 2 const 1 3 sub 4 local.tee 5 local.get 6 br_if 7 end 8 end
    let frame = Frame::new(
        "(func (param i32) (result i32)
        local.get 0
        loop (param i32) (result i32) i32.const 1 i32.sub local.tee 0 local.get 0 br_if 0 end)",
    );
    let (path, end, shadow) = frame.path(2);
    assert_eq!(path, [0, 1, 2, 3, 4, 5, 6, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!((end, shadow.results()), (End::Return, &[Some(0)][..]));
}

#[test]
fn tables_of_branches() {
    // 0 block 1 block 2 const 9 3 local.get 4 br_table 5 end 6 nop 7 end 8 end
    let frame = Frame::new(
        "(func (param i32) (result i32)
        block (result i32) block (result i32) i32.const 9 local.get 0 br_table 0 2 1 end nop end)",
    );
    assert_eq!(frame.path(0).0, [0, 1, 2, 3, 4, 6, 7, 8]);
    let (path, end, shadow) = frame.path(1);
    assert_eq!((path, end, shadow.results()), (vec![0, 1, 2, 3, 4], End::Return, &[Some(9)][..]));
    assert_eq!(frame.path(2).0, [0, 1, 2, 3, 4, 8]);
    assert_eq!(frame.path(u32::MAX.into()).0, [0, 1, 2, 3, 4, 8]);
}

#[test]
fn dead_operators() {
    // 0 block 1 br 2 nop 3 block 4 end 5 end 6 return 7 drop 8 end
    let frame = Frame::new("(func block br 0 nop block end end return drop)");
    assert_eq!(frame.path(0).0, [0, 1, 6]);
    let dead: Vec<u32> = (0..frame.body.len()).filter(|op| frame.body.is_dead(*op)).collect();
    assert_eq!(dead, [2, 3, 4, 5, 7, 8]);
    let arms = Frame::new("(func (param i32) local.get 0 if unreachable else end)");
    assert_eq!(arms.path(0).0, [0, 1, 4, 5]);
}

#[test]
fn ends_of_runs() {
    let module = |body: &str| {
        format!(
            r#"(func (param i32) {body}) (func $f (param i32)) (memory (export "m0") 1 2)
            (table $t 2 funcref) (elem (table $t) (i32.const 1) func $f) (elem declare func $f)
            (tag $e (param i32)) (data $d "a") (elem $s func $f)"#
        )
    };
    let call = |callee, tail| End::Call { callee, tail };
    for (body, expected) in [
        ("(call $f (local.get 0))", call(Callee::Function(1), false)),
        ("(return_call $f (local.get 0))", call(Callee::Function(1), true)),
        ("(call_indirect $t (param i32) (local.get 0) (i32.const 1))", call(Callee::Reference(16), false)),
        (
            "(return_call_indirect $t (param i32) (local.get 0) (i32.const 1))",
            call(Callee::Reference(16), true),
        ),
        ("(drop (memory.grow (i32.const 1)))", End::Effect),
        ("(memory.fill (i32.const 0) (i32.const 0) (i32.const 0))", End::Effect),
        ("(memory.copy (i32.const 0) (i32.const 0) (i32.const 0))", End::Effect),
        ("(memory.init $d (i32.const 0) (i32.const 0) (i32.const 0))", End::Effect),
        ("(data.drop $d)", End::Effect),
        ("(elem.drop $s)", End::Effect),
        ("(table.set $t (i32.const 0) (ref.null func))", End::Effect),
        ("(drop (table.grow $t (ref.null func) (i32.const 0)))", End::Effect),
        ("(table.fill $t (i32.const 0) (ref.null func) (i32.const 0))", End::Effect),
        ("(table.copy $t $t (i32.const 0) (i32.const 0) (i32.const 0))", End::Effect),
        ("(table.init $t $s (i32.const 0) (i32.const 0) (i32.const 0))", End::Effect),
        ("(block $b (try_table (catch_all $b) (throw $e (i32.const 0))))", End::Throw),
        ("(block $b (try_table (catch_all $b) (nop)))", End::Return),
        ("(br_if 0 (local.get 0)) (unreachable)", End::Return),
    ] {
        let frame = Frame::new(&module(body));
        let (_, end, mut shadow) = frame.path(1);
        assert_eq!(end, expected, "{body}");
        assert_eq!(shadow.step(&frame.fresh), Step::End(end), "{body}");
    }
}

#[test]
fn runs_stop_where_they_are_told_to() {
    // 0 loop 1 local.get 2 const 3 sub 4 local.tee 5 br_if 6 end 7 end
    let frame = Frame::new("(func (param i32) loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end)");
    let mut sites = OpSet::new(&frame.body);
    sites.insert(1);
    let mut shadow = frame.enter(2);
    assert_eq!(shadow.run_to(&frame.fresh, |op| op == 4, &sites, 100), Stop::Site);
    assert_eq!(shadow.position(), 1);
    assert_eq!(shadow.run_to(&frame.fresh, |op| op == 4, &sites, 100), Stop::Target);
    assert_eq!((shadow.position(), shadow.stack()), (4, &[Some(1)][..]));
    assert_eq!(shadow.run_to(&frame.fresh, |op| op == 4, &sites, 1), Stop::Limit);
    assert_eq!(shadow.run_to(&frame.fresh, |op| op == 4, &sites, 100), Stop::Site);
    assert_eq!(shadow.run_to(&frame.fresh, |op| op == 0, &sites, 100), Stop::End(End::Return));
    assert_eq!((shadow.position(), shadow.locals()), (7, &[Some(0)][..]));
}

#[test]
fn places_and_types() {
    let frame = Frame::new(
        "(func (param i32 f64) (result f64) (local v128 externref)
        i32.const 1 f64.const 2 local.get 2 local.get 3 drop drop
        local.set 1 drop ref.null func drop local.get 1)",
    );
    let body = &frame.body;
    let externref = ValType::Ref(RefType::EXTERN);
    assert_eq!(body.locals(), [ValType::I32, ValType::F64, ValType::V128, externref]);
    assert_eq!(body.stack_types(0), []);
    assert_eq!(body.stack_types(4), [ValType::I32, ValType::F64, ValType::V128, externref]);
    assert_eq!(body.stack_types(5), [ValType::I32, ValType::F64, ValType::V128]);
    assert_eq!(body.stack_types(9), [ValType::Ref(RefType::FUNC)]);
    assert_eq!(body.stack_types(body.len() - 1), [ValType::F64]);
    let range = &frame.program.info().functions[0].body;
    assert_eq!(body.pc(body.len() - 1), range.end - 1);
    for op in 0..body.len() {
        assert_eq!(body.index_at(body.pc(op)), Some(op));
        assert_eq!(body.next_at_or_after(body.pc(op)), Some(op));
        if op > 0 && body.pc(op - 1) + 1 < body.pc(op) {
            assert_eq!(body.index_at(body.pc(op) - 1), None);
            assert_eq!(body.next_at_or_after(body.pc(op) - 1), Some(op));
        }
    }
    assert_eq!(body.next_at_or_after(range.start), Some(0));
    assert_eq!(body.next_at_or_after(range.end), None);
}

#[test]
fn accesses() {
    let frame = Frame::new(
        r#"(memory (export "m0") 1)
        (func (param i32) (drop (i32.load16_u offset=4 (local.get 0))) (i64.store (local.get 0) (i64.const 1)))"#,
    );
    let mut shadow = frame.enter(8);
    let mut accesses = Vec::new();
    while shadow.step(&frame.fresh) == Step::Next {
        accesses.extend(shadow.access());
    }
    let load = Access { memory: 0, address: 12, bytes: 2, is_store: false };
    let store = Access { memory: 0, address: 8, bytes: 8, is_store: true };
    assert_eq!(accesses, [load, store]);
}

#[test]
fn bodies_that_are_damaged_are_refused() {
    let program = Program::new(
        &Engine::default(),
        "(module (memory 1) (func (param i32) (result i32)
            (block (result i32) (loop (br_if 1 (i32.const 1) (local.get 0)) (br_table 0 0 (i32.const 1)))
                (i32.load (i32.const 0)))
            (if (result i32) (local.get 0) (then (call 0 (i32.const 1))) (else (i32.const 2))) (i32.add)))",
    );
    let bytes = program.code(0);
    for position in 0..bytes.len() {
        assert!(Body::decode(program.info(), 0, &bytes[..position]).is_err());
        for value in 0..=255 {
            let mut damaged = bytes.clone();
            damaged[position] = value;
            // Whatever can be decoded can be interpreted.
            if let Ok(body) = Body::decode(program.info(), 0, &damaged) {
                let fresh = Fresh::new(program.info());
                let mut shadow = Shadow::enter(Arc::new(body), |_| Some(1));
                let sites = OpSet::new(shadow.body());
                shadow.run_to(&fresh, |_| false, &sites, 200);
            }
        }
    }
    assert!(Body::decode(program.info(), 1, &bytes).is_err());
}
