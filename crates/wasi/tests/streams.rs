//! Standard streams, waiting, sockets.

mod common;

use common::*;
use sidetrack_wasi::{Errno, MemoryInputPipe, MemoryOutputPipe, Stdio, WasiCtxBuilder};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// A guest whose standard input is `stdin` and whose output is `stdout`.
fn guest(stdin: impl Into<Stdio>, stdout: impl Into<Stdio>) -> Guest {
    Guest::new(WasiCtxBuilder::new().stdin(stdin).stdout(stdout).build().unwrap())
}

/// A pipe of the host, the end to read from first.
fn pipe() -> (File, File) {
    let (reader, writer) = std::io::pipe().unwrap();
    (File::from(OwnedFd::from(reader)), File::from(OwnedFd::from(writer)))
}

const MILLISECOND: u64 = 1_000_000;

/// A moment that is over after so many milliseconds.
fn after(milliseconds: u64) -> Subscription {
    Subscription::Clock { id: 1, timeout: milliseconds * MILLISECOND, absolute: false }
}

#[test]
fn in_memory() {
    let output = MemoryOutputPipe::new();
    let mut guest = guest(MemoryInputPipe::new("some input"), output.clone());
    assert_eq!(guest.read(0, 4).unwrap(), b"some");
    assert_eq!(guest.read(0, 100).unwrap(), b" input");
    assert_eq!(guest.read(0, 100).unwrap(), b"");
    assert_eq!(guest.write(1, b"some output"), Ok(11));
    assert_eq!(output.take(), b"some output");
    guest.write(1, b"more").unwrap();
    assert_eq!(output.contents(), b"more");
    assert_eq!(guest.write(0, b"x"), Err(Errno::Notcapable));
    assert_eq!(guest.read(1, 1), Err(Errno::Notcapable));
    assert_eq!(guest.seek(1, 1, 0), Err(Errno::Spipe));
    assert_eq!(guest.stat_fd(1).unwrap().filetype, 0);
    assert_eq!(guest.write(2, b"dropped"), Ok(7));
}

#[test]
fn pipes_of_the_host() {
    let ((stdin, mut to_guest), (mut from_guest, stdout)) = (pipe(), pipe());
    let mut guest = guest(stdin, stdout);
    to_guest.write_all(b"hello").unwrap();
    assert_eq!(guest.read(0, 100).unwrap(), b"hello");
    guest.write(1, b"world").unwrap();
    let mut bytes = [0; 5];
    from_guest.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"world");
    drop(to_guest);
    assert_eq!(guest.read(0, 100).unwrap(), b"", "at the end");
    drop(from_guest);
    assert_eq!(guest.write(1, b"x"), Err(Errno::Pipe), "nobody reads");
}

/// `NONBLOCK` is the guest's alone: the pipe of the host stays as it is.
#[test]
fn not_blocking() {
    let ((stdin, mut to_guest), (from_guest, stdout)) = (pipe(), pipe());
    let host = stdout.try_clone().unwrap();
    let mut guest = guest(stdin, stdout);
    for fd in [0, 1] {
        guest.ctx.fd_fdstat_set_flags(fd, NONBLOCK).unwrap();
        assert_eq!(guest.fdstat(fd).unwrap().flags as u32, NONBLOCK);
        assert_eq!(guest.ctx.fd_fdstat_set_flags(fd, APPEND), Err(Errno::Notsup));
    }
    assert_eq!(guest.read(0, 100), Err(Errno::Again));
    to_guest.write_all(b"x").unwrap();
    assert_eq!(guest.read(0, 100).unwrap(), b"x");
    let flags = rustix::fs::fcntl_getfl(&host).unwrap();
    assert!(!flags.contains(rustix::fs::OFlags::NONBLOCK));
    rustix::fs::fcntl_setfl(&host, flags | rustix::fs::OFlags::NONBLOCK).unwrap();
    while guest.write(1, &[0; 4096]).is_ok() {}
    assert_eq!(guest.write(1, b"x"), Err(Errno::Again), "full");
    drop(from_guest);
}

