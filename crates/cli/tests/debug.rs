//! Dialogues with `sidetrack debug`, in `tests/debug/*.txt`.
//!
//! A file is what stands on the terminal: a line with the command, what the user types
//! behind the prompt, and everything that is printed, errors and what the program itself
//! prints included. At the end stands the exit code if it is not 0. Other verbs and
//! further commands may follow. The lines before the first command say how all are run:
//!
//! - `# …`: a remark;
//! - `target: native`, `target: pulley64`: only there; else the file holds for both;
//! - `host: x86_64 aarch64`: only on such machines;
//! - `input: TEXT`: the commands come from a script, and this is standard input for the
//!   program, `\n` being the end of a line. Without it, commands are standard input.
//! - `batch`: the commands come from a script and the debugger ends after it; there is no
//!   standard input.
//!
//! The examples in documents are dialogues too, in the folder of the repository.
//!
//! `SCRIPT` in a command line or an output is the path of the script. With
//! `SIDETRACK_BLESS=1` the files are written anew from what is printed.

mod common;

use common::{command, file, folder, host, repository, sidetrack, targets, text};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const PROMPT: &str = "(sidetrack)";
/// How long something is waited for that is to be printed.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the editor sends when it is ready for a line: that it knows pasted text.
const BEGIN_OF_LINE: &str = "\x1b[?2004h";
const TARGETS: [&str; 2] = ["native", "pulley64"];

/// A file of dialogues.
struct File {
    /// The lines before the first command.
    header: String,
    targets: Vec<&'static str>,
    dialogues: Vec<Dialogue>,
}

/// A dialogue as it is written down.
#[derive(Default)]
struct Dialogue {
    /// The line with the command.
    first: String,
    /// What the program reads, if commands are in a script.
    input: Option<String>,
    batch: bool,
    /// What the user types.
    commands: String,
}

impl File {
    fn parse(text: &str) -> Result<Self, String> {
        let start = text.find("$ sidetrack ").ok_or("there is no line `$ sidetrack …`")?;
        let (header, text) = text.split_at(start);
        let mut targets = targets().to_vec();
        let (mut input, mut batch) = (None, false);
        for line in header.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            match line.split_once(": ").unwrap_or((line, "")) {
                ("target", name) if TARGETS.contains(&name) => targets.retain(|target| *target == name),
                ("host", names) if names.split(' ').any(|name| name == host()) => {}
                ("host", _) => targets.clear(),
                ("input", text) => input = Some(text.replace("\\n", "\n")),
                ("batch", "") => batch = true,
                _ => return Err(format!("`{line}` is nothing that a header says")),
            }
        }
        let mut file = File { header: header.to_owned(), targets, dialogues: Vec::new() };
        for line in text.lines() {
            if line.starts_with("$ sidetrack ") {
                let (first, input) = (line.to_owned(), input.clone());
                file.dialogues.push(Dialogue { first, input, batch, ..Dialogue::default() });
            } else if let (Some(dialogue), Some(typed)) =
                (file.dialogues.last_mut(), line.strip_prefix(PROMPT))
            {
                dialogue.commands += &format!("{}\n", typed.trim());
            }
        }
        Ok(file)
    }

    /// Has the dialogues; returns what is to be written down of them.
    fn run(&self, folder: &str, target: &str, script: &Path) -> String {
        let dialogues: Vec<_> = self.dialogues.iter().map(|each| each.run(folder, target, script)).collect();
        format!("{}{}", self.header, dialogues.join("\n"))
    }
}

