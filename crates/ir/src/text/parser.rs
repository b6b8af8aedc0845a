//! The parser's frame: tokens, errors, names of entities, types and signatures.

use super::lexer::{Tok, Token, tokens};
use super::{Comment, ParseError};
use crate::entities::*;
use crate::memflags::TrapCode;
use crate::signature::{AbiParam, ArgumentExtension, ArgumentPurpose, CallConv, ExternalName, Signature};
use crate::types::Type;

/// The largest number that a value, block or other entity may have. Entities are
/// stored densely, so a larger one would take memory without use.
pub(super) const MAX_ENTITY: u32 = 1 << 20;

pub(super) type Parse<T> = Result<T, ParseError>;

pub(super) struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    /// Comments passed over, not yet taken by anyone.
    pub comments: Vec<Comment>,
    /// What a comment passed over now belongs to.
    pub entity: AnyEntity,
}

impl<'a> Parser<'a> {
    pub fn new(text: &'a str) -> Self {
        let mut parser =
            Parser { tokens: tokens(text), at: 0, comments: Vec::new(), entity: AnyEntity::Function };
        parser.pass_comments();
        parser
    }

    fn pass_comments(&mut self) {
        while let Tok::Comment(text) = self.tokens[self.at].kind {
            let text = text.trim_start_matches(';').trim().to_string();
            let line = self.tokens[self.at].line;
            self.comments.push(Comment { line, text, entity: self.entity });
            self.at += 1;
        }
    }

