//! Whatever a guest waits for, somebody else can end it.

mod common;

use common::TempDir;
use rustix::fs::Mode;
use sidetrack_engine::{Config, Engine, Linker, Module, Store, Target, Trap};
use sidetrack_wasi::{DirAccess, WasiCtx, WasiCtxBuilder, add_to_linker};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::mpsc;
use std::time::Duration;

/// A program that calls each function in a way that waits, for ever if it is let.
const PROGRAM: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "sock_recv" (func $recv (param i32 i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "sock_send" (func $send (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
    (import "env" "begin" (func $begin))
    (memory (export "memory") 300)
    (data (i32.const 16) "fifo")
    ;; 0: buffers: 16 MiB at 65536. 64: a time in 1000 s. 128: standard input can be read.
    (data (i32.const 0) "\00\00\01\00\00\00\00\01")
    (data (i32.const 72) "\00\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00\00\10\a5\d4\e8")
    (data (i32.const 136) "\01")
    (func (export "read") (call $begin)
        (loop (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 32))) (br 0)))
    (func (export "write") (call $begin)
        (loop (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32))) (br 0)))
    (func (export "sleep") (call $begin)
        (loop (drop (call $poll (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 32))) (br 0)))
    (func (export "poll") (call $begin)
        (loop (drop (call $poll (i32.const 128) (i32.const 256) (i32.const 1) (i32.const 32))) (br 0)))
    (func (export "accept") (call $begin)
        (loop (drop (call $accept (i32.const 4) (i32.const 0) (i32.const 32))) (br 0)))
    (func (export "receive") (call $begin)
        (loop (drop (call $recv (i32.const 5) (i32.const 0) (i32.const 1) (i32.const 2) (i32.const 32) (i32.const 36))) (br 0)))
    (func (export "send") (call $begin)
        (loop (drop (call $send (i32.const 5) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 32))) (br 0)))
    (func (export "open") (call $begin)
        (loop (drop (call $open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 4) (i32.const 0)
            (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 32))) (br 0)))
    (func (export "open_and_read") (call $begin)
        (drop (call $open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 4) (i32.const 0)
            (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 32)))
        (loop (drop (call $fd_read (i32.load (i32.const 32)) (i32.const 0) (i32.const 1) (i32.const 36))) (br 0)))
    (func (export "random") (call $begin)
        (loop (drop (call $random (i32.const 65536) (i32.const 16777216))) (br 0))))"#;

/// Both crates can be imported from whole.
mod globs {
    use sidetrack_engine::*;
    use sidetrack_wasi::*;

    pub fn limits() -> Result<StoreLimits, Errno> {
        Ok(StoreLimits::default())
    }
}

#[test]
fn names_do_not_clash() {
    assert!(globs::limits().is_ok());
}

struct State {
    wasi: WasiCtx,
    begun: mpsc::Sender<()>,
}

/// Interrupts the export while it waits, or right when it begins.
fn interrupted(target: Target, name: &'static str, wait: Duration) {
    let host = TempDir::new();
    let fifo = host.path("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
        .unwrap();
    let (stdin, _writer) = std::io::pipe().unwrap();
    let (_reader, stdout) = std::io::pipe().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let connection = listener.accept().unwrap().0;
    let mut builder = WasiCtxBuilder::new();
    builder.stdin(OwnedFd::from(stdin)).stdout(OwnedFd::from(stdout));
    builder.preopened_dir(&host.0, "/", DirAccess::ReadWrite).unwrap().socket(listener).socket(connection);
    let (begun, begins) = mpsc::channel();
    let state = State { wasi: builder.build().unwrap(), begun };
    let engine = Engine::new(Config::new().target(target)).unwrap();
    let mut linker = Linker::<State>::new(&engine);
    add_to_linker(&mut linker, |state| &mut state.wasi).unwrap();
    linker
        .func_wrap("env", "begin", |caller: sidetrack_engine::Caller<'_, State>| {
            caller.data().begun.send(()).unwrap();
        })
        .unwrap();
    let mut store = Store::new(&engine, state);
    let handle = store.interrupt_handle();
    let module = Module::new(&engine, PROGRAM).unwrap();
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let (ends, ended) = mpsc::channel();
    std::thread::spawn(move || {
        let function = instance.get_typed_func::<(), ()>(&mut store, name).unwrap();
        let error = function.call(&mut store, ()).unwrap_err();
        ends.send(error.downcast_ref::<Trap>().copied()).unwrap();
    });
    begins.recv_timeout(Duration::from_secs(60)).unwrap();
    std::thread::sleep(wait);
    assert!(handle.interrupt());
    let trap = ended.recv_timeout(Duration::from_secs(60));
    assert_eq!(trap, Ok(Some(Trap::Interrupt)), "{name} {target:?}");
}

#[test]
fn waits_can_be_ended() {
    for target in Target::supported() {
        for name in
            ["read", "write", "sleep", "poll", "accept", "receive", "send", "open", "open_and_read", "random"]
        {
            interrupted(target, name, Duration::from_millis(30));
            interrupted(target, name, Duration::ZERO);
        }
    }
}

/// With somebody who could interrupt, nothing is lost that is written to a pipe.
#[test]
fn pipes_that_may_be_interrupted_are_whole() {
    const LENGTH: usize = 1 << 20;
    let (mut reader, writer) = std::io::pipe().unwrap();
    let (mut input, mut to_guest) = (Vec::new(), None);
    let engine = Engine::default();
    let module = Module::new(
        &engine,
        r#"(module
        (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 4)
        (func (export "copy")
            (loop
                (i32.store (i32.const 0) (i32.const 1024))
                (i32.store (i32.const 4) (i32.const 100000))
                (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable))
                (i32.store (i32.const 4) (i32.load (i32.const 8)))
                (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 12)) (then unreachable))
                (if (i32.ne (i32.load (i32.const 8)) (i32.load (i32.const 12))) (then unreachable))
                (br_if 0 (i32.load (i32.const 8))))))"#,
    )
    .unwrap();
    let (stdin, end) = std::io::pipe().unwrap();
    to_guest.replace(end);
    let ctx =
        WasiCtxBuilder::new().stdin(OwnedFd::from(stdin)).stdout(OwnedFd::from(writer)).build().unwrap();
    let mut linker = Linker::<WasiCtx>::new(&engine);
    add_to_linker(&mut linker, |ctx| ctx).unwrap();
    let mut store = Store::new(&engine, ctx);
    let _handle = store.interrupt_handle();
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let copy = instance.get_typed_func::<(), ()>(&mut store, "copy").unwrap();
    let guest = std::thread::spawn(move || copy.call(&mut store, ()).map_err(|error| format!("{error:#}")));
    input.extend((0..LENGTH).map(|at| (at % 253) as u8));
    let sent = input.clone();
    let mut end = to_guest.take().unwrap();
    let sender = std::thread::spawn(move || end.write_all(&sent).unwrap());
    let mut output = Vec::new();
    std::io::Read::read_to_end(&mut reader, &mut output).unwrap();
    sender.join().unwrap();
    assert_eq!(guest.join().unwrap(), Ok(()));
    assert!(output == input, "{} of {LENGTH} bytes", output.len());
}
