//! Faults that are none of ours reach whoever had the signal before.
//!
//! Signal handlers belong to the process, so each case runs in one of its own:
//! this binary again, with the case in the environment. A case that is to be
//! handled exits with `HANDLED` from its handler.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod common;
use common::code::*;
use common::*;
use libc::{SA_NODEFER, SA_RESETHAND, SA_SIGINFO, SIGFPE, SIGILL, SIGSEGV, SIGUSR1};
use sidetrack_artifact::*;
use sidetrack_patch::run::Machine;
use std::mem::MaybeUninit;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::ptr::{null_mut, read_volatile};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

const CASE: &str = "SIDETRACK_TEST_CASE";
const HANDLED: i32 = 42;
/// The instruction that the handler expects to have faulted.
static EXPECTED_PC: AtomicUsize = AtomicUsize::new(0);
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Runs `case` in a process of its own.
fn run(case: &str) -> ExitStatus {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture"]).env(CASE, case);
    let output = command.output().unwrap();
    print!("{}", String::from_utf8_lossy(&output.stdout));
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    output.status
}

fn install(signal: i32, handler: usize, flags: i32, mask: &[i32]) {
    // SAFETY: the handlers of this file have the signature that their flags say.
    unsafe {
        let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
        action.sa_sigaction = handler;
        action.sa_flags = flags;
        mask.iter().for_each(|signal| assert_eq!(libc::sigaddset(&mut action.sa_mask, *signal), 0));
        assert_eq!(libc::sigaction(signal, &action, null_mut()), 0);
    }
}

/// The signals of `among` that are blocked.
fn blocked(among: &[i32]) -> Vec<i32> {
    // SAFETY: only asks.
    unsafe {
        let mut set: libc::sigset_t = MaybeUninit::zeroed().assume_init();
        libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &mut set);
        among.iter().copied().filter(|signal| libc::sigismember(&set, *signal) == 1).collect()
    }
}

fn finish(good: bool) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(if good { HANDLED } else { 1 }) }
}

fn pc_of(context: *mut libc::c_void) -> *mut i64 {
    // SAFETY: the kernel's context.
    unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs[libc::REG_RIP as usize] }
}

/// Masks: the signal itself and SIGUSR1.
extern "C" fn with_info(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel's arguments.
    let (number, pc) = unsafe { ((*info).si_signo, *pc_of(context)) };
    let expected = EXPECTED_PC.load(SeqCst);
    let pc_good = expected == 0 || pc as usize == expected;
    finish(number == signal && pc_good && blocked(&[SIGILL, SIGSEGV, SIGUSR1]) == [signal, SIGUSR1]);
}

extern "C" fn without_info(_: i32) {
    finish(blocked(&[SIGILL, SIGSEGV, SIGUSR1]).is_empty());
}

/// Steps over a two-byte instruction.
extern "C" fn step_over(_: i32, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    COUNT.fetch_add(1, SeqCst);
    // SAFETY: the kernel's context.
    unsafe { *pc_of(context) += 2 };
}

extern "C" fn crash() {
    // SAFETY: none; this is a host function with a bug.
    unsafe { read_volatile(8 as *const u8) };
}

/// Unwinds, which a host function must not do.
extern "C-unwind" fn panics() {
    std::panic::resume_unwind(Box::new("a panic"));
}

/// `listed` and `unlisted` are ud2 and a return; the others call a host function.
fn code() -> Code {
    let listed = Asm::new("listed").trap(TrapCode::User(1)).bytes(&[0x0F, 0x0B, RET]).f;
    let unlisted = Asm::new("unlisted").bytes(&[0x0F, 0x0B, RET]).f;
    let calling =
        |text, callee| Asm::new(text).bytes(&[0x55, 0x48, 0x89, 0xE5]).call(callee).bytes(&[0x5D, RET]).f;
    let others = [calling("host", "crash"), calling("sent", "raise"), calling("panic", "panics")];
    let symbols = [
        ("crash", crash as *const () as usize),
        ("raise", libc::raise as *const () as usize),
        ("panics", panics as *const () as usize),
    ];
    Code::new(X64, [vec![listed, unlisted], others.to_vec()].concat(), &symbols)
}

