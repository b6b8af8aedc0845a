//! Entering and leaving native code on the thread's own stack.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod common;
use common::code::*;
use common::*;
use sidetrack_artifact::*;
use sidetrack_patch::run::{Exit, Frame, walk};
use std::cell::RefCell;

/// push rbp; mov rbp, rsp
const ENTER: [u8; 4] = [0x55, 0x48, 0x89, 0xE5];
/// leave; ret
const LEAVE: [u8; 2] = [0xC9, RET];

/// A function with a frame around `body`.
fn framed(text: &str, body: impl FnOnce(Asm) -> Asm) -> CompiledFunction {
    body(Asm::new(text).bytes(&ENTER)).bytes(&LEAVE).f
}

/// `text`: stores to where rdi points, or traps.
fn storing(text: &str) -> CompiledFunction {
    // mov dword [rdi], 7
    framed(text, |f| f.trap(TrapCode::HeapOutOfBounds).bytes(&[0xC7, 0x07, 7, 0, 0, 0]))
}

#[test]
fn four_arguments_arrive() {
    // mov [rdi], rsi; mov [rdi+8], rdx; mov [rdi+16], rcx; ret
    let f = Asm::new("f").bytes(&[0x48, 0x89, 0x37, 0x48, 0x89, 0x57, 8, 0x48, 0x89, 0x4F, 16, RET]).f;
    let code = Code::new(X64, vec![f], &[]);
    let mut slots = [0u64; 3];
    code.call("f", [slots.as_mut_ptr() as u64, 1, 2, 3]).unwrap();
    assert_eq!(slots, [1, 2, 3]);
}

#[test]
fn a_trap_tells_where_it_was() {
    let f = framed("f", |f| f.call("g"));
    let code = Code::new(X64, vec![f, storing("g")], &[]);
    for _ in 0..3 {
        match code.call("f", [0x1230, 0, 0, 0]).unwrap_err() {
            Exit::Trap { code: Some(TrapCode::HeapOutOfBounds), pc, fault_address, frames } => {
                assert_eq!(pc, code.address("g") + 4);
                assert_eq!(fault_address, Some(0x1230));
                assert_eq!(pcs(&frames.first), [pc, code.address("f") + 9]);
                assert_eq!(frames.first[1].fp - frames.first[0].fp, 16);
            }
            other => panic!("{other:?}"),
        }
    }
    let address = code.address("f");
    drop(code);
    // SAFETY: the address is in no registered code, so no frame is looked at.
    assert_eq!(unsafe { walk(address, 0, usize::MAX) }, []);
}

#[test]
fn an_address_that_the_system_does_not_know_is_none() {
    let code = Code::new(X64, vec![storing("f")], &[]);
    let exit = code.call("f", [1 << 62, 0, 0, 0]);
    assert!(matches!(exit, Err(Exit::Trap { fault_address: None, .. })), "{exit:?}");
}

#[test]
fn a_trap_in_the_prologue_has_the_callers_frames() {
    // The function is stopped before the push, between push and move, and after both.
    for (before, body) in
        [(0, [0x0F, 0x0B, 0x55, 0x48, 0x89, 0xE5]), (1, [0x55, 0x0F, 0x0B, 0x48, 0x89, 0xE5])]
    {
        let mut g = Asm::new("g").bytes(&body).bytes(&LEAVE).f;
        g.traps.push(TrapSite { offset: before, code: TrapCode::User(1) });
        let pushed = if before == 0 { 3 } else { 1 };
        let push = UnwindOp::PushFrame { size: 16 };
        g.unwind = UnwindInfo { ops: vec![(pushed, push), (6, UnwindOp::DefineFrame)] };
        let f = framed("f", |f| f.call("g"));
        let code = Code::new(X64, vec![f, framed("outer", |f| f.call("f")), g], &[]);
        let (_, pc, frames) = trap(code.call("outer", [0; 4]));
        assert_eq!(pc, code.address("g") + before as usize);
        assert_eq!(pcs(&frames), [pc, code.address("f") + 9, code.address("outer") + 9]);
    }
}

#[test]
fn a_trap_while_a_large_frame_is_made_has_the_callers_frames() {
    // g: lea rbp, [rsp-0x8000]; sub rsp, n pages; ud2
    for pages in [1u8, 8] {
        let mut g = Asm::new("g")
            .bytes(&ENTER)
            .bytes(&[0x48, 0x8D, 0xAC, 0x24, 0, 0x80, 0xFF, 0xFF])
            .bytes(&[0x48, 0x81, 0xEC, 0, 16 * pages, 0, 0])
            .trap(TrapCode::StackOverflow)
            .bytes(&[0x0F, 0x0B])
            .f;
        g.frame_size = 16 + 0x8000 + 40;
        let code = Code::new(X64, vec![framed("f", |f| f.call("g")), g], &[]);
        let (_, pc, frames) = trap(code.call("f", [0; 4]));
        assert_eq!(pcs(&frames), [pc, code.address("f") + 9]);
        assert_eq!(frames[1].fp - frames[0].fp, 16);
    }
}

