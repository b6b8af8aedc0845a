//! Expected output: filecheck directives and precise output.

use filecheck::{CheckerBuilder, NO_VARIABLES};
use sidetrack_ir::text::ParsedFunction;

/// Compares `output` with what a function's comments expect: in precise mode the
/// comments after the function are the output, else directives (`check: …`) find
/// their places in it.
///
/// # Errors
/// What differs.
pub fn check(parsed: &ParsedFunction, output: &str, precise: bool) -> Result<(), String> {
    if precise {
        let expected: Vec<&str> = expected_lines(parsed);
        // Indentation does not count: the reader gives comments without it.
        let actual: Vec<&str> = output.trim_end().lines().map(str::trim).collect();
        if expected == actual {
            return Ok(());
        }
        let line = (0..).find(|&i| expected.get(i) != actual.get(i)).unwrap_or(0);
        let show = |line: Option<&&str>| line.map_or("nothing".to_string(), |line| format!("`{line}`"));
        return Err(format!(
            "output line {} is {}, expected {}; the whole output:\n{output}",
            line + 1,
            show(actual.get(line)),
            show(expected.get(line)),
        ));
    }
    let mut builder = CheckerBuilder::new();
    for comment in &parsed.comments {
        builder
            .directive(comment.text.as_str())
            .map_err(|error| format!("line {}: {error}", comment.line))?;
    }
    let checker = builder.finish();
    if checker.is_empty() {
        return Ok(());
    }
    match checker.explain(output, NO_VARIABLES) {
        Ok((true, _)) => Ok(()),
        Ok((false, explanation)) => Err(format!("directives do not match:\n{explanation}")),
        Err(error) => Err(error.to_string()),
    }
}

/// The comments right behind the function's closing brace: up to the first line
/// that is no comment.
fn expected_lines(parsed: &ParsedFunction) -> Vec<&str> {
    let last = last_code_line(parsed);
    let mut lines = Vec::new();
    let mut next = None;
    for comment in parsed.comments.iter().filter(|comment| comment.line > last) {
        if next.is_some_and(|next| next != comment.line) {
            break;
        }
        next = Some(comment.line + 1);
        lines.push(comment.text.as_str());
    }
    lines
}

/// The line of the function's last instruction.
pub fn last_code_line(parsed: &ParsedFunction) -> u32 {
    let func = &parsed.func;
    let insts = func.layout.blocks().flat_map(|block| func.layout.block_insts(block));
    let lines = insts.map(|inst| parsed.source.line(sidetrack_ir::AnyEntity::Inst(inst)));
    lines.max().unwrap_or_else(|| parsed.source.line(sidetrack_ir::AnyEntity::Function))
}

/// New expectations for a file: for each function the output that is to stand in
/// the comments after it.
#[derive(Debug, Default)]
pub struct Blessing {
    /// First and last line of each function's code and its new comments.
    edits: Vec<(u32, String)>,
}

impl Blessing {
    /// Notes a function's output.
    pub fn note(&mut self, parsed: &ParsedFunction, output: &str) {
        self.edits.push((last_code_line(parsed), output.trim_end().to_string()));
    }

    /// The file's text with the comments after each noted function replaced.
    pub fn apply(&self, text: &str) -> String {
        let lines: Vec<&str> = text.lines().collect();
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for (last, output) in &self.edits {
            // Up to the closing brace behind the last instruction.
            let close = (*last as usize..lines.len()).find(|&i| lines[i].trim_start().starts_with('}'));
            let close = close.unwrap_or(lines.len().saturating_sub(1));
            while at <= close && at < lines.len() {
                out.push_str(lines[at]);
                out.push('\n');
                at += 1;
            }
            while at < lines.len() && lines[at].trim_start().starts_with(';') {
                at += 1;
            }
            for line in output.lines() {
                out.push_str(format!("; {line}").trim_end());
                out.push('\n');
            }
        }
        for line in &lines[at.min(lines.len())..] {
            out.push_str(line);
            out.push('\n');
        }
        out
    }
}
