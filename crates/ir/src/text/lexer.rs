//! Tokens of CLIF text.

/// A token with the line that it starts on, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Token<'a> {
    pub kind: Tok<'a>,
    pub line: u32,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Tok<'a> {
    /// `iadd`, `v12`, `block0`, `i32`.
    Ident(&'a str),
    /// Anything that starts like a number, with its sign.
    Number(&'a str),
    /// `%name` or `%"name"`, without the marks.
    Name(&'a str),
    /// `@0042`: the digits of a source location.
    SourceLoc(&'a str),
    /// `; …` to the end of the line, with the semicolons.
    Comment(&'a str),
    /// `"…"`, without the marks.
    Str(&'a str),
    /// `->`
    Arrow,
    /// `==` and other punctuation of one character.
    Punct(char),
    /// The end.
    End,
}

/// Splits text into tokens. Characters that belong to no token come out as
/// punctuation, for the parser to refuse.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let bytes = text.as_bytes();
    let mut list = Vec::with_capacity(text.len() / 4);
    let (mut at, mut line) = (0, 1);
    while at < bytes.len() {
        let start = at;
        let kind = match bytes[at] {
            b'\n' => {
                line += 1;
                at += 1;
                continue;
            }
            b if b.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b';' => {
                at = text[at..].find('\n').map_or(text.len(), |n| at + n);
                Tok::Comment(text[start..at].trim_end())
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                at = skip(bytes, at, is_word);
                if matches!(&text[start..at], "NaN" | "sNaN") && text[at..].starts_with(":0x") {
                    at = skip(bytes, at + 1, is_word);
                    Tok::Number(&text[start..at])
                } else {
                    Tok::Ident(&text[start..at])
                }
            }
            b'0'..=b'9' => {
                at = skip_number(bytes, at);
                Tok::Number(&text[start..at])
            }
            b'-' if bytes.get(at + 1) == Some(&b'>') => {
                at += 2;
                Tok::Arrow
            }
            b'+' | b'-' if bytes.get(at + 1).is_some_and(|&b| is_word(b)) => {
                at = skip_number(bytes, at + 1);
                Tok::Number(&text[start..at])
            }
            b'%' if bytes.get(at + 1) == Some(&b'"') => match text[at + 2..].find(['"', '\n']) {
                Some(n) if bytes[at + 2 + n] == b'"' => {
                    at += n + 3;
                    Tok::Name(&text[start + 2..at - 1])
                }
                _ => {
                    at += 1;
                    Tok::Punct('%')
                }
            },
            b'%' if bytes.get(at + 1).is_some_and(|&b| is_word(b)) => {
                at = skip(bytes, at + 1, |b| is_word(b) || matches!(b, b'.' | b'$' | b'-' | b':'));
                Tok::Name(&text[start + 1..at])
            }
            b'"' => match text[at + 1..].find(['"', '\n']) {
                Some(n) if bytes[at + 1 + n] == b'"' => {
                    at += n + 2;
                    Tok::Str(&text[start + 1..at - 1])
                }
                _ => {
                    at += 1;
                    Tok::Punct('"')
                }
            },
            b'@' => {
                at = skip(bytes, at + 1, is_word);
                Tok::SourceLoc(&text[start + 1..at])
            }
            _ => {
                let c = text[at..].chars().next().unwrap_or('?');
                at += c.len_utf8();
                Tok::Punct(c)
            }
        };
        list.push(Token { kind, line });
    }
    list.push(Token { kind: Tok::End, line });
    list
}

fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

fn skip(bytes: &[u8], mut at: usize, keep: impl Fn(u8) -> bool) -> usize {
    while bytes.get(at).is_some_and(|&b| keep(b)) {
        at += 1;
    }
    at
}

/// Skips digits, a fraction, an exponent with its sign, the payload of a NaN.
fn skip_number(bytes: &[u8], start: usize) -> usize {
    let hex = matches!(bytes.get(start..start + 2), Some(b"0x" | b"0X"));
    let exponent =
        |b: u8| if hex { matches!(b, b'p' | b'P') } else { matches!(b, b'e' | b'E' | b'p' | b'P') };
    let mut at = start;
    while let Some(&b) = bytes.get(at) {
        let signed = matches!(b, b'+' | b'-') && at > start && exponent(bytes[at - 1]);
        let payload = b == b':' && at > start && bytes[at - 1] == b'N';
        if !(is_word(b) || b == b'.' || signed || payload) {
            break;
        }
        at += 1;
    }
    at
}