impl Dialogue {
    /// Has the dialogue; returns what is to be written down of it.
    fn run(&self, folder: &str, target: &str, script: &Path) -> String {
        let words: Vec<String> = self
            .first
            .split_whitespace()
            .skip(2)
            .map(|word| word.replace("SCRIPT", script.to_str().expect("it is text")))
            .collect();
        let [verb, own @ ..] = words.as_slice() else { panic!("`{}`: there is no verb", self.first) };
        let scripted = verb == "debug" && (self.batch || self.input.is_some());
        if scripted {
            std::fs::write(script, &self.commands).expect("the script can be written");
        }
        let script = script.to_str().expect("the path is text");
        let mut args = vec![verb.as_str(), "--target", target];
        if scripted {
            args.extend(["-x", script]);
        }
        if scripted && self.batch {
            args.push("--batch");
        }
        args.extend(own.iter().map(String::as_str));

        let (mut reader, writer) = std::io::pipe().expect("there are pipes");
        let mut command = command(&args);
        command.current_dir(repository(folder)).env_remove("XDG_STATE_HOME").env_remove("HOME");
        command.stdin(Stdio::piped()).stdout(writer.try_clone().expect("a handle more")).stderr(writer);
        let mut child = command.spawn().expect("the command runs");
        // Its copies of the writing end are to be closed, too.
        drop(command);
        let mut input = child.stdin.take().expect("it is a pipe");
        let reads_commands = verb == "debug" && !scripted;
        let typed =
            if reads_commands { self.commands.clone() } else { self.input.clone().unwrap_or_default() };
        // A debugger that has ended reads no more.
        let typist = std::thread::spawn(move || drop(input.write_all(typed.as_bytes())));
        let mut printed = Vec::new();
        reader.read_to_end(&mut printed).expect("its output is readable");
        typist.join().expect("typing does not fail");
        let status = child.wait().expect("it ends");

        let mut text = format!("{}\n", self.first);
        let printed = String::from_utf8_lossy(&printed).replace(script, "SCRIPT");
        for line in printed.lines() {
            text += line.trim_end();
            text.push('\n');
        }
        match status.code() {
            Some(0) => {}
            Some(code) => text += &format!("[exit code {code}]\n"),
            None => text += &format!("[{status}]\n"),
        }
        text
    }
}

/// The files in the folder, in the order of their names.
fn files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(repository("tests/debug")).expect("the folder is there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("it can be read").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    paths
}

/// What differs, from the first line on that does.
fn difference(expected: &str, found: &str) -> String {
    let (mut expected, mut found) = (expected.lines(), found.lines());
    let mut line = 1;
    loop {
        match (expected.next(), found.next()) {
            (None, None) => return "nothing but ends of lines differ".to_owned(),
            (a, b) if a == b => line += 1,
            (a, b) => {
                let rest: Vec<_> = b.into_iter().chain(found.by_ref()).take(20).collect();
                let expected = a.unwrap_or("the end");
                return format!("line {line}, expected:\n  {expected}\nfound:\n  {}", rest.join("\n  "));
            }
        }
    }
}

#[test]
fn dialogues_are_as_written_down() {
    let bless = std::env::var_os("SIDETRACK_BLESS").is_some();
    let only = std::env::var("SIDETRACK_DIALOGUE").unwrap_or_default();
    let scripts = folder("dialogues");
    let mut failures = Vec::new();
    let mut count = 0;
    for path in files().into_iter().filter(|path| path.to_string_lossy().contains(&only)) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut text = std::fs::read_to_string(&path).expect("it can be read");
        let file = File::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        for (index, target) in file.targets.iter().enumerate() {
            let found = file.run("tests/debug", target, &scripts.join(&name));
            count += 1;
            if bless && index == 0 && found != text {
                std::fs::write(&path, &found).expect("it can be written");
                text = found;
            } else if found != text {
                failures.push(format!("{name}, {target}: {}", difference(&text, &found)));
            }
        }
    }
    assert!(count > 0, "there are no dialogues");
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn examples_in_documents_are_true() {
    let bless = std::env::var_os("SIDETRACK_BLESS").is_some();
    let scripts = folder("documents");
    for name in ["README.md", "docs/debugging.md"] {
        let path = repository(name);
        let text = std::fs::read_to_string(&path).expect("it can be read");
        let mut lines = text.lines().peekable();
        let (mut found, mut count) = (String::new(), 0);
        while let Some(line) = lines.next() {
            found += &format!("{line}\n");
            if !line.starts_with("    $ sidetrack ") {
                continue;
            }
            let mut example = format!("{}\n", line.trim_start());
            while let Some(line) = lines.next_if(|line| line.starts_with("    ")) {
                example += &format!("{}\n", &line[4..]);
            }
            let file = File::parse(&example).unwrap_or_else(|error| panic!("{name}: {error}"));
            let printed = file.run("", "native", &scripts.join("script"));
            printed.lines().skip(1).for_each(|line| found += &format!("    {line}\n"));
            count += 1;
        }
        assert!(count > 0, "{name} has no examples");
        if bless {
            std::fs::write(&path, &found).expect("it can be written");
        } else {
            assert!(found == text, "{name}: {}", difference(&text, &found));
        }
    }
}

