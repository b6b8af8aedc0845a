//! Expected output: filecheck directives and precise output.

use filecheck::{CheckerBuilder, NO_VARIABLES};
use sidetrack_ir::text::ParsedFunction;

/// Compares `output` with what a function's comments in `source` expect: in precise
/// mode the block of comments after the function is the output, else directives
/// (`check: …`) find their places in it.
///
/// # Errors
/// What differs.
pub fn check(source: &str, parsed: &ParsedFunction, output: &str, precise: bool) -> Result<(), String> {
    if precise {
        let expected: Vec<&str> = expected_lines(source, parsed);
        let actual: Vec<&str> = output.trim_end().lines().map(str::trim_end).collect();
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

/// The first block of comments behind the function's closing brace, with the
/// indentation that it has.
fn expected_lines<'a>(source: &'a str, parsed: &ParsedFunction) -> Vec<&'a str> {
    let lines: Vec<&str> = source.lines().collect();
    let block = expected_block(&lines, closing_brace(&lines, last_code_line(parsed)) + 1);
    let text = |line: &'a str| {
        let line = line.trim().trim_start_matches(';');
        line.strip_prefix(' ').unwrap_or(line)
    };
    lines[block].iter().map(|line| text(line)).collect()
}

/// The index of the line that closes a function whose last instruction is on line
/// `last`, counted from 1.
fn closing_brace(lines: &[&str], last: u32) -> usize {
    let found = (last as usize..lines.len()).find(|&i| lines[i].trim_start().starts_with('}'));
    found.unwrap_or(lines.len().saturating_sub(1))
}

/// The block of comment lines that starts at index `at`, blank lines passed over. A
/// block right above a function is that function's description, no expectation.
fn expected_block(lines: &[&str], at: usize) -> std::ops::Range<usize> {
    let at = at.min(lines.len());
    let first = (at..lines.len()).find(|&i| !lines[i].trim().is_empty()).unwrap_or(lines.len());
    let is_comment = |line: &str| line.trim_start().starts_with(';');
    let end = (first..lines.len()).find(|&i| !is_comment(lines[i])).unwrap_or(lines.len());
    let describes = lines.get(end).is_some_and(|line| line.trim_start().starts_with("function"));
    if first == end || describes { at..at } else { first..end }
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
            let close = closing_brace(&lines, *last);
            while at <= close && at < lines.len() {
                out.push_str(lines[at]);
                out.push('\n');
                at += 1;
            }
            at = at.max(expected_block(&lines, at).end);
            out.push('\n');
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

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
function %f() {
block0:
    return
}

; old
;     older

; About the next one.
function %g() {
block0:
    return
}
";

    #[test]
    fn blessed_output_is_expected_and_stays() {
        let file = sidetrack_ir::text::parse_test(FILE).unwrap();
        let output = "one:\n\n    two\n";
        let mut blessing = Blessing::default();
        file.functions.iter().for_each(|parsed| blessing.note(parsed, output));
        let blessed = blessing.apply(FILE);
        assert!(!blessed.contains("old"), "{blessed}");
        assert!(blessed.contains("\n\n; About the next one.\nfunction %g"), "{blessed}");
        let again = sidetrack_ir::text::parse_test(&blessed).unwrap();
        let mut twice = Blessing::default();
        for parsed in &again.functions {
            check(&blessed, parsed, output, true).unwrap();
            check(&blessed, parsed, "one:\n\n  two\n", true).unwrap_err();
            twice.note(parsed, output);
        }
        assert_eq!(twice.apply(&blessed), blessed);
    }
}
