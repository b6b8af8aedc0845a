//! Arguments, environment, clocks, random numbers, the end.

mod common;

use common::*;
use sidetrack_wasi::{BuildError, Clock, Clocks, Errno, Exit, WasiCtxBuilder};

/// The strings of a list that `sizes` and `get` tell.
fn strings(memory: &[u8], array: u32, count: u32) -> Vec<String> {
    let address = |index: u32| {
        let at = (array + 4 * index) as usize;
        u32::from_le_bytes(memory[at..at + 4].try_into().unwrap()) as usize
    };
    let string = |at: usize| memory[at..].split(|byte| *byte == 0).next().unwrap().to_vec();
    (0..count).map(|index| String::from_utf8(string(address(index))).unwrap()).collect()
}

#[test]
fn arguments_and_environment() {
    let mut builder = WasiCtxBuilder::new();
    builder.arg("program").args(["", "two words", "ünïcode"]).env("A", "1").envs([("B", "x=y")]);
    let Guest { mut ctx, mut memory, .. } = Guest::new(builder.build().unwrap());
    ctx.args_sizes_get(&mut memory, 0, 4).unwrap();
    assert_eq!((memory[0], memory[4]), (4, 8 + 1 + 10 + 10));
    ctx.args_get(&mut memory, 16, 100).unwrap();
    assert_eq!(strings(&memory, 16, 4), ["program", "", "two words", "ünïcode"]);
    assert_eq!(memory[100 + 29], 0, "nothing after the last");
    ctx.environ_sizes_get(&mut memory, 0, 4).unwrap();
    assert_eq!((memory[0], memory[4]), (2, 4 + 6));
    ctx.environ_get(&mut memory, 16, 100).unwrap();
    assert_eq!(strings(&memory, 16, 2), ["A=1", "B=x=y"]);
    let end = memory.len() as u32;
    assert_eq!(ctx.args_get(&mut memory, 16, end - 10), Err(Errno::Fault));
    assert_eq!(ctx.args_get(&mut memory, end - 4, 100), Err(Errno::Fault));
}

#[test]
fn a_guest_has_nothing_by_itself() {
    let Guest { mut ctx, mut memory, .. } = Guest::new(WasiCtxBuilder::new().build().unwrap());
    ctx.args_sizes_get(&mut memory, 0, 4).unwrap();
    ctx.environ_sizes_get(&mut memory, 8, 12).unwrap();
    assert_eq!(memory[..16], [0; 16]);
    assert_eq!(ctx.fd_prestat_get(&mut memory, 3, 0), Err(Errno::Badf));
}

#[test]
fn strings_end_at_a_zero() {
    let refused = |builder: &mut WasiCtxBuilder| match builder.build() {
        Err(BuildError::Zero(string)) => string,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(WasiCtxBuilder::new().arg("a\0b")), "a\0b");
    assert_eq!(refused(WasiCtxBuilder::new().env("a", "\0")), "a=\0");
}

#[test]
fn clocks() {
    let Guest { mut ctx, mut memory, .. } = Guest::new(WasiCtxBuilder::new().build().unwrap());
    for id in 0..4 {
        ctx.clock_res_get(&mut memory, id, 0).unwrap();
        ctx.clock_time_get(&mut memory, id, 0, 8).unwrap();
        ctx.clock_time_get(&mut memory, id, 0, 16).unwrap();
        let number = |at: usize| u64::from_le_bytes(memory[at..at + 8].try_into().unwrap());
        assert!(number(0) > 0 && number(8) > 0 && number(16) >= number(8));
    }
    assert_eq!(ctx.clock_time_get(&mut memory, 4, 0, 0), Err(Errno::Inval));
    assert_eq!(ctx.clock_res_get(&mut memory, u32::MAX, 0), Err(Errno::Inval));
}

#[test]
fn clocks_of_the_embedder() {
    struct Still;
    impl Clocks for Still {
        fn time(&mut self, clock: Clock) -> u64 {
            if clock == Clock::Realtime { 1234 } else { 5 }
        }
        fn resolution(&mut self, _clock: Clock) -> u64 {
            7
        }
    }
    let mut guest = Guest::new(WasiCtxBuilder::new().clocks(Still).build().unwrap());
    guest.ctx.clock_time_get(&mut guest.memory, 0, 0, 0).unwrap();
    guest.ctx.clock_res_get(&mut guest.memory, 0, 8).unwrap();
    assert_eq!((guest.u64(0), guest.u64(8)), (1234, 7));
    let past = Subscription::Clock { id: 0, timeout: 1234, absolute: true };
    assert_eq!(guest.poll(&[past]).unwrap().len(), 1);
}

