//! The words and marks of a RON or JSON text with their places; any text has them, also a broken one.

use std::ops::Range;

/// One word, number, string or mark.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// Where it stands, in bytes.
    pub span: Range<usize>,
    /// What it is.
    pub kind: Kind,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string or a character, with its quotes.
    Text,
    /// A number.
    Number,
    /// A name.
    Word,
    /// Any other single character.
    Mark(char),
    /// A string or comment that does not end.
    Unfinished,
}

/// All tokens of a text in order, without blanks, comments and attributes.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.token() {
        tokens.push(token);
    }
    tokens
}

/// The inside of a quoted string; an escape that means nothing stays as written.
pub fn unquoted(quoted: &str) -> String {
    let open = quoted.find(['"', '\'']).unwrap_or(0);
    if quoted.starts_with('r') || quoted.starts_with("br") {
        let hashes = quoted[..open].matches('#').count();
        return quoted.get(open + 1..quoted.len().saturating_sub(1 + hashes)).unwrap_or_default().to_owned();
    }
    let inside = quoted.get(open + 1..quoted.len().saturating_sub(1)).unwrap_or_default();
    let mut plain = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(slash) = rest.find('\\') {
        plain.push_str(&rest[..slash]);
        let (c, length) = escape(&rest[slash..]);
        plain.extend(c);
        rest = &rest[slash + length..];
    }
    plain.push_str(rest);
    plain
}

/// The brackets that are open at byte `at`, outermost first: the place of each and the word before it.
pub fn open_at<'a>(text: &'a str, tokens: &[Token], at: usize) -> Vec<(usize, Option<&'a str>)> {
    let mut open = Vec::new();
    let mut before: Option<&Token> = None;
    for token in tokens.iter().take_while(|token| token.span.start < at) {
        match token.kind {
            Kind::Mark('(' | '[' | '{') => {
                let word = before.filter(|token| token.kind == Kind::Word).map(|token| &text[token.span.clone()]);
                open.push((token.span.start, word));
            }
            Kind::Mark(')' | ']' | '}') => {
                open.pop();
            }
            _ => {}
        }
        before = Some(token);
    }
    open
}

/// What an escape at the head of `text` stands for, and how long it is.
fn escape(text: &str) -> (Option<char>, usize) {
    let Some(kind) = text[1..].chars().next() else { return (Some('\\'), 1) };
    let simple = |c| (Some(c), 2);
    match kind {
        'n' => simple('\n'),
        't' => simple('\t'),
        'r' => simple('\r'),
        '0' => simple('\0'),
        'b' => simple('\u{8}'),
        'f' => simple('\u{c}'),
        'u' | 'x' => {
            let (digits, length) = match text[2..].strip_prefix('{').and_then(|rest| rest.split_once('}')) {
                Some((digits, _)) => (digits, digits.len() + 4),
                None => {
                    let wanted = if kind == 'u' { 6 } else { 4 };
                    (text.get(2..wanted).unwrap_or_default(), wanted)
                }
            };
            match u32::from_str_radix(digits, 16).ok().and_then(char::from_u32) {
                Some(c) => (Some(c), length),
                None => (Some('\\'), 1),
            }
        }
        other => (Some(other), 1 + other.len_utf8()),
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl Lexer<'_> {
    fn token(&mut self) -> Option<Token> {
        let start = match self.skip() {
            Ok(()) => self.at,
            Err(start) => return Some(self.unfinished(start)),
        };
        let first = self.rest().chars().next()?;
        let kind = match first {
            '"' => self.quoted(1, '"'),
            '\'' => self.quoted(1, '\''),
            'r' | 'b' if self.prefix().is_some() => self.prefixed(),
            c if c.is_ascii_digit() || (matches!(c, '+' | '-' | '.') && self.number_follows()) => self.number(),
            c if c.is_alphabetic() || c == '_' => self.word(),
            c => {
                self.at += c.len_utf8();
                Kind::Mark(c)
            }
        };
        Some(Token { span: start..self.at, kind })
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn unfinished(&mut self, start: usize) -> Token {
        self.at = self.text.len();
        Token { span: start..self.at, kind: Kind::Unfinished }
    }

    /// Passes over blanks, comments and `#![…]`; the start of a comment that does not end.
    fn skip(&mut self) -> Result<(), usize> {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}').len();
            let rest = &rest[blank..];
            let length = if rest.starts_with("//") {
                rest.find('\n').unwrap_or(rest.len())
            } else if rest.starts_with("/*") {
                comment(rest).ok_or(self.at + blank)?
            } else if rest.starts_with("#![") {
                rest.find(']').map_or(rest.len(), |end| end + 1)
            } else {
                self.at += blank;
                return Ok(());
            };
            self.at += blank + length;
        }
    }

    fn quoted(&mut self, open: usize, quote: char) -> Kind {
        let mut escaped = false;
        for (i, c) in self.rest().char_indices().skip_while(|(i, _)| *i < open) {
            if c == quote && !escaped {
                self.at += i + 1;
                return Kind::Text;
            }
            escaped = c == '\\' && !escaped;
        }
        self.at = self.text.len();
        Kind::Unfinished
    }

    /// The length up to and with the quote of `r"`, `r#"`, `b"`, `br#"`, `b'`.
    fn prefix(&self) -> Option<usize> {
        let quote = self.rest().find(['"', '\''])?;
        let before = &self.rest()[..quote];
        let raw = before.trim_end_matches('#');
        (matches!(raw, "r" | "br") || before == "b").then_some(quote + 1)
    }

    fn prefixed(&mut self) -> Kind {
        let open = self.prefix().expect("the caller saw one");
        let before = &self.rest()[..open];
        if !before.contains('r') {
            let quote = if before.ends_with('\'') { '\'' } else { '"' };
            return self.quoted(open, quote);
        }
        let end = format!("\"{}", "#".repeat(before.matches('#').count()));
        match self.rest()[open..].find(&end) {
            Some(inside) => {
                self.at += open + inside + end.len();
                Kind::Text
            }
            None => {
                self.at = self.text.len();
                Kind::Unfinished
            }
        }
    }

    fn number_follows(&self) -> bool {
        self.rest()[1..].starts_with(|c: char| c.is_ascii_digit() || c == '.' || c == 'i' || c == 'N')
    }

    fn number(&mut self) -> Kind {
        let mut last = ' ';
        let length = self
            .rest()
            .char_indices()
            .find(|(i, c)| {
                let exponent = matches!(c, '+' | '-') && matches!(last, 'e' | 'E');
                last = *c;
                *i > 0 && !(c.is_alphanumeric() || matches!(c, '.' | '_') || exponent)
            })
            .map_or(self.rest().len(), |(i, _)| i);
        self.at += length;
        Kind::Number
    }

    fn word(&mut self) -> Kind {
        let raw = if self.rest().starts_with("r#") { 2 } else { 0 };
        let rest = &self.rest()[raw..];
        let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        self.at += raw + length;
        Kind::Word
    }
}

/// The length of the nested comment at the head of `text`.
fn comment(text: &str) -> Option<usize> {
    let (mut at, mut depth) = (0, 0);
    while let Some(found) = text[at..].find(['/', '*']) {
        at += found;
        match text.as_bytes().get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}