/// Not a test of its own: the process that `run` starts.
#[test]
fn child() {
    let Ok(case) = std::env::var(CASE) else { return };
    let (with_info, step_over) = (with_info as *const () as usize, step_over as *const () as usize);
    match case.as_str() {
        "info" | "host" | "sent" => {
            install(SIGILL, with_info, SA_SIGINFO, &[SIGUSR1]);
            install(SIGSEGV, with_info, SA_SIGINFO, &[SIGUSR1]);
        }
        "nodefer" => install(SIGILL, without_info as *const () as usize, SA_NODEFER, &[]),
        "step" => install(SIGILL, step_over, SA_SIGINFO, &[]),
        "once" => install(SIGILL, step_over, SA_SIGINFO | SA_RESETHAND, &[]),
        "ignored" | "ignored host" | "ignored sent" => {
            [SIGILL, SIGSEGV].iter().for_each(|signal| install(*signal, libc::SIG_IGN, 0, &[]));
        }
        _ => [SIGILL, SIGSEGV, SIGFPE].iter().for_each(|signal| install(*signal, libc::SIG_DFL, 0, &[])),
    }
    let code = code();
    // Ours are still traps, and leave nothing blocked.
    for _ in 0..2 {
        assert_eq!(trap(code.call("listed", [0; 4])).0, TrapCode::User(1));
        assert_eq!(blocked(&[SIGILL, SIGSEGV, SIGUSR1]), []);
    }
    let unlisted = || code.call("unlisted", [0; 4]).unwrap();
    match case.as_str() {
        "info" => {
            EXPECTED_PC.store(code.address("unlisted"), SeqCst);
            unlisted();
        }
        "host" | "default host" | "ignored host" => code.call("host", [0; 4]).unwrap(),
        "sent" | "default sent" | "ignored sent" => code.call("sent", [SIGSEGV as u64, 0, 0, 0]).unwrap(),
        "outside" => crash(),
        "panic" => drop(std::panic::catch_unwind(|| code.call("panic", [0; 4]))),
        "once" | "step" => {
            unlisted();
            unlisted();
        }
        _ => unlisted(),
    }
    assert_eq!(COUNT.load(SeqCst), if case == "step" { 2 } else { 0 });
    finish(true);
}

#[test]
fn an_unlisted_fault_reaches_the_previous_handler() {
    for case in ["info", "nodefer", "step"] {
        assert_eq!(run(case).code(), Some(HANDLED), "{case}");
    }
}

#[test]
fn a_crash_of_a_host_function_reaches_the_previous_handler() {
    assert_eq!(run("host").code(), Some(HANDLED));
}

#[test]
fn a_signal_that_is_sent_is_no_trap() {
    assert_eq!(run("sent").code(), Some(HANDLED));
    assert_eq!(run("ignored sent").code(), Some(HANDLED));
}

#[test]
fn where_nobody_had_the_signal_the_process_ends_by_it() {
    for (case, signal) in [
        ("default", SIGILL),
        ("default host", SIGSEGV),
        ("default sent", SIGSEGV),
        ("outside", SIGSEGV),
        ("ignored", SIGILL),
        ("ignored host", SIGSEGV),
        ("once", SIGILL),
    ] {
        assert_eq!(run(case).signal(), Some(signal), "{case}");
    }
}

#[test]
fn a_panic_does_not_get_through_compiled_code() {
    assert_eq!(run("panic").signal(), Some(libc::SIGABRT));
}

/// Only in a process of its own are there no other threads that map memory.
#[test]
fn signal_stacks_end_with_their_threads() {
    if std::env::var(CASE).is_err() {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "signal_stacks_end_with_their_threads", "--test-threads=1"]);
        assert!(command.env(CASE, "stacks").status().unwrap().success());
        return;
    }
    let threads = |count| {
        for _ in 0..count {
            std::thread::spawn(|| {
                let code = code();
                assert_eq!(trap(code.call("listed", [0; 4])).0, TrapCode::User(1));
            })
            .join()
            .unwrap();
        }
        std::fs::read_to_string("/proc/self/maps").unwrap().lines().count()
    };
    let before = threads(20);
    let after = threads(200);
    assert!(after <= before + 4, "{before} mappings became {after}");
    assert!(Machine::new(X64, 0).is_ok());
}
