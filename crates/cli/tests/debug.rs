//! Dialogues with `sidetrack debug`, in `tests/debug/*.txt`.
//!
//! A file is what stands on the terminal: a line with the command, what the user types
//! behind the prompt, and everything that is printed, errors and what the program itself
//! prints included. At the end stands the exit code if it is not 0. The lines before the
//! command say how it is run:
//!
//! - `# …`: a remark;
//! - `target: native`, `target: pulley64`: only there; else the file holds for both;
//! - `input: TEXT`: the commands come from a script, and this is standard input for the
//!   program, `\n` being the end of a line. Without it, commands are standard input.
//! - `batch`: the commands come from a script and the debugger ends after it; there is no
//!   standard input.
//!
//! `SCRIPT` in a command line or an output is the path of the script. With
//! `SIDETRACK_BLESS=1` the files are written anew from what is printed.

mod common;

use common::{command, folder, repository};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

const PROMPT: &str = "(sidetrack)";
const TARGETS: [&str; 2] = ["native", "pulley64"];

/// A dialogue as it is written down.
struct Dialogue {
    /// The lines before the command.
    header: String,
    /// The arguments behind `sidetrack debug`.
    args: Vec<String>,
    targets: Vec<&'static str>,
    /// What the program reads, if commands are in a script.
    input: Option<String>,
    batch: bool,
    /// What the user types.
    commands: String,
    /// The command and everything behind it.
    text: String,
}

impl Dialogue {
    fn parse(text: &str) -> Result<Self, String> {
        let start = text.find("$ sidetrack debug").ok_or("there is no line `$ sidetrack debug …`")?;
        let (header, text) = text.split_at(start);
        let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
        let mut dialogue = Dialogue {
            header: header.to_owned(),
            args: first["$ sidetrack debug".len()..].split_whitespace().map(str::to_owned).collect(),
            targets: TARGETS.to_vec(),
            input: None,
            batch: false,
            commands: String::new(),
            text: text.to_owned(),
        };
        for line in header.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            match line.split_once(": ").unwrap_or((line, "")) {
                ("target", name) => dialogue.targets.retain(|target| *target == name),
                ("input", text) => dialogue.input = Some(text.replace("\\n", "\n")),
                ("batch", "") => dialogue.batch = true,
                _ => return Err(format!("`{line}` is nothing that a header says")),
            }
        }
        let typed = rest.lines().filter_map(|line| line.strip_prefix(PROMPT));
        dialogue.commands = typed.map(|line| format!("{}\n", line.trim())).collect();
        Ok(dialogue)
    }

    /// Has the dialogue; returns what is to be written down of it.
    fn run(&self, target: &str, script: &Path) -> String {
        let scripted = self.batch || self.input.is_some();
        if scripted {
            std::fs::write(script, &self.commands).expect("the script can be written");
        }
        let script = script.to_str().expect("the path is text");
        let mut args = vec!["debug", "--target", target];
        if scripted {
            args.extend(["-x", script]);
        }
        if self.batch {
            args.push("--batch");
        }
        let own: Vec<String> = self.args.iter().map(|arg| arg.replace("SCRIPT", script)).collect();
        args.extend(own.iter().map(String::as_str));

        let (mut reader, writer) = std::io::pipe().expect("there are pipes");
        let mut command = command(&args);
        command.current_dir(repository("tests/debug")).env_remove("XDG_STATE_HOME").env_remove("HOME");
        command.stdin(Stdio::piped()).stdout(writer.try_clone().expect("a handle more")).stderr(writer);
        let mut child = command.spawn().expect("the command runs");
        // Its copies of the writing end are to be closed, too.
        drop(command);
        let mut input = child.stdin.take().expect("it is a pipe");
        let typed = if scripted { self.input.clone().unwrap_or_default() } else { self.commands.clone() };
        // A debugger that has ended reads no more.
        let typist = std::thread::spawn(move || drop(input.write_all(typed.as_bytes())));
        let mut printed = Vec::new();
        reader.read_to_end(&mut printed).expect("its output is readable");
        typist.join().expect("typing does not fail");
        let status = child.wait().expect("it ends");

        let mut text = self.text.lines().next().unwrap_or_default().to_owned() + "\n";
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
        let mut dialogue = Dialogue::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!dialogue.targets.is_empty(), "{name}: there is no such target");
        for (index, target) in dialogue.targets.clone().into_iter().enumerate() {
            let found = dialogue.run(target, &scripts.join(&name));
            count += 1;
            if bless && index == 0 && found != dialogue.text {
                text = format!("{}{found}", dialogue.header);
                std::fs::write(&path, &text).expect("it can be written");
                dialogue.text = found;
            } else if found != dialogue.text {
                failures.push(format!("{name}, {target}: {}", difference(&dialogue.text, &found)));
            }
        }
    }
    assert!(count > 0, "there are no dialogues");
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
