//! The functions as imports of a module.
//!
//! One table lists every function with its parameters; it is the only place that
//! knows the engine. A function works on the memory that the caller exports as
//! `memory`, as preview 1 demands; one that needs none works without. What
//! the guest gets back is the number of the error, or 0.

use crate::ctx::WasiCtx;
use crate::errno::{Errno, Result};
use sidetrack_engine::{AsContextMut, Caller, Error, Extern, Linker};

/// The module that guests import from.
const MODULE: &str = "wasi_snapshot_preview1";

/// What the guest gets back.
fn number(result: Result<()>) -> u32 {
    result.err().map_or(0, |errno| errno.number().into())
}

/// Runs a function on the context and the memory of the caller.
fn with_memory<T: 'static>(
    mut caller: Caller<'_, T>,
    get: impl Fn(&mut T) -> &mut WasiCtx,
    function: impl FnOnce(&mut WasiCtx, &mut [u8]) -> Result<()>,
) -> sidetrack_engine::Result<u32> {
    let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
        return Err(Error::msg("a module that uses WASI must export its memory as `memory`"));
    };
    let signal = caller.interrupt_signal();
    let (memory, state) = memory.data_and_store_mut(caller.as_context_mut());
    let ctx = get(state);
    ctx.interrupt.attach(signal);
    Ok(number(function(ctx, memory)))
}

/// Defines the functions of a table in a linker.
macro_rules! define {
    ($linker:ident, $get:ident; $($kind:ident $name:ident($($arg:ident: $ty:ty),*);)*) => {
        $(define!(@$kind $linker, $get, $name, $($arg: $ty),*);)*
    };
    (@memory $linker:ident, $get:ident, $name:ident, $($arg:ident: $ty:ty),*) => {
        $linker.func_wrap(MODULE, stringify!($name), move |caller: Caller<'_, T>, $($arg: $ty),*| {
            with_memory(caller, $get, |ctx, memory| ctx.$name(memory, $($arg),*))
        })?;
    };
    (@plain $linker:ident, $get:ident, $name:ident, $($arg:ident: $ty:ty),*) => {
        $linker.func_wrap(MODULE, stringify!($name), move |mut caller: Caller<'_, T>, $($arg: $ty),*| -> u32 {
            number($get(caller.data_mut()).$name($($arg),*))
        })?;
    };
}

