//! Entering and leaving bytecode, with host functions that run more of it.

mod common;
use common::code::*;
use common::function;
use common::name;
use pulley_interpreter::encode as op;
use pulley_interpreter::regs::{BinaryOperands, XReg};
use sidetrack_artifact::*;
use sidetrack_patch::MemoryError;
use sidetrack_patch::run::{CallHooks, Exit, Machine, builtin_address, call, throw_address};
use std::sync::Arc;

fn call_op(f: &mut CompiledFunction, symbol: &str) {
    let start = f.code.len() as u32;
    op::call(&mut f.code, 0);
    let reloc = Reloc { offset: start + 1, kind: RelocKind::PulleyPcRel, symbol: name(symbol), addend: 1 };
    f.relocs.push(reloc);
}

/// A function with a frame around `body`.
fn framed(text: &str, body: impl FnOnce(&mut CompiledFunction)) -> CompiledFunction {
    let mut f = function(text, vec![]);
    op::push_frame(&mut f.code);
    let end = f.code.len() as u32;
    f.unwind.ops = vec![(end, UnwindOp::PushFrame { size: 16 }), (end, UnwindOp::DefineFrame)];
    body(&mut f);
    op::pop_frame(&mut f.code);
    op::ret(&mut f.code);
    f
}

fn trapping(text: &str) -> CompiledFunction {
    framed(text, |f| {
        f.traps.push(TrapSite { offset: f.code.len() as u32, code: TrapCode::User(9) });
        op::trap(&mut f.code);
    })
}

fn throwing(text: &str) -> CompiledFunction {
    framed(text, |f| {
        op::xconst8(&mut f.code, XReg::x0, 5);
        op::xconst8(&mut f.code, XReg::x1, 11);
        op::xconst8(&mut f.code, XReg::x2, 22);
        call_op(f, "throw");
    })
}

/// Calls `callee` with its arguments; a handler of every exception stores the
/// payloads to where x0 pointed.
fn catching(text: &str, callee: &str) -> CompiledFunction {
    framed(text, |f| {
        let at = |addr, offset| pulley_interpreter::AddrO32 { addr, offset };
        op::stack_alloc32(&mut f.code, 16u32);
        op::xstore64le_o32(&mut f.code, at(XReg::sp, 0), XReg::x0);
        call_op(f, callee);
        let return_offset = f.code.len() as u32;
        op::pop_frame(&mut f.code);
        op::ret(&mut f.code);
        let handlers = vec![ExceptionHandler::Default { handler: f.code.len() as u32 }];
        f.call_sites.push(CallSite { return_offset, frame_offset: 16, handlers });
        op::xload64le_o32(&mut f.code, XReg::x2, at(XReg::sp, 0));
        op::xstore64le_o32(&mut f.code, at(XReg::x2, 0), XReg::x0);
        op::xstore64le_o32(&mut f.code, at(XReg::x2, 8), XReg::x1);
    })
}

/// Calls the host and stores what it returns, and x16, to where x0 pointed.
fn asking(text: &str) -> CompiledFunction {
    framed(text, |f| {
        let at = |offset| pulley_interpreter::AddrO32 { addr: XReg::x17, offset };
        op::xmov(&mut f.code, XReg::x17, XReg::x0);
        op::xconst8(&mut f.code, XReg::x16, 77);
        (3..8u8).for_each(|i| op::xconst8(&mut f.code, XReg::new(i).unwrap(), i as i8));
        call_op(f, "host");
        op::xstore64le_o32(&mut f.code, at(0), XReg::x0);
        op::xstore64le_o32(&mut f.code, at(8), XReg::x16);
    })
}

use pulley_interpreter::regs::Reg;

/// What a host function of these tests is given.
#[repr(C)]
struct Context {
    /// Where `asking` stores to; its address is that of the context.
    slots: [u64; 2],
    machine: *const Machine,
    code: *const Code,
    depth: u64,
    log: Vec<String>,
}

impl Context {
    fn new(machine: &Machine, code: &Code) -> Box<Context> {
        Box::new(Context { slots: [0; 2], machine, code, depth: 0, log: vec![] })
    }
}

extern "C" fn host(context: &mut Context, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64, h: u64) -> u64 {
    assert_eq!([b, c, d, e, f, g, h], [1, 2, 3, 4, 5, 6, 7]);
    // SAFETY: the test keeps them while it runs code.
    let code = unsafe { &*context.code };
    context.depth += 1;
    let depth = context.depth;
    if depth < 10 {
        let args = [context as *mut Context as u64, 1, 2, 0];
        code.call_on(context.machine, "ask", args).unwrap();
        assert_eq!(context.slots, [depth + 1, 77]);
    }
    // Both leave code in the middle, with x16 overwritten.
    let (trap, _, frames) = trap(code.call_on(context.machine, "outer", [0; 4]));
    context.log.push(format!("{trap} {}", frames.len()));
    match code.call_on(context.machine, "throws", [0; 4]) {
        Err(Exit::Uncaught { tag: 5, payloads: [11, 22], frames }) => assert_eq!(frames.first.len(), 1),
        other => panic!("{other:?}"),
    }
    let mut slots = [0u64; 2];
    code.call_on(context.machine, "catch", [slots.as_mut_ptr() as u64, 0, 0, 0]).unwrap();
    assert_eq!(slots, [11, 22]);
    depth
}