/// A debugger that is talked to while it runs.
struct Talk {
    child: Child,
    input: Box<dyn Write>,
    output: Receiver<u8>,
    /// What is printed and not yet looked at.
    rest: String,
}

impl Talk {
    fn start(args: &[&str]) -> Self {
        let mut command = Talk::command(args);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the command runs");
        let input = child.stdin.take().expect("it is a pipe");
        let output = child.stdout.take().expect("it is a pipe");
        Talk::over(child, input, output)
    }

    /// On a terminal, with a folder for what is kept.
    fn on_terminal(args: &[&str], state: &Path) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("there are terminals");
        grantpt(&ours).and_then(|()| unlockpt(&ours)).expect("it can be used");
        let name = ptsname(&ours, Vec::new()).expect("it has a name");
        let name = name.to_str().expect("it is text");
        let theirs = std::fs::File::options().read(true).write(true).open(name).expect("it can be opened");
        let other = || theirs.try_clone().expect("a handle more");
        let mut command = Talk::command(args);
        command
            .env("TERM", "xterm")
            .env("XDG_STATE_HOME", state)
            .stdin(other())
            .stdout(other())
            .stderr(other());
        let child = command.spawn().expect("the command runs");
        let ours = std::fs::File::from(ours);
        Talk::over(child, ours.try_clone().expect("a handle more"), ours)
    }

    fn command(args: &[&str]) -> std::process::Command {
        let mut command = command(args);
        command.current_dir(repository("tests/debug")).env_remove("XDG_STATE_HOME").env_remove("HOME");
        command
    }

    fn over(child: Child, input: impl Write + 'static, output: impl Read + Send + 'static) -> Self {
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            BufReader::new(output).bytes().map_while(Result::ok).try_for_each(|byte| sender.send(byte))
        });
        Talk { child, input: Box::new(input), output: receiver, rest: String::new() }
    }

    /// Presses keys when a line can be edited: what is typed before may be lost.
    fn type_in(&mut self, keys: &str) {
        self.expect(BEGIN_OF_LINE);
        self.input.write_all(keys.as_bytes()).expect("it reads");
    }

    fn say(&mut self, line: &str) {
        self.input.write_all(format!("{line}\n").as_bytes()).expect("it reads");
    }

    /// Waits until it prints this.
    fn expect(&mut self, text: &str) {
        while !self.rest.contains(text) {
            match self.output.recv_timeout(PATIENCE) {
                Ok(byte) => self.rest.push(char::from(byte)),
                Err(error) => panic!("`{text}` is expected: {error}: {}", self.rest),
            }
        }
        let end = self.rest.find(text).expect("it was found") + text.len();
        self.rest.drain(..end);
    }

    /// Presses Ctrl-C.
    fn interrupt(&self) {
        let pid = self.child.id();
        let kill = std::process::Command::new("sh").args(["-c", &format!("kill -INT {pid}")]).status();
        assert!(kill.expect("there is a shell").success());
    }

    /// What it ends with.
    fn end(self) -> Option<i32> {
        let Talk { mut child, input, .. } = self;
        drop(input);
        child.wait().expect("it ends").code()
    }
}

#[test]
fn ctrl_c_stops_an_endless_loop() {
    for target in targets().iter().copied() {
        let mut talk = Talk::start(&["debug", "--target", target, "endless.wat"]);
        talk.say("tbreak spin");
        talk.say("run");
        talk.expect("=> 0x99: loop\n");
        for _ in 0..3 {
            talk.say("continue");
            talk.expect("(sidetrack) continue\n");
            talk.interrupt();
            talk.expect("Interrupted\n#0 0x9");
            talk.say("bt");
            talk.expect(" in 2 <spin> ()\n");
        }
        talk.say("print local0 >= 0");
        talk.expect("\n1\n");
        talk.say("stepi 5");
        talk.expect("=> 0x9");
        talk.say("kill");
        talk.expect("The program is killed.\n");
        talk.say("start");
        talk.expect("=> 0x99: loop\n");
        talk.say("quit");
        assert_eq!(talk.end(), Some(0));
    }
}