/// Defines all functions of `wasi_snapshot_preview1`, on the context that `get` finds in the
/// store's data.
///
/// A guest that ends itself makes the call into it fail with [`crate::Exit`].
///
/// ```
/// use sidetrack_engine::{Engine, Linker, Module, Store};
/// use sidetrack_wasi::{Exit, MemoryOutputPipe, WasiCtx, WasiCtxBuilder, add_to_linker};
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module
///     (import "wasi_snapshot_preview1" "fd_write"
///         (func $fd_write (param i32 i32 i32 i32) (result i32)))
///     (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
///     (memory (export "memory") 1)
///     (data (i32.const 0) "\08\00\00\00\06\00\00\00hello\n")
///     (func (export "_start")
///         (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
///         (call $proc_exit (i32.const 3))))"#)?;
/// let mut linker = Linker::<WasiCtx>::new(&engine);
/// add_to_linker(&mut linker, |ctx| ctx)?;
/// let output = MemoryOutputPipe::new();
/// let mut store = Store::new(&engine, WasiCtxBuilder::new().stdout(output.clone()).build()?);
/// let instance = linker.instantiate(&mut store, &module)?;
/// let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
/// let error = start.call(&mut store, ()).unwrap_err();
/// assert_eq!(error.downcast_ref::<Exit>(), Some(&Exit(3)));
/// assert_eq!(output.contents(), b"hello\n");
/// # Ok::<(), sidetrack_engine::Error>(())
/// ```
///
/// # Errors
/// If the linker has one of the names already.
pub fn add_to_linker<T: 'static>(
    linker: &mut Linker<T>,
    get: impl Fn(&mut T) -> &mut WasiCtx + Copy + Send + Sync + 'static,
) -> sidetrack_engine::Result<()> {
    define! {
        linker, get;
        memory args_get(argv: u32, argv_buf: u32);
        memory args_sizes_get(argc: u32, argv_buf_size: u32);
        memory environ_get(environ: u32, environ_buf: u32);
        memory environ_sizes_get(count: u32, buf_size: u32);
        memory clock_res_get(id: u32, resolution: u32);
        memory clock_time_get(id: u32, precision: u64, time: u32);
        plain fd_advise(fd: u32, offset: u64, len: u64, advice: u32);
        plain fd_allocate(fd: u32, offset: u64, len: u64);
        plain fd_close(fd: u32);
        plain fd_datasync(fd: u32);
        memory fd_fdstat_get(fd: u32, stat: u32);
        plain fd_fdstat_set_flags(fd: u32, flags: u32);
        plain fd_fdstat_set_rights(fd: u32, rights: u64, inheriting: u64);
        memory fd_filestat_get(fd: u32, stat: u32);
        plain fd_filestat_set_size(fd: u32, size: u64);
        plain fd_filestat_set_times(fd: u32, atim: u64, mtim: u64, fst_flags: u32);
        memory fd_pread(fd: u32, iovs: u32, iovs_len: u32, offset: u64, nread: u32);
        memory fd_prestat_get(fd: u32, prestat: u32);
        memory fd_prestat_dir_name(fd: u32, path: u32, path_len: u32);
        memory fd_pwrite(fd: u32, iovs: u32, iovs_len: u32, offset: u64, nwritten: u32);
        memory fd_read(fd: u32, iovs: u32, iovs_len: u32, nread: u32);
        memory fd_readdir(fd: u32, buf: u32, buf_len: u32, cookie: u64, used: u32);
        plain fd_renumber(fd: u32, to: u32);
        memory fd_seek(fd: u32, offset: i64, whence: u32, position: u32);
        plain fd_sync(fd: u32);
        memory fd_tell(fd: u32, position: u32);
        memory fd_write(fd: u32, iovs: u32, iovs_len: u32, nwritten: u32);
        memory path_create_directory(fd: u32, path: u32, path_len: u32);
        memory path_filestat_get(fd: u32, flags: u32, path: u32, path_len: u32, stat: u32);
        memory path_filestat_set_times(
            fd: u32, flags: u32, path: u32, path_len: u32, atim: u64, mtim: u64, fst_flags: u32
        );
        memory path_link(
            old_fd: u32, old_flags: u32, old_path: u32, old_len: u32, new_fd: u32, new_path: u32, new_len: u32
        );
        memory path_open(
            fd: u32, dirflags: u32, path: u32, path_len: u32, oflags: u32, rights: u64, inheriting: u64,
            fdflags: u32, opened: u32
        );
        memory path_readlink(fd: u32, path: u32, path_len: u32, buf: u32, buf_len: u32, used: u32);
        memory path_remove_directory(fd: u32, path: u32, path_len: u32);
        memory path_rename(fd: u32, old_path: u32, old_len: u32, new_fd: u32, new_path: u32, new_len: u32);
        memory path_symlink(target: u32, target_len: u32, fd: u32, path: u32, path_len: u32);
        memory path_unlink_file(fd: u32, path: u32, path_len: u32);
        memory poll_oneoff(subscriptions: u32, events: u32, count: u32, found: u32);
        plain sched_yield();
        memory random_get(buf: u32, len: u32);
        memory sock_accept(fd: u32, flags: u32, accepted: u32);
        memory sock_recv(fd: u32, iovs: u32, iovs_len: u32, flags: u32, received: u32, out_flags: u32);
        memory sock_send(fd: u32, iovs: u32, iovs_len: u32, flags: u32, sent: u32);
        plain sock_shutdown(fd: u32, how: u32);
    }
    // The two that can end the guest.
    linker.func_wrap(MODULE, "proc_exit", move |mut caller: Caller<'_, T>, status: u32| {
        sidetrack_engine::Result::<()>::Err(get(caller.data_mut()).proc_exit(status).into())
    })?;
    linker.func_wrap(MODULE, "proc_raise", move |mut caller: Caller<'_, T>, signal: u32| {
        match get(caller.data_mut()).proc_raise(signal) {
            Ok(Some(exit)) => Err(Error::from(exit)),
            Ok(None) => Ok(0),
            Err(errno) => Ok(u32::from(Errno::number(errno))),
        }
    })?;
    Ok(())
}
