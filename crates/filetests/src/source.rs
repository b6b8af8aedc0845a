//! Test files, read so that one function that cannot be read does not hide the others.

use sidetrack_ir::text::{Comment, ParseError, ParsedFunction, TestFile, parse_test};
use sidetrack_ir::{ExternalName, Function};

/// A function of a test file, or why it cannot be read.
#[derive(Debug)]
pub enum Item {
    /// It was read.
    Function(Box<ParsedFunction>),
    /// It is wrong, or uses something that is not here.
    Unreadable {
        /// Its name as written, with the `%`.
        name: String,
        /// Why.
        error: ParseError,
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
    /// Lines between functions that are neither comments nor anything else.
    pub strays: Vec<ParseError>,
    /// The whole text.
    pub text: String,
}

impl Source {
    /// Reads a test file.
    ///
    /// # Errors
    /// If what stands above the functions is malformed.
    pub fn parse(text: &str) -> Result<Source, ParseError> {
        match parse_test(text) {
            Ok(mut header) => {
                let functions = std::mem::take(&mut header.functions);
                let items = functions.into_iter().map(|f| Item::Function(Box::new(f))).collect();
                Ok(Source { header, items, strays: Vec::new(), text: text.to_string() })
            }
            Err(_) => Self::parse_pieces(text),
        }
    }

    /// Reads each function for itself.
    fn parse_pieces(text: &str) -> Result<Source, ParseError> {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let is_head = |line: &str| line.starts_with("function");
        let starts: Vec<usize> = (0..lines.len()).filter(|&i| is_head(lines[i])).collect();
        let first = starts.first().copied().unwrap_or(lines.len());
        let header = parse_test(&lines[..first].concat())?;
        let (mut items, mut strays) = (Vec::new(), Vec::new());
        for (n, &start) in starts.iter().enumerate() {
            let end = starts.get(n + 1).copied().unwrap_or(lines.len());
            let mut piece = lines[start..end].to_vec();
            if let Some(brace) = piece.iter().position(|line| line.starts_with('}')) {
                for (at, line) in piece.iter_mut().enumerate().skip(brace + 1) {
                    if !matches!(line.trim_start().chars().next(), None | Some(';')) {
                        let message = format!("expected a function, found `{}`", line.trim_end());
                        strays.push(ParseError {
                            line: (start + at + 1) as u32,
                            message,
                            unsupported: false,
                        });
                        *line = "\n";
                    }
                }
            }
            // Blank lines in front keep the line numbers.
            match parse_test(&("\n".repeat(start) + &piece.concat())) {
                Ok(file) => items.extend(file.functions.into_iter().map(|f| Item::Function(Box::new(f)))),
                Err(error) => {
                    let head = lines[start].trim_start_matches("function").trim_start();
                    let name = head.split(['(', ' ', '\n']).next().unwrap_or_default().to_string();
                    items.push(Item::Unreadable { name, error, comments: comments(&piece, start as u32) });
                }
            }
        }
        Ok(Source { header, items, strays, text: text.to_string() })
    }

    /// The functions that could be read.
    pub fn functions(&self) -> impl Iterator<Item = &ParsedFunction> {
        self.items.iter().filter_map(|item| match item {
            Item::Function(parsed) => Some(&**parsed),
            Item::Unreadable { .. } => None,
        })
    }

    /// All comments of the functions in order.
    pub fn comments(&self) -> impl Iterator<Item = &Comment> {
        self.items.iter().flat_map(|item| match item {
            Item::Function(parsed) => parsed.comments.iter(),
            Item::Unreadable { comments, .. } => comments.iter(),
        })
    }

    /// The function of this name.
    pub fn function(&self, name: &ExternalName) -> Option<&Function> {
        self.functions().map(|parsed| &parsed.func).find(|func| func.name == *name)
    }

    /// Why the function of this name could not be read, if that is so.
    pub fn unreadable(&self, name: &ExternalName) -> Option<&ParseError> {
        self.items.iter().find_map(|item| match item {
            Item::Unreadable { name: text, error, .. } if *text == name.to_string() => Some(error),
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
