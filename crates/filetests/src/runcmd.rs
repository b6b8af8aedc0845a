//! Run commands: `; run: %f(1, 2) == 3` and its relatives.

use sidetrack_ir::text::Comment;
use sidetrack_ir::{DataValue, ExternalName, Signature, TrapCode};

/// A command in a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `run: %f(1) == 2`, `run: %f(1) != 2`, `run`.
    Run {
        /// What is called.
        call: Call,
        /// What the results must be, unless they need only not be zero.
        expected: Option<(bool, Vec<String>)>,
    },
    /// `print: %f(1)`.
    Print(Call),
    /// `trap: %f(1) int_divz`: the call must trap. Our own.
    Trap(Call, TrapCode),
    /// `patch: %f tag 7 off`: switches the sites of `%f` with this tag. Our own.
    Patch {
        /// The function that the sites are in.
        function: ExternalName,
        /// The sites' tag.
        tag: u64,
        /// On or off.
        on: bool,
    },
}

/// A call with arguments as text; types come from the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The function; `None` is the last one before the command.
    pub function: Option<ExternalName>,
    /// The arguments.
    pub args: Vec<String>,
}

/// The command in a comment, if there is one.
///
/// # Errors
/// If it is malformed.
pub fn parse(comment: &Comment) -> Option<Result<Command, String>> {
    let text = comment.text.as_str();
    let (word, rest) = match text.split_once(':') {
        Some((word, rest)) => (word.trim(), rest.trim()),
        None if text == "run" => ("run", ""),
        None => return None,
    };
    match word {
        "run" if rest.is_empty() => {
            Some(Ok(Command::Run { call: Call { function: None, args: Vec::new() }, expected: None }))
        }
        "run" => Some(run(rest)),
        "print" => Some(call(rest).and_then(|(call, rest)| end(rest).map(|()| Command::Print(call)))),
        "trap" => Some(trap(rest)),
        "patch" => Some(patch(rest)),
        _ => None,
    }
}

fn run(text: &str) -> Result<Command, String> {
    let (call, rest) = call(text)?;
    if rest.is_empty() {
        return Ok(Command::Run { call, expected: None });
    }
    let (equal, values) = match (rest.strip_prefix("=="), rest.strip_prefix("!=")) {
        (Some(values), _) => (true, values.trim()),
        (_, Some(values)) => (false, values.trim()),
        _ => return Err(format!("expected `==` or `!=`, found `{rest}`")),
    };
    let values = match closing_bracket(values)? {
        Some(end) if end + 1 == values.len() => &values[1..end],
        _ => values,
    };
    Ok(Command::Run { call, expected: Some((equal, list(values))) })
}

/// Where the bracket closes that `text` starts with, if it starts with one.
fn closing_bracket(text: &str) -> Result<Option<usize>, String> {
    if !text.starts_with('[') {
        return Ok(None);
    }
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Ok(Some(at));
        }
    }
    Err("the list of results is not closed".to_string())
}

fn trap(text: &str) -> Result<Command, String> {
    let (call, rest) = call(text)?;
    let code = TrapCode::parse(rest).ok_or_else(|| format!("unknown trap code `{rest}`"))?;
    Ok(Command::Trap(call, code))
}

fn patch(text: &str) -> Result<Command, String> {
    let usage = || format!("expected `%function tag N on|off`, found `{text}`");
    let (function, rest) = name(text)?;
    let words: Vec<&str> = rest.split_whitespace().collect();
    let (tag, state) = match words[..] {
        ["tag", tag, state] => (tag, state),
        _ => return Err(usage()),
    };
    let tag = sidetrack_ir::immediates::parse_int(tag)? as u64;
    let on = match state {
        "on" => true,
        "off" => false,
        _ => return Err(usage()),
    };
    Ok(Command::Patch { function, tag, on })
}

fn end(rest: &str) -> Result<(), String> {
    if rest.is_empty() { Ok(()) } else { Err(format!("`{rest}` follows the call")) }
}

/// A function's name at the start of `text`, and what follows.
fn name(text: &str) -> Result<(ExternalName, &str), String> {
    if let Some(quoted) = text.strip_prefix("%\"") {
        let (name, rest) = quoted.split_once('"').ok_or("the name is not closed")?;
        return Ok((ExternalName::named(name), rest.trim_start()));
    }
    let end = text.find(['(', ' ']).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let user = || {
        let (namespace, index) = word.strip_prefix('u')?.split_once(':')?;
        Some(ExternalName::user(namespace.parse().ok()?, index.parse().ok()?))
    };
    let name = match word.strip_prefix('%') {
        Some(name) if !name.is_empty() => ExternalName::named(name),
        _ => user().ok_or_else(|| format!("expected a function's name, found `{word}`"))?,
    };
    Ok((name, rest.trim_start()))
}

