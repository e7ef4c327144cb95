//! A JSON object as the client wrote it: checked strictly, edited in the text, never written anew.
//!
//! Beyond RFC 8259 it refuses what two parsers could read differently or what only an attacker sends: a member
//! name twice in one object (ignoring case, as some parsers do), escapes in names, lone surrogates, control
//! characters, more than 16 levels, 512 values or 8 KiB in one string.

use std::ops::Range;

use super::{Part, Refusal};

/// A checked object over its own text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    text: String,
    members: Vec<Member>,
    open: usize,
}

/// A member of the outermost object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) value: Scalar,
    span: Range<usize>,
}

/// A value, as far as it is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// A string, unescaped.
    Text(String),
    /// A number, as written.
    Number(String),
    /// `true`, `false`, `null`, an array or an object.
    Other,
}

const MAX_DEPTH: usize = 16;
const MAX_VALUES: usize = 512;
const MAX_STRING: usize = 8 * 1024;

impl Document {
    /// Reads `text`, which must be one object.
    pub(crate) fn parse(text: &str) -> Result<Document, Refusal> {
        let mut scanner = Scanner { text, at: 0, values: 0 };
        let refuse = |reason| Refusal::new(Part::Body, reason);
        scanner.skip_space();
        if scanner.peek() != Some(b'{') {
            return Err(refuse("must be a JSON object"));
        }
        let open = scanner.at + 1;
        let members = scanner.object(1)?;
        scanner.skip_space();
        match scanner.peek() {
            None => Ok(Document { text: text.to_owned(), members, open }),
            Some(_) => Err(refuse("something after the JSON object")),
        }
    }

    /// `{}`
    pub(crate) fn empty() -> Document {
        Document { text: "{}".to_owned(), members: Vec::new(), open: 1 }
    }

    /// The text as the client wrote it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The members of the outermost object in their order.
    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    /// The text of a string or number member.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        match &self.members.iter().find(|member| member.name == name)?.value {
            Scalar::Text(text) | Scalar::Number(text) => Some(text),
            Scalar::Other => None,
        }
    }

    /// The text with each setting in the place of its namesake, or in front, in order, if it has none. A
    /// value takes the form of the number or string it replaces.
    pub(crate) fn with(&self, settings: &[(&str, String)]) -> String {
        let mut text = self.text.clone();
        let mut replaced: Vec<_> = settings
            .iter()
            .filter_map(|(name, value)| Some((self.members.iter().find(|own| own.name == *name)?, value)))
            .collect();
        replaced.sort_by_key(|(member, _)| std::cmp::Reverse(member.span.start));
        for (member, value) in replaced {
            let number =
                matches!(member.value, Scalar::Number(_)) && value.bytes().all(|b| b.is_ascii_digit());
            text.replace_range(member.span.clone(), &if number { value.clone() } else { quote(value) });
        }
        let absent = settings.iter().filter(|(name, _)| self.members.iter().all(|own| own.name != *name));
        let front: Vec<_> = absent.map(|(name, value)| format!("{}:{}", quote(name), quote(value))).collect();
        let comma = if front.is_empty() || self.members.is_empty() { "" } else { "," };
        text.insert_str(self.open, &(front.join(",") + comma));
        text
    }
}

/// `text` as a JSON string with its quotes.
pub(crate) fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    values: usize,
}

type Scan<T> = Result<T, Refusal>;

