//! A JSON text as a tree, and the parser that makes it (RFC 8259).

use super::Unreadable;

/// How deep objects and lists may stand in one another.
const DEEPEST: usize = 64;

/// One value of a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Document {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number, as it is spelt.
    Number(String),
    /// Text, unescaped.
    Text(String),
    /// A list.
    List(Vec<Document>),
    /// An object, its members in the order of the text.
    Object(Vec<(String, Document)>),
}

/// The tree of a whole text.
pub fn parse(text: &str) -> Result<Document, Unreadable> {
    let mut parser = Parser { text, at: 0 };
    let document = parser.value(DEEPEST)?;
    parser.skip_space();
    if parser.at == text.len() { Ok(document) } else { Err(Unreadable) }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Goes past `byte` where it is next.
    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, byte: u8) -> Result<(), Unreadable> {
        if self.take(byte) { Ok(()) } else { Err(Unreadable) }
    }

    fn value(&mut self, depth: usize) -> Result<Document, Unreadable> {
        self.skip_space();
        match self.peek().ok_or(Unreadable)? {
            b'{' => self.object(depth.checked_sub(1).ok_or(Unreadable)?),
            b'[' => self.list(depth.checked_sub(1).ok_or(Unreadable)?),
            b'"' => self.string().map(Document::Text),
            b'n' => self.word("null", Document::Null),
            b't' => self.word("true", Document::Boolean(true)),
            b'f' => self.word("false", Document::Boolean(false)),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str, meaning: Document) -> Result<Document, Unreadable> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(Unreadable);
        }
        self.at += word.len();
        Ok(meaning)
    }

    fn object(&mut self, depth: usize) -> Result<Document, Unreadable> {
        let member = |parser: &mut Self| {
            parser.skip_space();
            let name = parser.string()?;
            parser.skip_space();
            parser.expect(b':')?;
            Ok((name, parser.value(depth)?))
        };
        self.until(b'}', member).map(Document::Object)
    }

    fn list(&mut self, depth: usize) -> Result<Document, Unreadable> {
        self.until(b']', |parser| parser.value(depth)).map(Document::List)
    }

    /// What stands between the bracket that is next and the one that ends it, with commas between.
    fn until<T>(&mut self, end: u8, item: impl Fn(&mut Self) -> Result<T, Unreadable>) -> Result<Vec<T>, Unreadable> {
        let mut items = Vec::new();
        self.at += 1;
        self.skip_space();
        if self.take(end) {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            self.skip_space();
            if !self.take(b',') {
                self.expect(end)?;
                return Ok(items);
            }
        }
    }

    fn digits(&mut self) -> Result<(), Unreadable> {
        let first = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at > first { Ok(()) } else { Err(Unreadable) }
    }

    fn number(&mut self) -> Result<Document, Unreadable> {
        let first = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            if !self.take(b'-') {
                self.take(b'+');
            }
            self.digits()?;
        }
        Ok(Document::Number(self.text[first..self.at].to_owned()))
    }

    fn string(&mut self) -> Result<String, Unreadable> {
        self.expect(b'"')?;
        let mut text = String::new();
        let mut plain = self.at;
        loop {
            match self.peek().ok_or(Unreadable)? {
                b'"' => {
                    text.push_str(&self.text[plain..self.at]);
                    self.at += 1;
                    return Ok(text);
                }
                b'\\' => {
                    text.push_str(&self.text[plain..self.at]);
                    self.at += 1;
                    text.push(self.escaped()?);
                    plain = self.at;
                }
                0..=0x1f => return Err(Unreadable),
                _ => self.at += 1,
            }
        }
    }

    fn escaped(&mut self) -> Result<char, Unreadable> {
        let kind = self.peek().ok_or(Unreadable)?;
        self.at += 1;
        Ok(match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.unit()?;
                if !(0xd800..0xdc00).contains(&first) {
                    return char::from_u32(first).ok_or(Unreadable);
                }
                self.expect(b'\\')?;
                self.expect(b'u')?;
                let second = self.unit()?.checked_sub(0xdc00).filter(|low| *low < 0x400).ok_or(Unreadable)?;
                char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + second).ok_or(Unreadable)?
            }
            _ => return Err(Unreadable),
        })
    }

    /// Four hexadecimal digits: one unit of UTF-16.
    fn unit(&mut self) -> Result<u32, Unreadable> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16)).ok_or(Unreadable)?;
            unit = unit * 16 + digit;
            self.at += 1;
        }
        Ok(unit)
    }
}
