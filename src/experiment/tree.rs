//! The text of an experiment as a tree whose every node knows its place: RON, and the JSON that RON's punctuation covers.
//!
//! The typed reader (`ron`, `serde_json`) says whether a file is right; this tree says where things stand in it, and
//! keeps the words of values that have no type yet (`vary`, `set`, `--set`).

use std::ops::Range;

use serde_json::{Map, Number, Value};

use super::tokens::{Kind, Token, tokens, unquoted};

/// A piece of the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it stands, in bytes.
    pub span: Range<usize>,
    /// What it is.
    pub form: Form,
}

/// What a piece of text is.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// A string or a character, unquoted.
    Text(String),
    /// A number as written.
    Number(String),
    /// A bare word: `Direct`, `true`, `None`.
    Word(String),
    /// `[a, b]`.
    List(Vec<Node>),
    /// `{"a": b}`.
    Map(Vec<(Node, Node)>),
    /// `Name(field: a)`, `Name(a, b)`, or the same without the name.
    Call(Call),
}

/// Something in parentheses.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Call {
    /// The word before the parenthesis and its place.
    pub name: Option<(String, Range<usize>)>,
    /// What bears a name, with the name's place.
    pub fields: Vec<(String, Range<usize>, Node)>,
    /// What bears none.
    pub items: Vec<Node>,
}

/// Text that is no tree: where, and what would be right.
#[derive(Clone, Debug, PartialEq)]
pub struct Broken {
    /// In bytes.
    pub span: Range<usize>,
    /// What would be right.
    pub why: String,
}

/// How deep a file may be nested; `ron`'s own limit is the same.
const DEEPEST: u32 = 128;
/// Words before a parenthesis that name a struct and not a kind; they vanish in a value.
const STRUCTS: [&str; 9] = ["Experiment", "System", "Scenario", "Stream", "App", "Network", "Postgres", "Retry", "At"];

/// Reads the whole text as one value.
pub fn parse(text: &str) -> Result<Node, Broken> {
    let mut reader = Reader { text, tokens: tokens(text), next: 0 };
    let node = reader.value(0)?;
    match reader.peek() {
        Some(token) => Err(Broken { span: token.span.clone(), why: "expected nothing more".into() }),
        None => Ok(node),
    }
}

impl Node {
    /// The field of this name, in a call or a map.
    pub fn field(&self, name: &str) -> Option<&Node> {
        match &self.form {
            Form::Call(call) => call.fields.iter().find(|(field, _, _)| field == name).map(|(_, _, node)| node),
            Form::Map(entries) => entries.iter().find(|(key, _)| key.text() == Some(name)).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The elements of a list, or of a call without field names.
    pub fn items(&self) -> &[Node] {
        match &self.form {
            Form::List(items) => items,
            Form::Call(call) => &call.items,
            _ => &[],
        }
    }

    /// What stands in quotes.
    pub fn text(&self) -> Option<&str> {
        if let Form::Text(text) = &self.form { Some(text) } else { None }
    }

    /// The place to point at: the name of a call, else the whole.
    pub fn head(&self) -> Range<usize> {
        match &self.form {
            Form::Call(Call { name: Some((_, span)), .. }) => span.clone(),
            _ => self.span.clone(),
        }
    }

    /// The same as a value: kinds as `{"Name": …}` or `"Name"`, `None` as null.
    pub fn value(&self) -> Result<Value, Broken> {
        let wrong = |why: &str| Err(Broken { span: self.span.clone(), why: why.into() });
        Ok(match &self.form {
            Form::Text(text) => Value::String(text.clone()),
            Form::Number(digits) => match number(digits) {
                Some(number) => Value::Number(number),
                None => return wrong("expected a finite number"),
            },
            Form::Word(word) => match word.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "None" | "null" => Value::Null,
                "inf" | "NaN" => return wrong("expected a finite number"),
                _ => Value::String(word.clone()),
            },
            Form::List(items) => values(items)?,
            Form::Map(entries) => {
                let mut map = Map::new();
                for (key, node) in entries {
                    let Some(key) = key.text() else {
                        return Err(Broken { span: key.span.clone(), why: "expected a name in quotes".into() });
                    };
                    map.insert(key.to_owned(), node.value()?);
                }
                Value::Object(map)
            }
            Form::Call(call) => call.value()?,
        })
    }

    /// Calls `visit` for this node and everything inside it, outside first.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Node)) {
        visit(self);
        match &self.form {
            Form::List(items) => items.iter().for_each(|node| node.walk(visit)),
            Form::Map(entries) => entries.iter().for_each(|(_, node)| node.walk(visit)),
            Form::Call(call) => {
                call.fields.iter().for_each(|(_, _, node)| node.walk(visit));
                call.items.iter().for_each(|node| node.walk(visit));
            }
            Form::Text(_) | Form::Number(_) | Form::Word(_) => {}
        }
    }
}

