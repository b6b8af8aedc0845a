//! Test files, read so that one function beyond the subset does not hide the others.

use sidetrack_ir::text::{Comment, ParseError, ParsedFunction, TestFile, parse_test};
use sidetrack_ir::{ExternalName, Function};

/// A function of a test file, or why it cannot be read.
#[derive(Debug)]
pub enum Item {
    /// It was read.
    Function(Box<ParsedFunction>),
    /// It uses something that is not here.
    Unsupported {
        /// Its name as written, with the `%`.
        name: String,
        /// What is not here.
        reason: String,
        /// The comments in its text.
        comments: Vec<Comment>,
    },
}

/// A test file.
#[derive(Debug)]
pub struct Source {
    /// Header lines and comments before the first function.
    pub header: TestFile,
    /// The functions in order.
    pub items: Vec<Item>,
    /// The whole text.
    pub text: String,
}

impl Source {
    /// Reads a test file.
    ///
    /// # Errors
    /// If the text is malformed.
    pub fn parse(text: &str) -> Result<Source, ParseError> {
        match parse_test(text) {
            Ok(mut header) => {
                let functions = std::mem::take(&mut header.functions);
                let items = functions.into_iter().map(|f| Item::Function(Box::new(f))).collect();
                Ok(Source { header, items, text: text.to_string() })
            }
            Err(error) if error.unsupported => Self::parse_pieces(text),
            Err(error) => Err(error),
        }
    }

    /// Reads each function for itself.
    fn parse_pieces(text: &str) -> Result<Source, ParseError> {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let is_head = |line: &str| line.starts_with("function");
        let starts: Vec<usize> = (0..lines.len()).filter(|&i| is_head(lines[i])).collect();
        let first = starts.first().copied().unwrap_or(lines.len());
        let header = parse_test(&lines[..first].concat())?;
        let mut items = Vec::new();
        for (n, &start) in starts.iter().enumerate() {
            let end = starts.get(n + 1).copied().unwrap_or(lines.len());
            // Blank lines in front keep the line numbers.
            let piece = "\n".repeat(start) + &lines[start..end].concat();
            match parse_test(&piece) {
                Ok(file) => items.extend(file.functions.into_iter().map(|f| Item::Function(Box::new(f)))),
                Err(error) if error.unsupported => {
                    let head = lines[start].trim_start_matches("function").trim_start();
                    let name = head.split(['(', ' ']).next().unwrap_or_default().to_string();
                    let comments = comments(&lines[start..end], start as u32);
                    let reason = format!("line {}: {}", error.line, error.message);
                    items.push(Item::Unsupported { name, reason, comments });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Source { header, items, text: text.to_string() })
    }

    /// The functions that could be read.
    pub fn functions(&self) -> impl Iterator<Item = &ParsedFunction> {
        self.items.iter().filter_map(|item| match item {
            Item::Function(parsed) => Some(&**parsed),
            Item::Unsupported { .. } => None,
        })
    }

    /// All comments of the functions in order.
    pub fn comments(&self) -> impl Iterator<Item = &Comment> {
        self.items.iter().flat_map(|item| match item {
            Item::Function(parsed) => parsed.comments.iter(),
            Item::Unsupported { comments, .. } => comments.iter(),
        })
    }

    /// The function of this name.
    pub fn function(&self, name: &ExternalName) -> Option<&Function> {
        self.functions().map(|parsed| &parsed.func).find(|func| func.name == *name)
    }

    /// Why the function of this name could not be read, if that is so.
    pub fn unsupported(&self, name: &ExternalName) -> Option<&str> {
        self.items.iter().find_map(|item| match item {
            Item::Unsupported { name: text, reason, .. } if *text == name.to_string() => {
                Some(reason.as_str())
            }
            _ => None,
        })
    }
}

fn comments(lines: &[&str], before: u32) -> Vec<Comment> {
    let comment = |(i, line): (usize, &&str)| {
        let (_, text) = line.split_once(';')?;
        let text = text.trim_start_matches(';').trim().to_string();
        Some(Comment { line: before + i as u32 + 1, text, entity: sidetrack_ir::AnyEntity::Function })
    };
    lines.iter().enumerate().filter_map(comment).collect()
}
