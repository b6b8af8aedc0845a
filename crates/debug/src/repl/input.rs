//! Where commands come from: scripts first, then a terminal with line editing, or lines
//! of standard input if that is no terminal.

use super::table;
use anyhow::{Context as _, ensure};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{Editor, Helper};
use sidetrack_engine::{Printable, Result};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{ErrorKind, IsTerminal, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// What stands before each command.
pub const PROMPT: &str = "(sidetrack) ";
/// The longest command, in bytes.
const LONGEST: usize = 10_000;
/// Characters of a longer one that are shown.
const SHOWN: usize = 40;
/// The most bytes of a script.
const LONGEST_SCRIPT: u64 = 64 << 20;

/// A command line and where it is from.
#[derive(Debug)]
pub struct Line {
    /// The text, without what surrounds it; of one that is too long, the beginning.
    pub text: String,
    /// Whether it is too long for a command.
    pub too_long: bool,
    /// `FILE:LINE`, of a script.
    pub origin: Option<String>,
    /// Whether the user does not see it yet.
    pub echo: bool,
    /// Whether the user typed it, so that an empty line repeats the last.
    pub typed: bool,
}

/// The rest of the commands.
pub struct Input {
    /// What is left of each script.
    scripts: VecDeque<VecDeque<Line>>,
    rest: Rest,
}

enum Rest {
    /// There is no more.
    Nothing,
    /// One a line; not a byte more than that is read, since the rest is the program's.
    Lines(File),
    Terminal(Box<Editor<Completion, FileHistory>>, Option<PathBuf>),
}

impl Input {
    /// The commands of scripts, and those on standard input unless it is a batch.
    /// `names` are the functions, for completion. The history is kept in a file, if
    /// there is one.
    ///
    /// # Errors
    /// If a script cannot be read, or the terminal cannot be used.
    pub fn new(
        scripts: &[PathBuf],
        batch: bool,
        names: Vec<String>,
        history: Option<PathBuf>,
    ) -> Result<Self> {
        let scripts = scripts.iter().map(|script| read(script)).collect::<Result<_>>()?;
        let rest = if batch {
            Rest::Nothing
        } else if std::io::stdin().is_terminal() {
            let mut editor = Editor::new()?;
            editor.set_helper(Some(Completion { names }));
            // A pipe or device in its place would be waited for.
            let history = history.filter(|file| file.is_file() || !file.exists());
            if let Some(file) = &history {
                // There is none the first time.
                let _ = editor.load_history(file);
            }
            Rest::Terminal(Box::new(editor), history)
        } else {
            Rest::Lines(std::io::stdin().as_fd().try_clone_to_owned()?.into())
        };
        Ok(Input { scripts, rest })
    }

    /// The next command; none if there is no more.
    ///
    /// # Errors
    /// If standard input fails.
    pub fn next(&mut self) -> Result<Option<Line>> {
        while let Some(script) = self.scripts.front_mut() {
            if let Some(line) = script.pop_front() {
                return Ok(Some(line));
            }
            self.scripts.pop_front();
        }
        match &mut self.rest {
            Rest::Nothing => Ok(None),
            Rest::Lines(file) => {
                let mut bytes = Vec::new();
                let mut byte = [0];
                while bytes.last() != Some(&b'\n') {
                    match file.read(&mut byte) {
                        Ok(0) => break,
                        // Of one that is too long, enough to be told so.
                        Ok(_) if bytes.len() > LONGEST && byte != *b"\n" => {}
                        Ok(_) => bytes.push(byte[0]),
                        Err(error) if error.kind() == ErrorKind::Interrupted => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                if bytes.is_empty() {
                    return Ok(None);
                }
                Ok(Some(Line { typed: true, ..Line::new(&String::from_utf8_lossy(&bytes), None) }))
            }
            Rest::Terminal(editor, _) => loop {
                match editor.readline(PROMPT) {
                    Ok(text) => {
                        let _ = editor.add_history_entry(&text);
                        return Ok(Some(Line { echo: false, typed: true, ..Line::new(&text, None) }));
                    }
                    Err(ReadlineError::Interrupted) => {}
                    Err(ReadlineError::Eof) => return Ok(None),
                    Err(error) => return Err(error.into()),
                }
            },
        }
    }

    /// Leaves out the rest of the script that the last command was from.
    pub fn abandon_script(&mut self) {
        self.scripts.pop_front();
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        if let Rest::Terminal(editor, Some(file)) = &mut self.rest {
            // A history that cannot be kept is no reason to fail.
            let _ = file.parent().map(std::fs::create_dir_all);
            let _ = editor.save_history(file);
        }
    }
}

impl Line {
    fn new(text: &str, origin: Option<String>) -> Self {
        let text = text.trim();
        let too_long = text.len() > LONGEST;
        let text = if too_long { text.chars().take(SHOWN).collect() } else { text.to_owned() };
        Line { text, too_long, origin, echo: true, typed: false }
    }
}

/// The commands of a script: its lines but for those that are empty or start with `#`.
fn read(script: &Path) -> Result<VecDeque<Line>> {
    let name = Printable::path(script);
    let mut text = Vec::new();
    let read = File::open(script).and_then(|file| file.take(LONGEST_SCRIPT + 1).read_to_end(&mut text));
    read.with_context(|| name.clone())?;
    ensure!(text.len() as u64 <= LONGEST_SCRIPT, "{name}: more than 64 MiB, which no script has");
    let text = String::from_utf8_lossy(&text);
    let lines = text.lines().enumerate();
    let lines = lines.map(|(index, text)| Line::new(text, Some(format!("{name}:{}", index + 1))));
    Ok(lines.filter(|line| !line.text.is_empty() && !line.text.starts_with('#')).collect())
}

/// Completes commands, their second words, and names of functions.
struct Completion {
    names: Vec<String>,
}

impl Completer for Completion {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _: &rustyline::Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let before = &line[..pos];
        let start = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let word = &before[start..];
        let first = before[..start].split_whitespace().next();
        let fitting = |all: &mut dyn Iterator<Item = &str>| {
            all.filter(|name| name.starts_with(word)).map(str::to_owned).collect::<Vec<_>>()
        };
        let candidates = match first {
            None => fitting(&mut table::names()),
            Some(command) => match table::second_words(command) {
                [] => fitting(&mut self.names.iter().map(String::as_str)),
                words => fitting(&mut words.iter().copied()),
            },
        };
        Ok((start, candidates))
    }
}

impl Hinter for Completion {
    type Hint = String;
}

impl Highlighter for Completion {}
impl Validator for Completion {}
impl Helper for Completion {}
