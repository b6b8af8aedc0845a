//! A process of the harness, and what is said to it. The head of
//! `crates/filetests/harness/harness.c` describes the commands.

use super::{Target, harness, trap_number};
use sidetrack_artifact::{ExceptionHandler, Image, SymbolName};
use std::collections::HashMap;
use std::io::{BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// How a call ended.
#[derive(Debug)]
pub(super) enum Outcome {
    Returned,
    /// The trap code's number, and the instruction's offset in the image.
    Trap {
        code: u64,
        pc: u64,
    },
    Fault {
        signal: u64,
        pc: u64,
        address: u64,
    },
    Uncaught {
        tag: u64,
        payloads: [u64; 2],
    },
    NotPreserved {
        register: u64,
    },
}

/// A running harness.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Addresses of host functions.
    names: HashMap<SymbolName, u64>,
}

impl Process {
    /// Starts one.
    pub(super) fn start(target: &Target) -> Result<Process, String> {
        let program = harness::program(target)?;
        let (emulator, args) = target.emulator.split_first().expect("an emulator has a name");
        let mut child = Command::new(emulator)
            .args(args)
            .arg(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{emulator}: {error}"))?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(input), Some(output)) => {
                Ok(Process { child, input, output: BufReader::new(output), names: HashMap::new() })
            }
            _ => Err(format!("{emulator}: no pipes")),
        }
    }

    fn send(&mut self, message: &[u8]) -> Result<(), String> {
        let sent = self.input.write_all(message).and_then(|()| self.input.flush());
        sent.map_err(|error| self.died(&error.to_string()))
    }

    fn receive(&mut self, bytes: &mut [u8]) -> Result<(), String> {
        self.output.read_exact(bytes).map_err(|error| self.died(&error.to_string()))
    }

    fn died(&mut self, reason: &str) -> String {
        match self.child.wait() {
            Ok(status) => format!("the emulated process died: {status}"),
            Err(_) => reason.to_string(),
        }
    }

    fn number(&mut self) -> Result<u64, String> {
        let mut bytes = [0; 8];
        self.receive(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn kind(&mut self) -> Result<u8, String> {
        let mut kind = [0];
        self.receive(&mut kind)?;
        Ok(kind[0])
    }

    fn confirm(&mut self) -> Result<(), String> {
        match self.kind()? {
            b'K' => Ok(()),
            other => Err(format!("the harness answers {other}")),
        }
    }

    /// Allocates memory for code; returns its address.
    pub(super) fn allocate(&mut self, size: usize) -> Result<u64, String> {
        self.send(&Message::new(b'A').number(size as u64).bytes)?;
        self.number()
    }

    /// The address of a host function.
    pub(super) fn address(&mut self, name: &SymbolName) -> Result<u64, String> {
        if let Some(&address) = self.names.get(name) {
            return Ok(address);
        }
        let SymbolName::Named(text) = name else { return Err(format!("no host function {name}")) };
        self.send(&Message::new(b'N').number(text.len() as u64).raw(text.as_bytes()).bytes)?;
        match self.number()? {
            0 => Err(format!("no host function {name}")),
            address => {
                self.names.insert(name.clone(), address);
                Ok(address)
            }
        }
    }

    /// Fills the memory for code and publishes it.
    pub(super) fn load(&mut self, image: &Image, code: &[u8]) -> Result<(), String> {
        let mut message = Message::new(b'L').number(image.traps().count() as u64);
        for trap in image.traps() {
            message = message.number(trap.offset.into()).number(trap_number(trap.code));
        }
        message = message.number(image.handled_calls().count() as u64);
        let mut handlers = Vec::new();
        for call in image.handled_calls() {
            let first = handlers.len() as u64;
            handlers.extend(call.handlers().filter_map(|handler| match handler {
                ExceptionHandler::Tag { tag, handler } => Some([0, u64::from(tag), u64::from(handler)]),
                ExceptionHandler::Default { handler } => Some([1, 0, u64::from(handler)]),
                ExceptionHandler::Context(_) => None,
            }));
            let count = handlers.len() as u64 - first;
            message = message.number(call.return_offset.into()).number(call.frame_offset.into());
            message = message.number(first).number(count);
        }
        message = message.number(handlers.len() as u64);
        message = handlers.into_iter().flatten().fold(message, Message::number);
        self.send(&message.raw(code).bytes)?;
        self.confirm()
    }

    /// Changes bytes of the code.
    pub(super) fn patch(&mut self, edits: &[(u32, Vec<u8>)]) -> Result<(), String> {
        let mut message = Message::new(b'P').number(edits.len() as u64);
        for (offset, bytes) in edits {
            message = message.number((*offset).into()).number(bytes.len() as u64).raw(bytes);
        }
        self.send(&message.bytes)?;
        self.confirm()
    }

    /// Calls a trampoline, which may take that many seconds.
    pub(super) fn call(&mut self, entry: u32, seconds: u64, slots: &mut [u64]) -> Result<Outcome, String> {
        let message = Message::new(b'C').number(entry.into()).number(seconds).number(slots.len() as u64);
        let message = slots.iter().copied().fold(message, Message::number);
        self.send(&message.bytes)?;
        match self.kind()? {
            b'R' => {
                for slot in slots {
                    *slot = self.number()?;
                }
                Ok(Outcome::Returned)
            }
            b'T' => Ok(Outcome::Trap { code: self.number()?, pc: self.number()? }),
            b'F' => {
                Ok(Outcome::Fault { signal: self.number()?, pc: self.number()?, address: self.number()? })
            }
            b'U' => Ok(Outcome::Uncaught { tag: self.number()?, payloads: [self.number()?, self.number()?] }),
            b'V' => Ok(Outcome::NotPreserved { register: self.number()? }),
            other => Err(format!("the harness answers {other}")),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command under construction.
struct Message {
    bytes: Vec<u8>,
}

impl Message {
    fn new(command: u8) -> Message {
        Message { bytes: vec![command] }
    }

    fn number(mut self, number: u64) -> Message {
        self.bytes.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn raw(mut self, bytes: &[u8]) -> Message {
        self.bytes.extend_from_slice(bytes);
        self
    }
}