fn functions() -> Vec<CompiledFunction> {
    let outer = framed("outer", |f| {
        op::xconst8(&mut f.code, XReg::x16, 1);
        call_op(f, "trap");
    });
    vec![asking("ask"), outer, trapping("trap"), throwing("throws"), catching("catch", "throws")]
}

#[test]
fn host_functions_run_code_on_the_same_machine() {
    let code = Code::new(PULLEY, functions(), &[("host", host as *const () as usize)]);
    let machine = Machine::new(PULLEY, 64 << 10).unwrap();
    for _ in 0..20 {
        let mut context = Context::new(&machine, &code);
        let args = [&raw mut *context as u64, 1, 2, 0];
        code.call_on(&machine, "ask", args).unwrap();
        assert_eq!(context.slots, [1, 77]);
        assert_eq!(context.log, vec!["user9 2"; 10]);
    }
}

#[test]
fn an_exception_stays_in_its_activation() {
    extern "C" fn host(context: &mut Context) {
        // SAFETY: the test keeps them while it runs code.
        let result = unsafe { &*context.code }.call_on(context.machine, "throws", [0; 4]);
        context.log.push(format!("{}", matches!(result, Err(Exit::Uncaught { .. }))));
    }
    let functions = vec![catching("f", "host"), throwing("throws")];
    let code = Code::new(PULLEY, functions, &[("host", host as *const () as usize)]);
    let machine = Machine::new(PULLEY, 64 << 10).unwrap();
    let mut context = Context::new(&machine, &code);
    code.call_on(&machine, "f", [&raw mut *context as u64, 0, 0, 0]).unwrap();
    assert_eq!((context.log, context.slots), (vec!["true".to_string()], [0; 2]));
}

#[test]
fn traps_tell_where_they_were() {
    let divide = framed("divide", |f| {
        op::xzero(&mut f.code, XReg::x1);
        op::xdiv64_u(&mut f.code, BinaryOperands::new(XReg::x0, XReg::x0, XReg::x1));
    });
    let refused = framed("refused", |f| op::trap(&mut f.code));
    let code = Code::new(PULLEY, [functions(), vec![divide, refused]].concat(), &[("host", 1)]);
    let (found, pc, frames) = trap(code.call("outer", [0; 4]));
    assert_eq!(found, TrapCode::User(9));
    assert_eq!(frames.len(), 2);
    assert_eq!(frames[0].pc, pc);
    let symbol = code.registered.memory().image().symbol(&name("outer")).unwrap();
    let end = code.address("outer") + symbol.size as usize;
    assert!((code.address("outer")..end).contains(&frames[1].pc));
    assert_eq!(trap(code.call("divide", [0; 4])).0, TrapCode::IntegerDivisionByZero);
    assert!(matches!(code.call("refused", [0; 4]), Err(Exit::Trap { code: None, .. })));
}

#[test]
fn the_stack_has_the_size_that_was_asked_for() {
    let f = framed("f", |f| {
        op::stack_alloc32(&mut f.code, 4080u32);
        call_op(f, "f");
    });
    let code = Code::new(PULLEY, vec![f], &[]);
    for (size, frames_at_least) in [(64 << 10, 14), (1 << 20, 254)] {
        let machine = Machine::new(PULLEY, size).unwrap();
        for _ in 0..3 {
            let (found, _, frames) = trap(code.call_on(&machine, "f", [0; 4]));
            assert_eq!(found, TrapCode::StackOverflow);
            assert!((frames_at_least..=frames_at_least + 4).contains(&frames.len()), "{}", frames.len());
        }
    }
}

#[test]
fn exceptions_and_calls_cross_images() {
    let inner = Code::new(PULLEY, vec![throwing("g")], &[]);
    // Code of another image is called through its address, which is that of bytecode.
    let mut f = catching("f", "jump");
    f.name = name("f");
    let jump = framed("jump", |f| op::call_indirect(&mut f.code, XReg::x1));
    let outer = Code::new(PULLEY, vec![f, jump], &[]);
    let mut slots = [0u64; 2];
    outer.call("f", [slots.as_mut_ptr() as u64, inner.address("g") as u64, 0, 0]).unwrap();
    assert_eq!(slots, [11, 22]);
    let machine = Machine::new(PULLEY, 1 << 20).unwrap();
    let hooks = CallHooks { max_frames: 1 };
    let stub = outer.address("jump") as *const u8;
    // SAFETY: jump takes two integers.
    let exit = unsafe { call(&machine, stub, &[0, inner.address("g") as u64, 0, 0], &hooks) };
    assert!(matches!(exit, Err(Exit::Uncaught { tag: 5, frames, .. }) if frames.first.len() == 1));
}

#[test]
fn imports_need_an_address_unless_they_are_built_in() {
    assert_eq!(builtin_address(PULLEY, &name("throw")), throw_address(PULLEY));
    assert_eq!(builtin_address(PULLEY, &name("FloorF64")), None);
    let link = |symbol| {
        let mut builder = ImageBuilder::new(PULLEY);
        builder.add(framed("f", |f| call_op(f, symbol))).import(name(symbol));
        sidetrack_patch::CodeMemory::new(Arc::new(builder.finish().unwrap()), &mut |_| None)
    };
    assert!(link("FloorF64").is_ok());
    assert!(matches!(link("nobody"), Err(MemoryError::Unresolved(_))));
}