impl Scanner<'_> {
    /// From `{` to behind `}`.
    fn object(&mut self, depth: usize) -> Scan<Vec<Member>> {
        self.at += 1;
        let mut members: Vec<Member> = Vec::new();
        if self.closes(b'}') {
            return Ok(members);
        }
        loop {
            let name = self.name()?;
            if members.iter().any(|own| own.name.eq_ignore_ascii_case(&name)) {
                return Err(Refusal::field(Part::Body, &name, "given twice"));
            }
            self.expect(b':')?;
            self.skip_space();
            let start = self.at;
            let value = self.value(depth).map_err(|refusal| match refusal.field.as_str() {
                "" => Refusal::field(Part::Body, &name, refusal.reason),
                _ => refusal,
            })?;
            members.push(Member { name, value, span: start..self.at });
            if self.closes(b'}') {
                return Ok(members);
            }
            self.expect(b',')?;
        }
    }

    /// From `[` to behind `]`.
    fn array(&mut self, depth: usize) -> Scan<()> {
        self.at += 1;
        if self.closes(b']') {
            return Ok(());
        }
        loop {
            self.skip_space();
            self.value(depth)?;
            if self.closes(b']') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    fn value(&mut self, depth: usize) -> Scan<Scalar> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return self.fail("more than 512 values");
        }
        match self.peek() {
            Some(b'{' | b'[') if depth == MAX_DEPTH => self.fail("deeper than 16 levels"),
            Some(b'{') => self.object(depth + 1).map(|_| Scalar::Other),
            Some(b'[') => self.array(depth + 1).map(|()| Scalar::Other),
            Some(b'"') => self.string().map(Scalar::Text),
            Some(b'-' | b'0'..=b'9') => self.number().map(Scalar::Number),
            _ => self.word(),
        }
    }

    fn name(&mut self) -> Scan<String> {
        self.skip_space();
        let start = self.at;
        let name = self.string()?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"_.-[]".contains(&b);
        let unescaped = self.at - start == name.len() + 2;
        match name.len() {
            1..=64 if unescaped && name.bytes().all(plain) => Ok(name),
            _ => self.fail("a member name is 1 to 64 letters, digits and _.-[]"),
        }
    }

    fn string(&mut self) -> Scan<String> {
        if self.peek() != Some(b'"') {
            return self.fail("not JSON");
        }
        self.at += 1;
        let mut text = String::new();
        loop {
            let Some(next) = self.text[self.at..].chars().next() else { return self.fail("not JSON") };
            self.at += next.len_utf8();
            match next {
                '"' if text.len() <= MAX_STRING => return Ok(text),
                '"' => return self.fail("a string longer than 8 KiB"),
                '\\' => text.push(self.escape()?),
                _ => text.push(next),
            }
            if text.ends_with(char::is_control) {
                return self.fail("a control character");
            }
        }
    }

    fn escape(&mut self) -> Scan<char> {
        let escaped = self.peek();
        self.at += 1;
        Ok(match escaped {
            Some(b @ (b'"' | b'\\' | b'/')) => char::from(b),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return self.fail("not JSON"),
        })
    }

    /// Behind `\u`: one code unit, or a surrogate pair.
    fn unicode(&mut self) -> Scan<char> {
        let first = self.code_unit()?;
        let units = match first {
            0xd800..=0xdbff if self.text[self.at..].starts_with("\\u") => {
                self.at += 2;
                vec![first, self.code_unit()?]
            }
            _ => vec![first],
        };
        match char::decode_utf16(units).next() {
            Some(Ok(decoded)) => Ok(decoded),
            _ => self.fail("half a surrogate pair"),
        }
    }

    fn code_unit(&mut self) -> Scan<u16> {
        let digits = self.text.get(self.at..self.at + 4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        self.at += 4;
        unit.map_or_else(|| self.fail("not JSON"), Ok)
    }

    fn number(&mut self) -> Scan<String> {
        let start = self.at;
        self.skip(|b| b == b'-' || b == b'+' || b == b'.' || b.is_ascii_alphanumeric());
        let text = &self.text[start..self.at];
        match is_number(text) {
            true => Ok(text.to_owned()),
            false => self.fail("not a JSON number"),
        }
    }

    fn word(&mut self) -> Scan<Scalar> {
        match ["true", "false", "null"].iter().find(|word| self.text[self.at..].starts_with(**word)) {
            Some(word) => {
                self.at += word.len();
                Ok(Scalar::Other)
            }
            None => self.fail("not JSON"),
        }
    }

    fn closes(&mut self, bracket: u8) -> bool {
        self.skip_space();
        let closes = self.peek() == Some(bracket);
        self.at += usize::from(closes);
        closes
    }

    fn expect(&mut self, byte: u8) -> Scan<()> {
        self.skip_space();
        match self.peek() == Some(byte) {
            true => {
                self.at += 1;
                Ok(())
            }
            false => self.fail("not JSON"),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        self.skip(|b| b" \t\r\n".contains(&b));
    }

    fn skip(&mut self, wanted: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
    }

    fn fail<T>(&self, reason: &'static str) -> Scan<T> {
        Err(Refusal::new(Part::Body, reason))
    }
}

/// The number grammar of RFC 8259, section 6.
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let no_leading_zero = whole == "0" || !whole.starts_with('0');
    digits(whole) && no_leading_zero && fraction.is_none_or(digits) && exponent.is_none_or(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_set_in_the_text_and_everything_else_stays() {
        let document = Document::parse("{ \"b\" : 1.50, \"nonce\":7 ,\"a\":\"\\u00e9\" }").unwrap();
        let set = [("token", "t\"".to_owned()), ("nonce", "8".to_owned())];
        assert_eq!(
            document.with(&set),
            "{\"token\":\"t\\\"\", \"b\" : 1.50, \"nonce\":8 ,\"a\":\"\\u00e9\" }"
        );
        assert_eq!(Document::parse("{}").unwrap().with(&set), "{\"token\":\"t\\\"\",\"nonce\":\"8\"}");
    }

    #[test]
    fn numbers_keep_their_text() {
        let document = Document::parse("{\"price\":50000.10,\"qty\":\"0.1\"}").unwrap();
        assert_eq!(document.get("price"), Some("50000.10"));
        assert_eq!(document.get("qty"), Some("0.1"));
    }

    #[test]
    fn a_name_given_twice_is_refused_at_any_depth() {
        for text in
            [r#"{"a":1,"a":1}"#, r#"{"a":1,"A":1}"#, r#"{"x":{"a":1,"a":1}}"#, r#"{"x":[[{"a":1,"a":1}]]}"#]
        {
            assert_eq!(Document::parse(text).unwrap_err().reason, "given twice", "{text}");
        }
    }

    #[test]
    fn bombs_are_refused() {
        let deep = |levels: usize| format!("{{\"a\":{}1{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(Document::parse(&deep(15)).is_ok());
        assert_eq!(Document::parse(&deep(16)).unwrap_err().reason, "deeper than 16 levels");
        assert!(Document::parse(&deep(60_000)).is_err());
        let wide = |values: usize| format!("{{\"a\":[{}1]}}", "1,".repeat(values - 2));
        assert!(Document::parse(&wide(512)).is_ok());
        assert_eq!(Document::parse(&wide(513)).unwrap_err().reason, "more than 512 values");
        let long = |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length));
        assert!(Document::parse(&long(8192)).is_ok());
        assert_eq!(Document::parse(&long(8193)).unwrap_err().reason, "a string longer than 8 KiB");
    }
}
