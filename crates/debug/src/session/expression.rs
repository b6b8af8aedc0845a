//! Expressions over the stopped program: conditions, addresses, values to print.
//!
//! The operators are those of C with C's precedences. Integers are exact, up to 128
//! bits: a local of type i32 is the signed number, and nothing wraps. What can be named:
//!
//! - `local3`, `global2`, `stack0` (the topmost operand), `pc`;
//! - `mem8[A]`, `mem16[A]`, `mem32[A]`, `mem64[A]`: unsigned bytes of memory 0;
//!   `smem8[A]`, … signed; `memf32[A]`, `memf64[A]` floats. Another memory is
//!   `mem32@1[A]`.
//!
//! Parsing takes no input at its word: how deep and how large an expression is, is
//! limited, so that no text makes the debugger run out of stack.

use std::fmt;

/// How deep parentheses and the like may be nested.
const DEPTH: usize = 50;
/// How many numbers, names and operators there may be.
const SIZE: usize = 1000;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// An integer.
    Int(i128),
    /// A float.
    Float(f64),
    /// A place that can be read.
    Place(Place),
    /// An operator with one operand.
    Unary(Unary, Box<Expr>),
    /// An operator with two operands.
    Binary(Binary, Box<Expr>, Box<Expr>),
}

/// What can be named.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// A local by index.
    Local(u32),
    /// A global by index.
    Global(u32),
    /// An operand, counted from the top.
    Stack(u32),
    /// The wasm pc.
    Pc,
    /// Bytes of a memory.
    Memory {
        /// The memory's index.
        memory: u32,
        /// What the bytes are.
        unit: Unit,
        /// Where they are.
        address: Box<Expr>,
    },
}

/// What bytes of a memory are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// An integer of so many bytes.
    Int {
        /// How many.
        bytes: usize,
        /// Whether it has a sign.
        signed: bool,
    },
    /// A float of 4 or 8 bytes.
    Float {
        /// How many.
        bytes: usize,
    },
}

/// Operators with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "their names are what they do")]
pub enum Unary {
    Minus,
    Not,
    Complement,
}

/// Operators with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "their names are what they do")]
pub enum Binary {
    LogicalOr,
    LogicalAnd,
    Or,
    Xor,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    ShiftLeft,
    ShiftRight,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// The operators with two operands: text, precedence, operator. One that starts like
/// another stands before it.
const BINARY: [(&str, u8, Binary); 18] = [
    ("||", 1, Binary::LogicalOr),
    ("&&", 2, Binary::LogicalAnd),
    ("|", 3, Binary::Or),
    ("^", 4, Binary::Xor),
    ("&", 5, Binary::And),
    ("==", 6, Binary::Equal),
    ("!=", 6, Binary::NotEqual),
    ("<<", 8, Binary::ShiftLeft),
    (">>", 8, Binary::ShiftRight),
    ("<=", 7, Binary::LessEqual),
    (">=", 7, Binary::GreaterEqual),
    ("<", 7, Binary::Less),
    (">", 7, Binary::Greater),
    ("+", 9, Binary::Add),
    ("-", 9, Binary::Subtract),
    ("*", 10, Binary::Multiply),
    ("/", 10, Binary::Divide),
    ("%", 10, Binary::Remainder),
];

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}, at column {column} of the expression")]
pub struct ParseError {
    /// The column in the text, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl Expr {
    /// Reads an expression, which is all of the text.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(text: &str) -> Result<Expr, ParseError> {
        let mut parser = Parser { text, at: 0, depth: 0, size: 0 };
        let expr = parser.binary(0)?;
        parser.end()?;
        Ok(expr)
    }
}

impl Place {
    /// Reads a place, which is all of the text.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(text: &str) -> Result<Place, ParseError> {
        let mut parser = Parser { text, at: 0, depth: 0, size: 0 };
        let place = parser.place()?;
        parser.end()?;
        Ok(place)
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    size: usize,
}

impl<'a> Parser<'a> {
    fn error<T>(&self, message: impl fmt::Display) -> Result<T, ParseError> {
        let column = self.text[..self.at].chars().count() + 1;
        Err(ParseError { column, message: message.to_string() })
    }

