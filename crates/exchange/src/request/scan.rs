//! The JSON scanner: RFC 8259 with the refusals that `json` promises.

use memchr::memchr;
use smol_str::SmolStr;

use super::{
    Part, Refusal,
    bare::Bare,
    json::{Json, Member},
    params::Seen,
};

const MAX_DEPTH: usize = 16;
const MAX_VALUES: usize = 512;
const MAX_STRING: usize = 8 * 1024;
/// Room for the members an object usually has, so that nothing has to grow.
const USUAL: usize = 8;

/// A position in a text, and how many values were seen.
pub(super) struct Scanner<'t> {
    text: &'t str,
    at: usize,
    values: usize,
}

type Scan<T> = Result<T, Refusal>;

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Scanner<'t> {
        Scanner { text, at: 0, values: 0 }
    }

    /// The whole text, which must be one object or one array, and the place behind its opening bracket.
    pub(super) fn document(mut self) -> Scan<(Json, usize)> {
        self.skip_space();
        let open = self.at + 1;
        let root = match self.peek() {
            Some(b'{') => Json::Object(self.object(1)?),
            Some(b'[') => Json::Array(self.array(1)?),
            _ => return self.fail("must be a JSON object or array"),
        };
        self.skip_space();
        match self.peek() {
            None => Ok((root, open)),
            Some(_) => self.fail("something after the JSON"),
        }
    }

    /// From `{` to behind `}`.
    fn object(&mut self, depth: usize) -> Scan<Vec<Member>> {
        self.at += 1;
        if self.closes(b'}') {
            return Ok(Vec::new());
        }
        let mut members: Vec<Member> = Vec::with_capacity(USUAL);
        let mut seen = Seen::default();
        loop {
            let name = self.name()?;
            if seen.perhaps(&name) && members.iter().any(|own| own.name.eq_ignore_ascii_case(&name)) {
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
    fn array(&mut self, depth: usize) -> Scan<Vec<Json>> {
        self.at += 1;
        let mut items = Vec::new();
        if self.closes(b']') {
            return Ok(items);
        }
        loop {
            self.skip_space();
            items.push(self.value(depth)?);
            if self.closes(b']') {
                return Ok(items);
            }
            self.expect(b',')?;
        }
    }

    fn value(&mut self, depth: usize) -> Scan<Json> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return self.fail("more than 512 values");
        }
        match self.peek() {
            Some(b'{' | b'[') if depth == MAX_DEPTH => self.fail("deeper than 16 levels"),
            Some(b'{') => self.object(depth + 1).map(Json::Object),
            Some(b'[') => self.array(depth + 1).map(Json::Array),
            Some(b'"') => self.string().map(Json::Text),
            Some(b'-' | b'0'..=b'9') => self.number().map(Json::Number),
            _ => self.word(),
        }
    }

    fn name(&mut self) -> Scan<SmolStr> {
        self.skip_space();
        let start = self.at;
        let name = self.string()?;
        let plain = Bare::NAME.is_all(name.as_bytes());
        let unescaped = self.at - start == name.len() + 2;
        match name.len() {
            1..=64 if unescaped && plain => Ok(name),
            _ => self.fail("a member name is 1 to 64 letters, digits and _.-[]"),
        }
    }

    fn string(&mut self) -> Scan<SmolStr> {
        if self.peek() != Some(b'"') {
            return self.fail("not JSON");
        }
        self.at += 1;
        let rest = &self.text[self.at..];
        let length = memchr(b'"', rest.as_bytes()).unwrap_or(rest.len());
        match rest.get(..length).filter(|text| text.len() <= MAX_STRING && is_plain(text)) {
            Some(text) if length < rest.len() => {
                self.at += length + 1;
                Ok(text.into())
            }
            _ => self.odd_string().map(SmolStr::from),
        }
    }

    /// A string that holds more than plain letters, from behind its quote.
    fn odd_string(&mut self) -> Scan<String> {
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

    fn number(&mut self) -> Scan<SmolStr> {
        let start = self.at;
        self.skip(|b| b == b'-' || b == b'+' || b == b'.' || b.is_ascii_alphanumeric());
        let text = &self.text[start..self.at];
        match is_number(text.as_bytes()) {
            true => Ok(text.into()),
            false => self.fail("not a JSON number"),
        }
    }

    fn word(&mut self) -> Scan<Json> {
        let words = [("true", Json::Bool(true)), ("false", Json::Bool(false)), ("null", Json::Null)];
        match words.into_iter().find(|(word, _)| self.text[self.at..].starts_with(word)) {
            Some((word, value)) => {
                self.at += word.len();
                Ok(value)
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
        self.skip(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'));
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

/// Looks at every byte, so that many are looked at at once.
fn is_plain(text: &str) -> bool {
    text.bytes().fold(true, |all, b| all & matches!(b, b' '..=b'~') & (b != b'\\'))
}

/// The number grammar of RFC 8259, section 6.
fn is_number(text: &[u8]) -> bool {
    let (whole, rest) = digits(text.strip_prefix(b"-").unwrap_or(text));
    let (fraction, rest) = match rest.strip_prefix(b".") {
        Some(rest) => digits(rest),
        None => (&b"0"[..], rest),
    };
    let (exponent, rest) = match rest {
        [b'e' | b'E', b'+' | b'-', rest @ ..] | [b'e' | b'E', rest @ ..] => digits(rest),
        _ => (&b"0"[..], rest),
    };
    let no_leading_zero = whole == b"0" || !whole.starts_with(b"0");
    no_leading_zero && rest.is_empty() && [whole, fraction, exponent].iter().all(|digits| !digits.is_empty())
}

/// The digits a text begins with, and the rest.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().position(|b| !b.is_ascii_digit()).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_one_of_json() {
        for number in ["0", "-0", "10", "0.10", "-1.5e+10", "1E5", "1e-05", "0e0"] {
            assert!(is_number(number.as_bytes()), "{number}");
        }
        for other in
            ["", "-", "00", "01", "1.", ".5", "1e", "1e+", "+1", "1.2.3", "1e5.0", "--1", "1a", "1e1e1"]
        {
            assert!(!is_number(other.as_bytes()), "{other}");
        }
    }
}