fn call(text: &str) -> Result<(Call, &str), String> {
    let (function, rest) = name(text)?;
    let Some(args) = rest.strip_prefix('(') else {
        return Ok((Call { function: Some(function), args: Vec::new() }, rest));
    };
    let (args, rest) = args.split_once(')').ok_or("the list of arguments is not closed")?;
    Ok((Call { function: Some(function), args: list(args) }, rest.trim()))
}

fn list(text: &str) -> Vec<String> {
    let items = text.split(',').map(|item| item.trim().to_string());
    items.filter(|item| !item.is_empty()).collect()
}

/// Reads values of the given types.
///
/// # Errors
/// If their number or one of them does not fit.
pub fn values(
    texts: &[String],
    params: &[sidetrack_ir::AbiParam],
    what: &str,
) -> Result<Vec<DataValue>, String> {
    if texts.len() != params.len() {
        return Err(format!("{} {what} given, the signature has {}", texts.len(), params.len()));
    }
    let value = |(text, param): (&String, &sidetrack_ir::AbiParam)| {
        // The brackets of a vector may have been taken for those of a list.
        let bare = param.ty.is_vector() && text.contains(' ') && !text.starts_with('[');
        DataValue::parse(&if bare { format!("[{text}]") } else { text.clone() }, param.ty)
    };
    texts.iter().zip(params).map(value).collect()
}

/// Decides a `run` command on the results of its call.
///
/// # Errors
/// What differs.
pub fn judge(
    sig: &Signature,
    expected: &Option<(bool, Vec<String>)>,
    results: &[DataValue],
) -> Result<(), String> {
    let show = |values: &[DataValue]| {
        let list: Vec<String> = values.iter().map(ToString::to_string).collect();
        if list.len() == 1 { list[0].clone() } else { format!("[{}]", list.join(", ")) }
    };
    match expected {
        None => match results {
            [only] if only.bits128() == 0 => Err(format!("the result is {only}")),
            [_] | [] => Ok(()),
            _ => Err("a `run` without expected results needs one result".to_string()),
        },
        Some((equal, texts)) => {
            let expected = values(texts, &sig.returns, "results")?;
            match (results == expected, equal) {
                (true, true) | (false, false) => Ok(()),
                (false, true) => Err(format!("expected {}, got {}", show(&expected), show(results))),
                (true, false) => Err(format!("expected anything but {}", show(&expected))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(text: &str) -> Option<Result<Command, String>> {
        let entity = sidetrack_ir::AnyEntity::Function;
        parse(&Comment { line: 1, text: text.to_string(), entity })
    }

    #[test]
    fn commands() {
        let call = |args: &[&str]| Call {
            function: Some(ExternalName::named("f")),
            args: args.iter().map(ToString::to_string).collect(),
        };
        let expected = Some((true, vec!["2".to_string(), "-0x1.0p3".to_string()]));
        let run = Command::Run { call: call(&["1", "+NaN"]), expected };
        assert_eq!(command("run: %f(1, +NaN) == [2, -0x1.0p3]"), Some(Ok(run)));
        let trap = Command::Trap(call(&[]), TrapCode::INTEGER_DIVISION_BY_ZERO);
        assert_eq!(command("trap: %f() int_divz"), Some(Ok(trap)));
        let patch = Command::Patch { function: ExternalName::named("f"), tag: 7, on: false };
        assert_eq!(command("patch: %f tag 7 off"), Some(Ok(patch)));
        let expected = |text: &str| match command(text) {
            Some(Ok(Command::Run { expected: Some((true, expected)), .. })) => expected,
            other => panic!("{other:?}"),
        };
        assert_eq!(expected("run: %f([1 2]) == [1 2 3 4]"), ["1 2 3 4"]);
        assert_eq!(expected("run: %f() == [[1 2], 3]"), ["[1 2]", "3"]);
        assert_eq!(expected("run: %f() == [1 2], [3 4]"), ["[1 2]", "[3 4]"]);
        assert_eq!(command("check: v1"), None);
        for bad in
            ["run: f(1) == 2", "run: %f(1 == 2", "run: %f(1) = 2", "patch: %f 7 off", "trap: %f() nope"]
        {
            assert!(command(bad).unwrap().is_err(), "{bad}");
        }
    }
}
