//! Files of functions, and the headers of test files.

use super::lexer::Tok;
use super::parser::Parser;
use super::{Comment, ParseError, ParsedFunction};
use crate::function::Function;

/// A `test` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestCommand {
    /// The kind of test.
    pub name: String,
    /// What follows it.
    pub options: Vec<String>,
    /// The line, counted from 1.
    pub line: u32,
}

/// A `set` item: `name=value` or `name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The item's text.
    pub text: String,
    /// The line, counted from 1.
    pub line: u32,
}

/// A `target` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetLine {
    /// The target's name or triple.
    pub triple: String,
    /// Flags of the target: names, or `name=value`.
    pub flags: Vec<String>,
    /// The line, counted from 1.
    pub line: u32,
    /// How many settings stand above it.
    pub settings_before: usize,
}

/// A test file.
#[derive(Clone, Debug, Default)]
pub struct TestFile {
    /// The `test` lines.
    pub commands: Vec<TestCommand>,
    /// The items of the `set` lines.
    pub settings: Vec<Setting>,
    /// The `target` lines.
    pub targets: Vec<TargetLine>,
    /// Comments before the first function.
    pub preamble_comments: Vec<Comment>,
    /// The functions.
    pub functions: Vec<ParsedFunction>,
}

/// Reads functions; header lines of test files are passed over.
///
/// # Errors
/// At the first line that is wrong or not supported.
pub fn parse_functions(text: &str) -> Result<Vec<Function>, ParseError> {
    Ok(parse_test(text)?.functions.into_iter().map(|parsed| parsed.func).collect())
}

/// Reads a test file: header lines, then functions.
///
/// # Errors
/// At the first line that is wrong or not supported.
pub fn parse_test(text: &str) -> Result<TestFile, ParseError> {
    let mut file = TestFile::default();
    // The header is made of lines, what follows of tokens. A header line is
    // blanked, so that line numbers stay.
    let mut rest = String::with_capacity(text.len());
    let mut lines = text.split_inclusive('\n').enumerate();
    for (index, line) in lines.by_ref() {
        if line.trim_start().starts_with("function") {
            rest.push_str(line);
            break;
        }
        if header_line(&mut file, line, index as u32 + 1) {
            rest.push('\n');
        } else {
            rest.push_str(line);
        }
    }
    lines.for_each(|(_, line)| rest.push_str(line));
    let mut parser = Parser::new(&rest);
    file.preamble_comments = std::mem::take(&mut parser.comments);
    while parser.peek() != Tok::End {
        file.functions.push(parser.function()?);
    }
    Ok(file)
}

fn header_line(file: &mut TestFile, line: &str, number: u32) -> bool {
    let line = line.split(';').next().unwrap_or_default();
    let mut words = line.split_whitespace().map(str::to_string);
    match words.next().as_deref() {
        Some("test") => {
            let name = words.next().unwrap_or_default();
            file.commands.push(TestCommand { name, options: words.collect(), line: number });
        }
        Some("set") => file.settings.extend(words.map(|text| Setting { text, line: number })),
        Some("target") => {
            let triple = words.next().unwrap_or_default();
            let settings_before = file.settings.len();
            file.targets.push(TargetLine { triple, flags: words.collect(), line: number, settings_before });
        }
        // Cranelift's `feature` lines choose tests by build features of its own.
        Some("feature") => {}
        _ => return false,
    }
    true
}