/// What a host function of these tests does.
type Action<'a> = Box<dyn FnMut() -> u64 + 'a>;

thread_local! {
    static WALKED: RefCell<Vec<Frame>> = const { RefCell::new(Vec::new()) };
}

/// Called with the address of an `Action`.
extern "C" fn host(action: &mut Action<'_>) -> u64 {
    action()
}

/// Passes rdi on to the host.
fn calls_host(text: &str) -> CompiledFunction {
    framed(text, |f| f.call("host"))
}

#[test]
fn activations_nest() {
    let symbols = [("host", host as *const () as usize)];
    let code = Code::new(X64, vec![calls_host("f"), storing("g")], &symbols);
    let mut results = vec![];
    let mut depth = 0;
    fn descend(code: &Code, depth: &mut u32, results: &mut Vec<String>) -> u64 {
        *depth += 1;
        if *depth < 20 {
            let mut action: Action = Box::new(|| descend(code, depth, results));
            code.call("f", [&raw mut action as u64, 0, 0, 0]).unwrap();
        }
        let (trap, _, frames) = trap(code.call("g", [8, 0, 0, 0]));
        results.push(format!("{trap} {}", frames.len()));
        0
    }
    descend(&code, &mut depth, &mut results);
    assert_eq!(results, vec!["heap_oob 1"; 20]);
}

#[test]
fn a_host_function_walks_the_frames_of_its_callers() {
    // mov rdi, [rsp]; mov rsi, rbp; and the host is given return address and frame pointer
    extern "C" fn note(pc: usize, fp: usize) {
        // SAFETY: the code passes its own frame.
        WALKED.set(unsafe { walk(pc, fp, usize::MAX) });
    }
    // call next; next: pop rdi; mov rsi, rbp; call host
    let inner = framed("inner", |f| f.bytes(&[0xE8, 0, 0, 0, 0, 0x5F, 0x48, 0x89, 0xEE]).call("note"));
    let f = framed("f", |f| f.call("inner"));
    let code = Code::new(X64, vec![f, inner], &[("note", note as *const () as usize)]);
    code.call("f", [0; 4]).unwrap();
    assert_eq!(pcs(&WALKED.take()), [code.address("inner") + 9, code.address("f") + 9]);
}

#[test]
fn what_the_callee_must_keep_is_kept_when_code_is_left() {
    // Clobbers every saved register, the direction flag and both control words, then traps.
    let f = Asm::new("f")
        .bytes(&[
            0x31, 0xDB, 0x31, 0xED, 0x45, 0x31, 0xE4, 0x45, 0x31, 0xED, 0x45, 0x31, 0xF6, 0x45, 0x31, 0xFF,
        ])
        .bytes(&[0xFD, 0x0F, 0xAE, 0x17, 0xD9, 0x6F, 4]) // std; ldmxcsr [rdi]; fldcw [rdi+4]
        .trap(TrapCode::User(1))
        .bytes(&[0x0F, 0x0B])
        .f;
    let code = Code::new(X64, vec![f], &[]);
    let control = || {
        let mut words = [0u32; 2];
        // SAFETY: both store 4 bytes at most.
        unsafe {
            let at = words.as_mut_ptr();
            std::arch::asm!("stmxcsr [{0}]", "fnstcw [{0} + 4]", "pushfq", "pop {1}", in(reg) at, out(reg) _);
        }
        words
    };
    let before = control();
    // Round to zero, 24 bits of precision.
    let other = [0x7F80u32, 0x0C7F];
    // rbp is zero at the trap, so no frame can be looked at.
    let machine = sidetrack_patch::run::Machine::new(X64, 0).unwrap();
    let hooks = sidetrack_patch::run::CallHooks { max_frames: 0 };
    let args = [other.as_ptr() as u64, 0, 0, 0];
    // SAFETY: f takes the address of two words.
    let exit = unsafe { sidetrack_patch::run::call(&machine, code.address("f") as *const u8, &args, &hooks) };
    assert!(matches!(exit, Err(Exit::Trap { code: Some(TrapCode::User(1)), .. })));
    assert_eq!(control(), before);
    let text: String = (0..64).map(|i| char::from(b'0' + i % 10)).collect();
    assert_eq!(text.clone() + &text, text.repeat(2));
}

