//! Bytecode: calls, traps, exceptions, switches.

mod common;
use common::{Run as _, function, name};
use pulley_interpreter::encode as op;
use pulley_interpreter::regs::{BinaryOperands, XReg};
use sidetrack_artifact::*;
use sidetrack_patch::exec::{ExecTrap, Pulley, link};

/// A direct call of `symbol`, with its relocation.
fn call(f: &mut CompiledFunction, symbol: &str) {
    let start = f.code.len() as u32;
    op::call(&mut f.code, 0);
    let reloc = Reloc { offset: start + 1, kind: RelocKind::PulleyPcRel, symbol: name(symbol), addend: 1 };
    f.relocs.push(reloc);
}

/// `hook`: adds 1 to what x0 points to.
fn hook() -> CompiledFunction {
    let mut f = function("hook", vec![]);
    op::xload64le_o32(&mut f.code, XReg::x1, address(0));
    op::xadd64_u8(&mut f.code, XReg::x1, XReg::x1, 1);
    op::xstore64le_o32(&mut f.code, address(0), XReg::x1);
    op::ret(&mut f.code);
    f
}

fn address(offset: i32) -> pulley_interpreter::AddrO32 {
    pulley_interpreter::AddrO32 { addr: XReg::x0, offset }
}

fn caller(initially_on: bool) -> CompiledFunction {
    let mut f = function("f", vec![]);
    op::push_frame(&mut f.code);
    let start = f.code.len();
    call(&mut f, "hook");
    let on = f.code[start..].to_vec();
    let mut off = vec![];
    (0..on.len()).for_each(|_| op::nop(&mut off));
    if !initially_on {
        f.code[start..].copy_from_slice(&off);
    }
    f.patch_sites.push(PatchSite {
        end: f.code.len() as u32,
        len: on.len() as u8,
        tag: 7,
        target: PatchTarget::Symbol(name("hook")),
        kind: SiteKind::Call,
        initially_on,
        on,
        off,
    });
    op::pop_frame(&mut f.code);
    op::ret(&mut f.code);
    f
}

fn load(functions: Vec<CompiledFunction>) -> Pulley {
    Pulley::load(link(Architecture::Pulley64, functions).unwrap()).unwrap()
}

#[test]
fn a_site_is_switched_off_and_on() {
    for initially in [true, false] {
        let mut pulley = load(vec![caller(initially), hook()]);
        let mut slots = [0];
        let mut on = initially;
        for _ in 0..4 {
            let before = slots[0];
            pulley.run(&name("f"), &mut slots).unwrap();
            assert_eq!(slots[0] - before, u64::from(on));
            on = !on;
            assert_eq!(pulley.patch(&name("f"), 7, on), Ok(1));
        }
    }
}

#[test]
fn traps_are_values() {
    let mut f = function("f", vec![]);
    op::push_frame(&mut f.code);
    f.traps.push(TrapSite { offset: f.code.len() as u32, code: TrapCode::User(9) });
    op::trap(&mut f.code);
    let mut g = function("g", vec![]);
    op::push_frame(&mut g.code);
    call(&mut g, "g");
    let mut h = function("h", vec![]);
    op::xzero(&mut h.code, XReg::x1);
    op::xdiv64_u(&mut h.code, BinaryOperands::new(XReg::x0, XReg::x0, XReg::x1));
    let mut pulley = load(vec![f, g, h]);
    let cases =
        [("f", TrapCode::User(9)), ("g", TrapCode::StackOverflow), ("h", TrapCode::IntegerDivisionByZero)];
    for (text, expected) in cases.into_iter().chain(cases) {
        match pulley.run(&name(text), &mut []) {
            Err(ExecTrap::Trap { code, place }) => {
                assert_eq!((code, place.function), (expected, Some(name(text))));
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn exceptions_reach_their_handlers() {
    let mut f = function("f", vec![]);
    op::push_frame(&mut f.code);
    op::stack_alloc32(&mut f.code, 16u32);
    let sp = |offset| pulley_interpreter::AddrO32 { addr: XReg::sp, offset };
    op::xstore64le_o32(&mut f.code, sp(0), XReg::x0);
    call(&mut f, "middle");
    let return_offset = f.code.len() as u32;
    op::trap(&mut f.code);
    let handler = f.code.len() as u32;
    let to = |offset| pulley_interpreter::AddrO32 { addr: XReg::x2, offset };
    op::xload64le_o32(&mut f.code, XReg::x2, sp(0));
    op::xstore64le_o32(&mut f.code, to(0), XReg::x0);
    op::xstore64le_o32(&mut f.code, to(8), XReg::x1);
    op::pop_frame(&mut f.code);
    op::ret(&mut f.code);
    let handlers = vec![ExceptionHandler::Tag { tag: 5, handler }];
    f.call_sites.push(CallSite { return_offset, frame_offset: 16, handlers });
    let thrower = |text, tag: i8| {
        let mut f = function(text, vec![]);
        op::push_frame(&mut f.code);
        op::xconst8(&mut f.code, XReg::x0, tag);
        op::xconst8(&mut f.code, XReg::x1, 11);
        op::xconst8(&mut f.code, XReg::x2, 22);
        call(&mut f, "throw");
        f
    };
    let mut pulley = load(vec![f, thrower("middle", 5), thrower("other", 6)]);
    let mut slots = [0; 2];
    for _ in 0..3 {
        slots = [0; 2];
        pulley.run(&name("f"), &mut slots).unwrap();
        let uncaught = ExecTrap::Uncaught { tag: 6, payloads: [11, 22] };
        assert_eq!(pulley.run(&name("other"), &mut []), Err(uncaught));
    }
    assert_eq!(slots, [11, 22]);
}