    pub fn peek(&self) -> Tok<'a> {
        self.tokens[self.at].kind
    }

    /// The token after the next one, comments not counted.
    pub fn peek_second(&self) -> Tok<'a> {
        let rest = self.tokens.get(self.at + 1..).unwrap_or_default();
        let next = rest.iter().find(|token| !matches!(token.kind, Tok::Comment(_)));
        next.map_or(Tok::End, |token| token.kind)
    }

    pub fn line(&self) -> u32 {
        self.tokens[self.at].line
    }

    pub fn advance(&mut self) -> Tok<'a> {
        let kind = self.peek();
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
            self.pass_comments();
        }
        kind
    }

    pub fn error<T>(&self, message: impl Into<String>) -> Parse<T> {
        Err(ParseError { line: self.line(), message: message.into(), unsupported: false })
    }

    pub fn unsupported<T>(&self, message: impl Into<String>) -> Parse<T> {
        Err(ParseError { line: self.line(), message: message.into(), unsupported: true })
    }

    pub fn expected<T>(&self, what: &str) -> Parse<T> {
        match self.peek() {
            Tok::Punct('!') => return self.unsupported("facts about values are not supported"),
            Tok::Punct('<') => return self.unsupported("debug tags are not supported"),
            _ => {}
        }
        self.error(format!("expected {what}, found {}", describe(self.peek())))
    }

    pub fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Tok::Punct(c);
        if found {
            self.advance();
        }
        found
    }

    pub fn expect(&mut self, c: char) -> Parse<()> {
        if self.eat(c) { Ok(()) } else { self.expected(&format!("`{c}`")) }
    }

    pub fn eat_word(&mut self, word: &str) -> bool {
        let found = self.peek() == Tok::Ident(word);
        if found {
            self.advance();
        }
        found
    }

    pub fn word(&mut self, what: &str) -> Parse<&'a str> {
        match self.peek() {
            Tok::Ident(word) => {
                self.advance();
                Ok(word)
            }
            _ => self.expected(what),
        }
    }

    pub fn int(&mut self) -> Parse<i64> {
        match self.peek() {
            Tok::Number(text) => match crate::immediates::parse_int(text) {
                Ok(value) => {
                    self.advance();
                    Ok(value)
                }
                Err(message) => self.error(message),
            },
            _ => self.expected("an integer"),
        }
    }

    pub fn uint32(&mut self) -> Parse<u32> {
        let value = match self.peek() {
            Tok::Number(text) => crate::immediates::parse_int(text).ok().and_then(|v| u32::try_from(v).ok()),
            _ => return self.expected("a number"),
        };
        match value {
            Some(value) => {
                self.advance();
                Ok(value)
            }
            None => self.error(format!("{} does not fit 32 bits", describe(self.peek()))),
        }
    }

    /// A number that follows with its sign, as in `ss0+8`; 0 if none does.
    pub fn optional_offset(&mut self) -> Parse<i64> {
        match self.peek() {
            Tok::Number(text) if text.starts_with(['+', '-']) => self.int(),
            _ => Ok(0),
        }
    }

    pub fn offset32(&mut self) -> Parse<i32> {
        let line = self.line();
        let offset = self.optional_offset()?;
        i32::try_from(offset).map_err(|_| ParseError {
            line,
            message: format!("offset {offset} does not fit 32 bits"),
            unsupported: false,
        })
    }

    /// The number of an entity with this prefix, if the next token is one.
    pub fn peek_entity(&self, prefix: &str) -> Option<u32> {
        match self.peek() {
            Tok::Ident(word) => entity_number(word, prefix),
            _ => None,
        }
    }

    pub fn entity(&mut self, prefix: &str, what: &str) -> Parse<u32> {
        match self.peek_entity(prefix) {
            Some(n) if n <= MAX_ENTITY => {
                self.advance();
                Ok(n)
            }
            Some(_) => self.error(format!("the number of {} is too large", describe(self.peek()))),
            None => self.expected(what),
        }
    }

    pub fn value(&mut self) -> Parse<Value> {
        self.entity("v", "a value").map(Value::from_u32)
    }

    pub fn block(&mut self) -> Parse<Block> {
        self.entity("block", "a block").map(Block::from_u32)
    }

    pub fn ty(&mut self) -> Parse<Type> {
        let Tok::Ident(word) = self.peek() else { return self.expected("a type") };
        match Type::parse(word) {
            Some(ty) if ty.is_scalar() || Type::VECTORS.contains(&ty) => {
                self.advance();
                Ok(ty)
            }
            _ if looks_like_type(word) => self.unsupported(format!("type {word} is not supported")),
            _ => self.expected("a type"),
        }
    }

    pub fn trap_code(&mut self) -> Parse<TrapCode> {
        let Tok::Ident(word) = self.peek() else { return self.expected("a trap code") };
        match TrapCode::parse(word) {
            Some(code) => {
                self.advance();
                Ok(code)
            }
            None => self.unsupported(format!("unknown trap code `{word}`")),
        }
    }

    pub fn external_name(&mut self) -> Parse<ExternalName> {
        match self.peek() {
            Tok::Name(name) => {
                self.advance();
                Ok(ExternalName::Named(name.to_string()))
            }
            Tok::Ident(word) if entity_number(word, "u").is_some() => {
                let namespace = entity_number(word, "u").unwrap_or(0);
                self.advance();
                self.expect(':')?;
                let index = self.uint32()?;
                Ok(ExternalName::user(namespace, index))
            }
            _ => self.expected("a name (`%name` or `uN:N`)"),
        }
    }

    /// `(i32 uext, i64) -> i64 fast`; the convention is `fast` if none is named.
    pub fn signature(&mut self) -> Parse<Signature> {
        let mut sig = Signature::new(CallConv::Fast);
        self.expect('(')?;
        if !self.eat(')') {
            sig.params = self.abi_params()?;
            self.expect(')')?;
        }
        if self.peek() == Tok::Arrow {
            self.advance();
            sig.returns = self.abi_params()?;
        }
        if let Tok::Ident(word) = self.peek() {
            match CallConv::parse(word) {
                Some(conv) => {
                    self.advance();
                    sig.call_conv = conv;
                }
                None if matches!(word, "apple_aarch64" | "probestack" | "winch" | "cold") => {
                    return self.unsupported(format!("calling convention {word} is not supported"));
                }
                None => {}
            }
        }
        Ok(sig)
    }

    fn abi_params(&mut self) -> Parse<Vec<AbiParam>> {
        let mut params = Vec::new();
        loop {
            let mut param = AbiParam::new(self.ty()?);
            while let Tok::Ident(word) = self.peek() {
                match word {
                    "uext" => param.extension = ArgumentExtension::Uext,
                    "sext" => param.extension = ArgumentExtension::Sext,
                    "sret" => param.purpose = ArgumentPurpose::StructReturn,
                    "vmctx" => param.purpose = ArgumentPurpose::VMContext,
                    "sarg" => {
                        self.advance();
                        self.expect('(')?;
                        param.purpose = ArgumentPurpose::StructArgument(self.uint32()?);
                        if self.peek() != Tok::Punct(')') {
                            return self.expected("`)`");
                        }
                    }
                    _ => break,
                }
                self.advance();
            }
            params.push(param);
            if !self.eat(',') {
                return Ok(params);
            }
        }
    }
}

/// The number in `word` after `prefix`: decimal, no leading zero, of 32 bits.
fn entity_number(word: &str, prefix: &str) -> Option<u32> {
    let digits = word.strip_prefix(prefix)?;
    let canonical = digits == "0" || digits.starts_with(|c: char| ('1'..='9').contains(&c));
    if canonical { digits.parse().ok() } else { None }
}

/// Whether a word is spelled like a type of CLIF, here or elsewhere.
pub(super) fn looks_like_type(word: &str) -> bool {
    let mut chars = word.chars();
    matches!(chars.next(), Some('i' | 'f')) && chars.next().is_some_and(|c| c.is_ascii_digit())
}

pub(super) fn describe(token: Tok<'_>) -> String {
    let clip = |text: &str| text.chars().take(40).collect::<String>();
    match token {
        Tok::Ident(text) | Tok::Number(text) => format!("`{}`", clip(text)),
        Tok::Name(text) => format!("`%{}`", clip(text)),
        Tok::SourceLoc(text) => format!("`@{}`", clip(text)),
        Tok::Str(text) => format!("\"{}\"", clip(text)),
        Tok::Comment(_) => "a comment".to_string(),
        Tok::Arrow => "`->`".to_string(),
        Tok::Punct(c) => format!("`{}`", c.escape_default()),
        Tok::End => "the end of the text".to_string(),
    }
}