/// `f(rdi)`: keeps rdi, calls `middle`, which throws; its handlers store number and payloads.
fn catcher(tag: u32) -> CompiledFunction {
    // sub rsp, 32; mov [rsp], rdi; call middle
    let mut f = Asm::new("f")
        .bytes(&ENTER)
        .bytes(&[0x48, 0x83, 0xEC, 0x20, 0x48, 0x89, 0x3C, 0x24, 0xE8])
        .reloc(RelocKind::X86CallPcRel4, "middle", -4);
    let after = f.here();
    f = f.bytes(&LEAVE);
    let handlers = vec![ExceptionHandler::Tag { tag, handler: f.here() }];
    // mov rdi, [rsp]; mov [rdi], rax; mov [rdi+8], rdx
    f = f.bytes(&[0x48, 0x8B, 0x3C, 0x24, 0x48, 0x89, 0x07, 0x48, 0x89, 0x57, 8]).bytes(&LEAVE);
    f.call_site_at(after, 32, handlers).f
}

/// Throws tag 5 with payloads 11 and 22.
fn thrower(text: &str) -> CompiledFunction {
    framed(text, |f| {
        f.bytes(&[0xBF, 5, 0, 0, 0, 0xBE, 11, 0, 0, 0, 0xBA, 22, 0, 0, 0]).call("throw").bytes(&[0x0F, 0x0B])
    })
}

#[test]
fn an_exception_crosses_images() {
    let inner = Code::new(X64, vec![framed("middle", |f| f.call("thrower")), thrower("thrower")], &[]);
    let symbols = [("middle", inner.address("middle"))];
    let outer = Code::new(X64, vec![framed("outer", |f| f.call("f")), catcher(5)], &symbols);
    let other = Code::new(X64, vec![catcher(6)], &symbols);
    let mut slots = [0u64; 2];
    let args = [slots.as_mut_ptr() as u64, 0, 0, 0];
    for _ in 0..3 {
        slots = [0; 2];
        outer.call("outer", args).unwrap();
        assert_eq!(slots, [11, 22]);
        match other.call("f", args) {
            Err(Exit::Uncaught { tag: 5, payloads: [11, 22], frames }) => {
                let expected =
                    [inner.address("thrower") + 24, inner.address("middle") + 9, other.address("f") + 17];
                assert_eq!(pcs(&frames.first), expected);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_trap_crosses_images() {
    let inner = Code::new(X64, vec![storing("g")], &[]);
    let outer = Code::new(X64, vec![framed("f", |f| f.call("g"))], &[("g", inner.address("g"))]);
    let (_, pc, frames) = trap(outer.call("f", [0; 4]));
    assert_eq!(pcs(&frames), [pc, outer.address("f") + 9]);
    assert_eq!(pc, inner.address("g") + 4);
}

#[test]
fn an_exception_stays_in_its_activation() {
    let symbols = [("middle", host as *const () as usize)];
    let code = Code::new(X64, vec![catcher(5), thrower("g")], &symbols);
    let mut uncaught = None;
    let mut action: Action = Box::new(|| {
        uncaught = code.call("g", [0; 4]).err();
        0
    });
    code.call("f", [&raw mut action as u64, 0, 0, 0]).unwrap();
    drop(action);
    assert!(matches!(uncaught, Some(Exit::Uncaught { tag: 5, payloads: [11, 22], .. })), "{uncaught:?}");
}

/// Recurses for ever, with a probe below each frame of 4 KiB.
fn endless(text: &str) -> CompiledFunction {
    // sub rsp, 4096; test [rsp-64], rsp
    let f = |f: Asm| {
        let f = f.bytes(&[0x48, 0x81, 0xEC, 0, 0x10, 0, 0]);
        f.trap(TrapCode::StackOverflow).bytes(&[0x48, 0x85, 0x64, 0x24, 0xC0]).call(text)
    };
    framed(text, f)
}

#[test]
fn the_end_of_the_threads_stack_is_a_trap() {
    let run = || {
        let code = Code::new(X64, vec![endless("f")], &[]);
        for _ in 0..3 {
            let (trap, _, frames) = trap(code.call("f", [0; 4]));
            assert_eq!(trap, TrapCode::StackOverflow);
            assert!(frames.len() > 40 && frames[1..].iter().all(|frame| frame.pc == code.address("f") + 21));
        }
    };
    run();
    for _ in 0..3 {
        std::thread::Builder::new().stack_size(256 << 10).spawn(run).unwrap().join().unwrap();
    }
}

#[test]
fn threads_run_while_code_comes_and_goes() {
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                let shared = Code::new(X64, vec![storing("g"), framed("f", |f| f.call("g"))], &[]);
                for round in 0..300u64 {
                    let code = Code::new(X64, vec![catcher(5), thrower("middle")], &[]);
                    let mut slots = [0u64; 2];
                    code.call("f", [slots.as_mut_ptr() as u64, 0, 0, 0]).unwrap();
                    assert_eq!(slots, [11, 22], "thread {thread}, round {round}");
                    shared.call("f", [slots.as_mut_ptr() as u64, 0, 0, 0]).unwrap();
                    let (_, pc, frames) = trap(shared.call("f", [round, 0, 0, 0]));
                    assert_eq!(pcs(&frames), [pc, shared.address("f") + 9]);
                }
            });
        }
    });
}
