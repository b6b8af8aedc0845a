//! Names as they are printed.
//!
//! Problem: a module's names are its author's bytes. Printed as they are, one with an
//! escape sequence writes to the terminal and one with a newline makes a frame that is
//! not there. Approach: whoever prints a name prints it as [`Printable`].
//!
//! Names that compilers have mangled are printed as people wrote them. A short mangled name can
//! stand for an endless one, so what it stands for has a limit.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::path::Path;

/// The most bytes of a name that a mangled one stands for; a longer one is left mangled.
const MAX_DEMANGLED: usize = 16 << 10;

/// Text without what a terminal obeys: control characters, separators of lines and marks of
/// direction are printed as `\n` or `\u{1b}`.
#[derive(Clone, Copy, Debug)]
pub struct Printable<'a> {
    text: &'a str,
    keep: &'static str,
}

impl<'a> Printable<'a> {
    /// A name, which stands on one line.
    pub fn name(name: &'a str) -> Self {
        Printable { text: name, keep: "" }
    }

    /// A path, on one line.
    pub fn path(path: &Path) -> String {
        Printable::name(&path.display().to_string()).to_string()
    }

    /// A text, with its lines and tabs.
    pub fn text(text: &'a str) -> Self {
        Printable { text, keep: "\n\t" }
    }
}

/// Whether a character changes how others are shown.
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.text;
        while let Some(at) = rest.find(|c| is_obeyed(c) && !self.keep.contains(c)) {
            f.write_str(&rest[..at])?;
            let mut after = rest[at..].chars();
            after.next().map_or(Ok(()), |c| write!(f, "{}", c.escape_debug()))?;
            rest = after.as_str();
        }
        f.write_str(rest)
    }
}

/// What a mangled name of C++ or Rust stands for; every other name as it is.
pub fn demangle(name: &str) -> Cow<'_, str> {
    let mut text = Limited(String::new());
    let written = if let Ok(name) = rustc_demangle::try_demangle(name) {
        write!(text, "{name:#}").is_ok()
    } else if name.starts_with("_Z") || name.starts_with("__Z") {
        let symbol = cpp_demangle::Symbol::new(name);
        let options = cpp_demangle::DemangleOptions::new();
        symbol.is_ok_and(|symbol| symbol.structured_demangle(&mut text, &options).is_ok())
    } else {
        false
    };
    if written { Cow::Owned(text.0) } else { Cow::Borrowed(name) }
}

/// A string that does not grow for ever.
struct Limited(String);

impl Write for Limited {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > MAX_DEMANGLED {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_escaped() {
        let name = "a\u{1b}[2J\n  1: b\u{9b}\u{202e}\t\u{7f}\"\\ä\u{301}";
        assert_eq!(
            Printable::name(name).to_string(),
            r#"a\u{1b}[2J\n  1: b\u{9b}\u{202e}\t\u{7f}"\ä"#.to_owned() + "\u{301}"
        );
        assert_eq!(Printable::text("a\tb\r\nc\0").to_string(), "a\tb\\r\nc\\0");
    }

    #[test]
    fn mangled_names_are_shown_as_written() {
        for (mangled, name) in [
            ("_ZN4core9panicking5panic17h0123456789abcdefE", "core::panicking::panic"),
            ("_RNvCs1234_7mycrate3foo", "mycrate::foo"),
            ("_ZNSt6vectorIiSaIiEE9push_backEOi", "std::vector<int, std::allocator<int> >::push_back(int&&)"),
            ("_ZN3FooC1Ei", "Foo::Foo(int)"),
            ("_Znope", "_Znope"),
            ("main", "main"),
            ("", ""),
        ] {
            assert_eq!(demangle(mangled), name, "{mangled}");
        }
    }

    /// Each pair's parts are the pair before, so the name doubles with each.
    #[test]
    fn a_name_that_stands_for_an_endless_one_stays_mangled() {
        let mut name = "_Z1f1pIiiE".to_owned();
        for part in 0..60 {
            let before = if part == 0 { "S0_".to_owned() } else { format!("S{}_", base36(part)) };
            name.push_str(&format!("1pI{before}{before}E"));
        }
        assert!(demangle(&name).len() <= MAX_DEMANGLED, "{}", demangle(&name).len());
        let deep = format!("_Z1f{}i", "P".repeat(100_000));
        assert!(demangle(&deep).len() <= deep.len());
    }

    fn base36(number: usize) -> String {
        let digit = |digit: usize| char::from_digit(digit as u32, 36).expect("a digit").to_ascii_uppercase();
        if number < 36 {
            digit(number).to_string()
        } else {
            format!("{}{}", digit(number / 36), digit(number % 36))
        }
    }
}