    fn rest(&mut self) -> &'a str {
        let rest = self.text[self.at..].trim_start();
        self.at = self.text.len() - rest.len();
        rest
    }

    fn end(&mut self) -> Result<(), ParseError> {
        match self.rest() {
            "" => Ok(()),
            _ => self.error("an operator is expected"),
        }
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    fn count(&mut self) -> Result<(), ParseError> {
        self.size += 1;
        if self.size > SIZE { self.error("the expression is too large") } else { Ok(()) }
    }

    /// An expression of operators that bind more strongly than `floor`.
    fn binary(&mut self, floor: u8) -> Result<Expr, ParseError> {
        let mut left = self.unary()?;
        loop {
            let rest = self.rest();
            let found = BINARY.iter().find(|(token, ..)| rest.starts_with(token));
            let Some(&(token, precedence, operator)) = found.filter(|found| found.1 > floor) else {
                return Ok(left);
            };
            self.count()?;
            self.at += token.len();
            let right = self.binary(precedence)?;
            left = Expr::Binary(operator, Box::new(left), Box::new(right));
        }
    }

    fn unary(&mut self) -> Result<Expr, ParseError> {
        self.count()?;
        self.depth += 1;
        if self.depth > DEPTH {
            return self.error("the expression is nested too deeply");
        }
        let operators = [("-", Unary::Minus), ("!", Unary::Not), ("~", Unary::Complement)];
        let found = operators.into_iter().find(|(token, _)| self.take(token));
        let expr = match found {
            Some((_, operator)) => Expr::Unary(operator, Box::new(self.unary()?)),
            None if self.take("(") => {
                let inner = self.binary(0)?;
                self.close(")")?;
                inner
            }
            None if self.rest().starts_with(|first: char| first.is_ascii_digit()) => self.number()?,
            None => Expr::Place(self.place()?),
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn close(&mut self, token: &str) -> Result<(), ParseError> {
        if self.take(token) { Ok(()) } else { self.error(format!("`{token}` is expected")) }
    }

    /// Letters, digits, and what else is in numbers.
    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_'));
        &rest[..end.unwrap_or(rest.len())]
    }

    fn number(&mut self) -> Result<Expr, ParseError> {
        let mut word = self.word();
        let hexadecimal = word.strip_prefix("0x");
        if hexadecimal.is_none() && word.ends_with(['e', 'E']) {
            // An exponent with a sign.
            let behind = &self.rest()[word.len()..];
            let digits = behind.strip_prefix(['+', '-']).unwrap_or_default();
            let len = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            word = &self.rest()[..word.len() + if len > 0 { 1 + len } else { 0 }];
        }
        let value = match hexadecimal {
            Some(digits) => i128::from_str_radix(digits, 16).ok().map(Expr::Int),
            None if word.contains(['.', 'e', 'E']) => {
                word.parse().ok().filter(|value: &f64| value.is_finite()).map(Expr::Float)
            }
            None => word.parse().ok().map(Expr::Int),
        };
        let Some(value) = value else { return self.error(format!("`{word}` is no number")) };
        self.at += word.len();
        Ok(value)
    }

    fn place(&mut self) -> Result<Place, ParseError> {
        let word = self.word();
        if word.is_empty() {
            return self.error("a value is expected");
        }
        let name = word.trim_end_matches(|c: char| c.is_ascii_digit());
        let index = word[name.len()..].parse::<u32>().ok();
        let unit = match (name, index) {
            ("local", Some(index)) => return Ok(self.named(word, Place::Local(index))),
            ("global", Some(index)) => return Ok(self.named(word, Place::Global(index))),
            ("stack", Some(index)) => return Ok(self.named(word, Place::Stack(index))),
            ("pc", None) if word == "pc" => return Ok(self.named(word, Place::Pc)),
            ("mem" | "smem", Some(bits @ (8 | 16 | 32 | 64))) => {
                Unit::Int { bytes: bits as usize / 8, signed: name == "smem" }
            }
            ("memf", Some(bits @ (32 | 64))) => Unit::Float { bytes: bits as usize / 8 },
            _ => return self.error(format!("`{word}` is nothing that can be read; see `help expressions`")),
        };
        self.at += word.len();
        let memory = if self.take("@") {
            let word = self.word();
            let Ok(index) = word.parse() else { return self.error("a memory's index is expected") };
            self.at += word.len();
            index
        } else {
            0
        };
        self.close("[")?;
        self.depth += 1;
        let address = Box::new(self.binary(0)?);
        self.depth -= 1;
        self.close("]")?;
        Ok(Place::Memory { memory, unit, address })
    }

    fn named(&mut self, word: &str, place: Place) -> Place {
        self.at += word.len();
        place
    }
}