/// A pipe that the host made non-blocking loses nothing of a guest that knows nothing of it.
#[test]
fn blocking_on_a_pipe_that_does_not() {
    let (mut from_guest, stdout) = pipe();
    let flags = rustix::fs::fcntl_getfl(&stdout).unwrap();
    rustix::fs::fcntl_setfl(&stdout, flags | rustix::fs::OFlags::NONBLOCK).unwrap();
    let mut guest = guest(Stdio::Null, stdout);
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        std::thread::sleep(Duration::from_millis(50));
        from_guest.read_to_end(&mut bytes).unwrap();
        bytes.len()
    });
    let mut written = 0;
    while written < 1 << 20 {
        written += guest.write(1, &[7; 10_000]).unwrap() as usize;
    }
    drop(guest);
    assert_eq!(reader.join().unwrap(), written);
}

/// Guests tell a terminal by its rights; `/dev/null` is none.
#[test]
fn what_looks_like_a_terminal() {
    let mut guest = guest(File::open("/dev/null").unwrap(), File::create("/dev/null").unwrap());
    let stat = guest.fdstat(0).unwrap();
    assert_eq!((stat.filetype, stat.rights & FD_SEEK), (2, FD_SEEK));
    assert_eq!(guest.read(0, 1).unwrap(), b"");
}

#[test]
fn waiting_for_time() {
    let mut guest = guest(Stdio::Null, Stdio::Null);
    let begin = Instant::now();
    let events = guest.poll(&[after(1000), after(20), after(20)]).unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(20) && begin.elapsed() < Duration::from_millis(900));
    let event = |userdata| Event { userdata, error: 0, kind: 0, nbytes: 0, flags: 0 };
    assert_eq!(events[0], event(1));
    // Absolute times, of both clocks.
    for id in [0, 1] {
        guest.ctx.clock_time_get(&mut guest.memory, id, 0, 0).unwrap();
        let timeout = guest.u64(0) + 10 * MILLISECOND;
        let begin = Instant::now();
        let moment = Subscription::Clock { id, timeout, absolute: true };
        assert_eq!(guest.poll(&[moment]).unwrap(), [event(0)]);
        assert!(begin.elapsed() >= Duration::from_millis(9));
        let past = Subscription::Clock { id, timeout: 1, absolute: true };
        assert_eq!(guest.poll(&[after(10_000), past]).unwrap(), [event(1)]);
    }
}

#[test]
fn waiting_for_mistakes() {
    let mut guest = guest(Stdio::Null, Stdio::Null);
    let error = |subscription| {
        let events = guest.poll(&[after(10_000), subscription]).unwrap();
        assert_eq!((events.len(), events[0].userdata), (1, 1));
        events[0].error
    };
    let clock = |id| Subscription::Clock { id, timeout: 0, absolute: false };
    let errors = [Subscription::Read(9), Subscription::Write(0), clock(2), clock(4)].map(error);
    let numbers = [Errno::Badf, Errno::Notcapable, Errno::Notsup, Errno::Inval].map(Errno::number);
    assert_eq!(errors, numbers);
    assert_eq!(guest.poll(&[]), Err(Errno::Inval));
    let (subscription, _) = guest.put(&[3; 48]);
    let poll = guest.ctx.poll_oneoff(&mut guest.memory, subscription, 0, 1, 0);
    assert_eq!(poll, Err(Errno::Inval), "no kind of subscription");
}