#[test]
fn ctrl_c_stops_a_program_that_waits_in_the_host() {
    let mut talk = Talk::start(&["debug", "--invoke", "sleep", "endless.wat"]);
    talk.say("tbreak sleep");
    talk.say("run");
    talk.expect("=> ");
    talk.say("continue");
    talk.expect("(sidetrack) continue\n");
    talk.interrupt();
    talk.expect("Interrupted\n#0 0x");
    talk.say("kill");
    talk.expect("The program is killed.\n");
    talk.say("quit");
    assert_eq!(talk.end(), Some(0));
}

#[test]
fn ctrl_c_ends_the_debugger_when_there_is_nothing_to_stop() {
    let mut talk = Talk::start(&["debug", "endless.wat"]);
    talk.say("info breakpoints");
    talk.expect("There are no breakpoints\n");
    talk.interrupt();
    assert_eq!(talk.child.wait().expect("it ends").code(), Some(130));
}

#[test]
fn what_stands_behind_the_commands_is_the_programs() {
    let mut talk = Talk::start(&["debug", "echo.wat"]);
    talk.input.write_all(b"info breakpoints\nrun\nhello\n").expect("it reads");
    talk.expect("(sidetrack) run\nhello\nThe program has exited with code 6.\n");
    talk.say("info breakpoints");
    talk.expect("There are no breakpoints\n");
    assert_eq!(talk.end(), Some(0));
}

#[test]
fn of_a_line_that_is_too_long_the_beginning_is_shown() {
    let line = format!("print {}1", "1 + ".repeat(5000));
    let script = file("long.txt", format!("{line}\n").as_bytes());
    for args in [&["debug", "sum.wat"][..], &["debug", "-x", &script, "sum.wat"]] {
        let mut talk = Talk::start(args);
        if args.len() == 2 {
            talk.say(&line);
        }
        let shown: String = line.chars().take(40).collect();
        talk.expect(&format!("(sidetrack) {shown}"));
        talk.say("print 6 * 7");
        talk.expect("(sidetrack) print 6 * 7\n42\n");
        assert_eq!(talk.end(), Some(0));
    }
    let output = sidetrack(&["debug", "--batch", "-x", &script, &repository("tests/debug/sum.wat")]);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(error.ends_with("long.txt:1: the line is too long for a command\n"), "{error}");
    let output = text(&output.stdout);
    assert!(output.starts_with("(sidetrack) print 1 + ") && output.ends_with(" 1 …\n"), "{output}");
}

#[test]
fn a_terminal_has_completion_editing_and_history() {
    let state = folder("state");
    let mut talk = Talk::on_terminal(&["debug", "--invoke", "sum", "sum.wat", "3"], &state);
    // A command, its second word, and the name of a function.
    talk.type_in("brea\t squ\t\r");
    talk.expect("Breakpoint 1 at 0x37 in 0 <square>");
    talk.type_in("inf\t br\t\r");
    talk.expect("1 at 0x37 in 0 <square>");
    // To the start of the line, and there a letter.
    talk.type_in("isable 1\x01d\r");
    talk.type_in("info b\r");
    talk.expect(", disabled");
    // A key that is pressed at the prompt ends the line and nothing else.
    talk.type_in("nonsense\x03");
    talk.type_in("enable\r");
    // Up four times, and down once.
    talk.type_in("\x1b[A\x1b[A\x1b[A\x1b[A\x1b[B\r");
    talk.type_in("info b\r");
    talk.expect("<square>, disabled");
    talk.type_in("run\r");
    talk.expect("The program has returned i32:14.");
    talk.type_in("\x04");
    assert_eq!(talk.end(), Some(0));

    // Another debugger knows what was typed.
    let mut talk = Talk::on_terminal(&["debug", "--invoke", "sum", "sum.wat", "3"], &state);
    talk.type_in("\x1b[A\r");
    talk.expect("The program has returned i32:14.");
    talk.type_in("\x12squ\r");
    talk.expect("Breakpoint 1 at 0x37");
    talk.type_in("run\r");
    talk.expect("=> 0x37");
    // An empty line does the last command again.
    talk.type_in("stepi\r");
    talk.expect("=> 0x39");
    talk.type_in("\r");
    talk.expect("=> 0x3b");
    talk.type_in("quit\r");
    assert_eq!(talk.end(), Some(0));
}