#[test]
fn random_numbers() {
    let bytes = |builder: &mut WasiCtxBuilder, len: u32| {
        let Guest { mut ctx, mut memory, .. } = Guest::new(builder.build().unwrap());
        ctx.random_get(&mut memory, 8, len).unwrap();
        assert!(memory[..8].iter().chain(&memory[8 + len as usize..]).all(|byte| *byte == 0));
        memory[8..8 + len as usize].to_vec()
    };
    let host = bytes(&mut WasiCtxBuilder::new(), 10_000);
    assert_ne!(host, bytes(&mut WasiCtxBuilder::new(), 10_000));
    let seeded = |seed, len| bytes(WasiCtxBuilder::new().random_seed(seed), len);
    assert_eq!(seeded(1, 100)[..77], seeded(1, 77));
    assert_ne!(seeded(1, 100), seeded(2, 100));
    let broken = |_: &mut [u8]| Err(std::io::Error::from_raw_os_error(5));
    let mut guest = Guest::new(WasiCtxBuilder::new().random(broken).build().unwrap());
    assert_eq!(guest.ctx.random_get(&mut guest.memory, 0, 1), Err(Errno::Io));
}

#[test]
fn the_end() {
    let mut ctx = WasiCtxBuilder::new().build().unwrap();
    assert_eq!(ctx.proc_exit(3), Exit(3));
    assert_eq!(ctx.proc_exit(u32::MAX), Exit(-1));
    assert_eq!(ctx.proc_raise(0), Ok(None));
    assert_eq!(ctx.proc_raise(6), Ok(Some(Exit(134))), "abrt");
    assert_eq!(ctx.proc_raise(13), Ok(None), "pipe");
    assert_eq!(ctx.proc_raise(18), Err(Errno::Notsup), "stop");
    assert_eq!(ctx.proc_raise(31), Err(Errno::Inval));
    assert_eq!(ctx.sched_yield(), Ok(()));
}

/// What the embedder is asked may panic: the panic goes on where the embedder called.
#[test]
fn callbacks_that_panic() {
    use sidetrack_engine::{Config, Engine, Linker, Module, Store, Target};
    const TEXT: &str = r#"(module
        (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
        (import "wasi_snapshot_preview1" "clock_res_get" (func $resolution (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "time") (drop (call $time (i32.const 0) (i64.const 0) (i32.const 8))))
        (func (export "resolution") (drop (call $resolution (i32.const 0) (i32.const 8))))
        (func (export "random") (drop (call $random (i32.const 8) (i32.const 8))))
        (func (export "poll")
            ;; Until a time of the clock.
            (i64.store (i32.const 24) (i64.const 1000))
            (i32.store16 (i32.const 40) (i32.const 1))
            (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128))))
        (func (export "right") (result i32) (i32.const 17)))"#;
    struct Broken;
    impl Clocks for Broken {
        fn time(&mut self, _: Clock) -> u64 {
            std::panic::resume_unwind(Box::new("a callback"))
        }
        fn resolution(&mut self, _: Clock) -> u64 {
            std::panic::resume_unwind(Box::new("a callback"))
        }
    }
    for target in Target::supported() {
        let engine = Engine::new(Config::new().target(target)).unwrap();
        let mut linker = Linker::new(&engine);
        sidetrack_wasi::add_to_linker(&mut linker, |wasi| wasi).unwrap();
        let mut builder = WasiCtxBuilder::new();
        builder.clocks(Broken).random(|_: &mut [u8]| std::panic::resume_unwind(Box::new("a callback")));
        let mut store = Store::new(&engine, builder.build().unwrap());
        let module = Module::new(&engine, TEXT).unwrap();
        let instance = linker.instantiate(&mut store, &module).unwrap();
        for name in ["time", "resolution", "random", "poll"] {
            let func = instance.get_typed_func::<(), ()>(&mut store, name).unwrap();
            let call = std::panic::AssertUnwindSafe(|| func.call(&mut store, ()));
            let panic = std::panic::catch_unwind(call).expect_err(name);
            assert_eq!(panic.downcast_ref::<&str>(), Some(&"a callback"), "{name}");
            let right = instance.get_typed_func::<(), i32>(&mut store, "right").unwrap();
            assert_eq!(right.call(&mut store, ()).unwrap(), 17);
        }
    }
}