#[test]
fn waiting_for_streams() {
    let ((stdin, mut to_guest), (from_guest, stdout)) = (pipe(), pipe());
    let mut guest = guest(stdin, stdout);
    let ready = |events: Vec<Event>| -> Vec<u64> { events.iter().map(|event| event.userdata).collect() };
    let events = guest.poll(&[Subscription::Read(0), Subscription::Write(1), after(10_000)]).unwrap();
    assert_eq!(ready(events), [1]);
    let events = guest.poll(&[Subscription::Read(0), after(10)]).unwrap();
    assert_eq!(ready(events), [1]);
    to_guest.write_all(b"hello").unwrap();
    let events = guest.poll(&[Subscription::Read(0), Subscription::Write(1), after(10_000)]).unwrap();
    assert_eq!(events[0], Event { userdata: 0, error: 0, kind: 1, nbytes: 5, flags: 0 });
    assert_eq!(ready(events), [0, 1]);
    assert_eq!(guest.read(0, 100).unwrap(), b"hello");
    let writer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        to_guest.write_all(b"!").unwrap();
        to_guest
    });
    let events = guest.poll(&[after(10_000), Subscription::Read(0)]).unwrap();
    assert_eq!(events, [Event { userdata: 1, error: 0, kind: 1, nbytes: 1, flags: 0 }]);
    assert_eq!(guest.read(0, 100).unwrap(), b"!");
    drop(writer.join().unwrap());
    let events = guest.poll(&[Subscription::Read(0)]).unwrap();
    assert_eq!((events[0].nbytes, events[0].flags), (0, 1), "the other end is closed");
    drop(from_guest);
    let events = guest.poll(&[Subscription::Write(1)]).unwrap();
    assert_eq!((events[0].error, events[0].flags), (0, 1));
}

#[test]
fn files_and_memory_are_always_ready() {
    let host = TempDir::new();
    host.write("file", "0123456789");
    let mut file = File::open(host.path("file")).unwrap();
    file.seek(SeekFrom::Start(4)).unwrap();
    let mut guest = guest(file, MemoryOutputPipe::new());
    let events = guest.poll(&[Subscription::Read(0), Subscription::Write(1), after(10_000)]).unwrap();
    assert_eq!(events.iter().map(|event| (event.kind, event.nbytes)).collect::<Vec<_>>(), [(1, 6), (2, 1)]);
}

#[test]
fn sockets() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut guest = Guest::new(WasiCtxBuilder::new().socket(listener).build().unwrap());
    let listener = 3;
    assert_eq!(guest.fdstat(listener).unwrap().filetype, 6);
    guest.ctx.fd_fdstat_set_flags(listener, NONBLOCK).unwrap();
    assert_eq!(guest.ctx.sock_accept(&mut guest.memory, listener, 0, 0), Err(Errno::Again));
    let mut client = TcpStream::connect(address).unwrap();
    guest.poll(&[Subscription::Read(listener)]).unwrap();
    guest.ctx.sock_accept(&mut guest.memory, listener, NONBLOCK, 0).unwrap();
    let connection = guest.u32(0);
    assert_eq!(guest.read(connection, 10), Err(Errno::Again));
    guest.ctx.fd_fdstat_set_flags(connection, 0).unwrap();
    client.write_all(b"hello").unwrap();
    let (array, buffer) = guest.buffer(&[0; 10]);
    guest.ctx.sock_recv(&mut guest.memory, connection, array, 1, 1, 0, 4).unwrap();
    assert_eq!((guest.u32(0), guest.u16(4)), (5, 0));
    assert_eq!(guest.read(connection, 10).unwrap(), b"hello", "was only looked at before");
    let (array, _) = guest.buffer(b"world");
    guest.ctx.sock_send(&mut guest.memory, connection, array, 1, 0, 0).unwrap();
    assert_eq!(guest.ctx.sock_send(&mut guest.memory, connection, array, 1, 1, 0), Err(Errno::Inval));
    assert_eq!(guest.ctx.sock_recv(&mut guest.memory, connection, array, 1, 4, 0, 4), Err(Errno::Inval));
    guest.write(connection, b"!").unwrap();
    assert_eq!(guest.ctx.sock_shutdown(connection, 0), Err(Errno::Inval));
    guest.ctx.sock_shutdown(connection, 2).unwrap();
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    assert_eq!((&text[..], buffer > 0), ("world!", true));
    assert_eq!(guest.write(connection, b"x"), Err(Errno::Pipe));
    assert_eq!(guest.ctx.sock_recv(&mut guest.memory, 0, array, 1, 0, 0, 4), Err(Errno::Notsock));
}