impl Call {
    fn value(&self) -> Result<Value, Broken> {
        let named = self.name.as_ref().map(|(name, _)| name.as_str()).filter(|name| !STRUCTS.contains(name));
        let fields = || -> Result<Value, Broken> {
            let fields = self.fields.iter().map(|(name, _, node)| Ok((name.clone(), node.value()?)));
            Ok(Value::Object(fields.collect::<Result<_, _>>()?))
        };
        let inner = match (self.fields.is_empty(), self.items.as_slice(), named) {
            (false, _, _) => fields()?,
            (true, [], Some(_)) => fields()?,
            (true, [], None) if self.name.is_some() => fields()?,
            (true, [one], Some(_)) => one.value()?,
            (true, items, _) => values(items)?,
        };
        Ok(match named {
            Some("Some") => inner,
            Some(name) => Value::Object(Map::from_iter([(name.to_owned(), inner)])),
            None => inner,
        })
    }
}

fn values(items: &[Node]) -> Result<Value, Broken> {
    Ok(Value::Array(items.iter().map(Node::value).collect::<Result<_, _>>()?))
}

/// A number as RON writes it; nothing if it is none or not finite.
fn number(digits: &str) -> Option<Number> {
    let plain: String = digits.chars().filter(|c| *c != '_').collect();
    let (sign, body) = plain.strip_prefix('-').map_or((1_i64, plain.strip_prefix('+').unwrap_or(&plain)), |rest| (-1, rest));
    for (prefix, base) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(body) = body.strip_prefix(prefix) {
            return i64::from_str_radix(body, base).ok().map(|n| Number::from(sign * n));
        }
    }
    const SUFFIXES: [&str; 12] = ["u128", "i128", "u64", "i64", "u32", "i32", "u16", "i16", "u8", "i8", "f64", "f32"];
    let body = SUFFIXES.iter().find_map(|suffix| body.strip_suffix(suffix)).unwrap_or(body);
    if !body.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    match (body.parse::<u64>(), sign) {
        (Ok(whole), 1) => Some(Number::from(whole)),
        (Ok(whole), _) if whole <= i64::MAX as u64 => Some(Number::from(-(whole as i64))),
        _ => body.parse::<f64>().ok().and_then(|real| Number::from_f64(real * sign as f64)),
    }
}

struct Reader<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    next: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self) -> Result<Token, Broken> {
        let end = self.text.len();
        let token = self.tokens.get(self.next).cloned().ok_or_else(|| Broken { span: end..end, why: "the text ends too early".into() })?;
        self.next += 1;
        Ok(token)
    }

    fn is(&self, ahead: usize, mark: char) -> bool {
        self.tokens.get(self.next + ahead).is_some_and(|token| token.kind == Kind::Mark(mark))
    }

    fn eat(&mut self, mark: char) -> bool {
        let eaten = self.is(0, mark);
        self.next += usize::from(eaten);
        eaten
    }

    fn value(&mut self, depth: u32) -> Result<Node, Broken> {
        let token = self.take()?;
        if depth > DEEPEST {
            return Err(Broken { span: token.span, why: "this is nested too deeply".into() });
        }
        let written = self.text[token.span.clone()].to_owned();
        let start = token.span.start;
        let form = match token.kind {
            Kind::Text => Form::Text(unquoted(&written)),
            Kind::Number => Form::Number(written),
            Kind::Word if self.eat('(') => Form::Call(self.call(Some((written, token.span)), depth)?),
            Kind::Word => Form::Word(written),
            Kind::Mark('(') => Form::Call(self.call(None, depth)?),
            Kind::Mark('[') => Form::List(self.list(depth)?),
            Kind::Mark('{') => Form::Map(self.map(depth)?),
            Kind::Mark(_) | Kind::Unfinished => return Err(Broken { span: token.span, why: "expected a value".into() }),
        };
        let end = self.tokens[self.next - 1].span.end;
        Ok(Node { span: start..end, form })
    }

    fn call(&mut self, name: Option<(String, Range<usize>)>, depth: u32) -> Result<Call, Broken> {
        let mut call = Call { name, ..Call::default() };
        while !self.eat(')') {
            let named = self.peek().is_some_and(|token| token.kind == Kind::Word) && self.is(1, ':');
            if named {
                let word = self.take()?;
                self.next += 1;
                let node = self.value(depth + 1)?;
                call.fields.push((self.text[word.span.clone()].to_owned(), word.span, node));
            } else {
                call.items.push(self.value(depth + 1)?);
            }
            self.comma(')')?;
        }
        Ok(call)
    }

    fn list(&mut self, depth: u32) -> Result<Vec<Node>, Broken> {
        let mut items = Vec::new();
        while !self.eat(']') {
            items.push(self.value(depth + 1)?);
            self.comma(']')?;
        }
        Ok(items)
    }

    fn map(&mut self, depth: u32) -> Result<Vec<(Node, Node)>, Broken> {
        let mut entries = Vec::new();
        while !self.eat('}') {
            let key = self.value(depth + 1)?;
            let colon = self.take()?;
            if colon.kind != Kind::Mark(':') {
                return Err(Broken { span: colon.span, why: "expected `:`".into() });
            }
            entries.push((key, self.value(depth + 1)?));
            self.comma('}')?;
        }
        Ok(entries)
    }

    fn comma(&mut self, end: char) -> Result<(), Broken> {
        if self.eat(',') || self.is(0, end) {
            return Ok(());
        }
        let token = self.take()?;
        Err(Broken { span: token.span, why: format!("expected `,` or `{end}`") })
    }
}
