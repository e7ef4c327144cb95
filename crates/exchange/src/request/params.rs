//! `name=value&name=value`, in a query or a form body, kept as the client wrote it.
//!
//! Accepted is only what every parser reads alike: no name without `=`, no second `=`, no empty piece, no raw `;`,
//! no broken percent encoding, no control character, no name twice. So the pieces joined by `&` are the text again,
//! and where a query and a body are signed as one text, it can be cut into the two in one way only.

use std::{borrow::Cow, ops::Range};

use serde::Deserialize;

use super::{Part, Refusal, Setting};

/// Parsed parameters over their own text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params {
    text: String,
    items: Vec<Param>,
}

/// One parameter: decoded name and value, and where its piece stands in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Param {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(super) piece: Range<usize>,
}

/// What an endpoint allows beyond one plain value for each name.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Allowed<'a> {
    /// The parameters that may stand several times.
    pub(crate) repeated: &'a [String],
    /// A bare `=` inside a value, as in page cursors.
    pub(crate) equals: bool,
}

/// How a query is written in what is signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum QueryForm {
    /// As it is sent.
    #[default]
    Encoded,
    /// Percent-decoded.
    Decoded,
    /// Encoded anew, as JavaScript's `encodeURIComponent` does; brackets of names stay bare.
    Component,
    /// Encoded anew with capital escapes, sorted by name.
    Sorted,
}

const MAX_TEXT: usize = 8 * 1024;
const MAX_ITEMS: usize = 128;

impl Params {
    /// Reads `text`, a query or a form.
    pub(crate) fn parse(text: &str, part: Part, allowed: Allowed<'_>) -> Result<Params, Refusal> {
        if text.len() > MAX_TEXT {
            return Err(Refusal::new(part, "longer than 8 KiB"));
        }
        let mut params = Params { text: text.to_owned(), items: Vec::new() };
        if text.is_empty() {
            return Ok(params);
        }
        let mut start = 0;
        for piece in text.split('&') {
            let (name, value) = read_piece(piece, part, allowed.equals)?;
            let twice = params.items.iter().any(|own| own.name.eq_ignore_ascii_case(&name));
            if twice && !allowed.repeated.contains(&name) {
                return Err(Refusal::field(part, &name, "given twice"));
            }
            params.items.push(Param { name, value, piece: start..start + piece.len() });
            start += piece.len() + 1;
        }
        match params.items.len() > MAX_ITEMS {
            true => Err(Refusal::new(part, "more than 128 parameters")),
            false => Ok(params),
        }
    }

    /// The text as the client wrote it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The parameters in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Param> {
        self.items.iter()
    }

    /// The decoded value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.items.iter().find(|item| item.name == name).map(|item| item.value.as_str())
    }

    /// The text without the named parameters.
    pub(crate) fn without(&self, names: &[&str]) -> String {
        let kept = self.items.iter().filter(|item| !names.contains(&item.name.as_str()));
        join(kept.map(|item| Cow::Borrowed(&self.text[item.piece.clone()])))
    }

    /// The text with each setting in the place of its namesake, or in front or behind if it has none, and without
    /// the parameters `dropped`.
    pub(crate) fn with(&self, settings: &[Setting<'_>], dropped: &[&str]) -> String {
        let piece = |set: &Setting<'_>| Cow::Owned(format!("{}={}", set.name, escape(&set.value)));
        let absent = |last: bool| {
            settings.iter().filter(move |set| set.last == last && self.get(set.name).is_none()).map(piece)
        };
        let kept = self.items.iter().filter(|item| !dropped.contains(&item.name.as_str()));
        let kept = kept.map(|item| match settings.iter().find(|set| set.name == item.name) {
            Some(set) => piece(set),
            None => Cow::Borrowed(&self.text[item.piece.clone()]),
        });
        join(absent(false).chain(kept).chain(absent(true)))
    }

    /// The text as it stands in what is signed.
    pub(crate) fn written(&self, form: QueryForm) -> Cow<'_, str> {
        let pair = |name: &str, value: &str| Cow::Owned(format!("{name}={value}"));
        let mut items: Vec<&Param> = self.items.iter().collect();
        match form {
            QueryForm::Encoded => Cow::Borrowed(&self.text),
            QueryForm::Decoded => Cow::Owned(join(items.iter().map(|item| pair(&item.name, &item.value)))),
            QueryForm::Component => {
                Cow::Owned(join(items.iter().map(|item| pair(&item.name, &component(&item.value)))))
            }
            QueryForm::Sorted => {
                items.sort_by(|a, b| a.name.cmp(&b.name));
                Cow::Owned(join(items.iter().map(|item| pair(&escape(&item.name), &escape(&item.value)))))
            }
        }
    }

    /// The decoded text, for clients that sign before they encode. Only if it names the same pairs when it
    /// is itself read as parameters: otherwise one signature would fit two meanings.
    pub(crate) fn decoded(&self, without: &str) -> Option<String> {
        let kept: Vec<_> = self.items.iter().filter(|item| item.name != without).collect();
        let text = join(kept.iter().map(|item| Cow::Owned(format!("{}={}", item.name, item.value))));
        let ambiguous = |item: &&Param| item.value.contains(['&', '=', '%', '+', ';']);
        (!kept.iter().any(ambiguous)).then_some(text)
    }
}

fn join<'a>(pieces: impl Iterator<Item = Cow<'a, str>>) -> String {
    let mut text = String::new();
    for piece in pieces {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(&piece);
    }
    text
}

/// Percent-encodes everything but letters, digits and `-._~`.
pub(crate) fn escape(text: &str) -> String {
    encode(text, b"-._~")
}

/// JavaScript's `encodeURIComponent`.
pub(crate) fn component(text: &str) -> String {
    encode(text, b"-_.!~*'()")
}

fn encode(text: &str, bare: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for b in text.bytes() {
        match b.is_ascii_alphanumeric() || bare.contains(&b) {
            true => encoded.push(char::from(b)),
            false => encoded.push_str(&format!("%{b:02X}")),
        }
    }
    encoded
}

fn read_piece(piece: &str, part: Part, equals: bool) -> Result<(String, String), Refusal> {
    let (raw_name, raw_value) = piece.split_once('=').ok_or(Refusal::new(part, "a parameter without ="))?;
    let name = read_name(raw_name).map_err(|reason| Refusal::new(part, reason))?;
    let value = decode(raw_value, part, equals).map_err(|reason| Refusal::field(part, &name, reason))?;
    Ok((name, value))
}

/// Names are plain words; `[` and `]` may be percent-encoded, nothing else needs to be.
fn read_name(raw: &str) -> Result<String, &'static str> {
    let name = raw.replace("%5B", "[").replace("%5b", "[").replace("%5D", "]").replace("%5d", "]");
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_.-[]".contains(&b);
    match name.len() {
        1..=64 if name.bytes().all(plain) => Ok(name),
        _ => Err("a parameter name is 1 to 64 letters, digits and _.-[]"),
    }
}

/// A raw quote is no part of any URL, but ccxt writes JSON into form bodies with it.
fn decode(raw: &str, part: Part, equals: bool) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(b) = rest.next() {
        bytes.push(match b {
            b'%' => {
                let (high, low) = (rest.next().and_then(hex), rest.next().and_then(hex));
                high.zip(low).map(|(high, low)| high << 4 | low).ok_or("broken percent encoding")?
            }
            b'+' => b' ',
            b'"' if part == Part::Body => b,
            b'=' if equals => b,
            b'!' | b'$'..=b':' | b'?'..=b'[' | b']'..=b'~' => b,
            _ => return Err("a character that must be percent-encoded"),
        });
    }
    let text = String::from_utf8(bytes).map_err(|_| "not UTF-8")?;
    match text.chars().any(char::is_control) {
        true => Err("a control character"),
        false => Ok(text),
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Params, Refusal> {
        Params::parse(text, Part::Query, Allowed::default())
    }

    #[test]
    fn values_are_decoded_and_the_text_is_kept() {
        let params = parse("a=b%20c&d=e+f&g=&h=1%3D2").unwrap();
        assert_eq!(params.get("a"), Some("b c"));
        assert_eq!(params.get("d"), Some("e f"));
        assert_eq!(params.get("g"), Some(""));
        assert_eq!(params.get("h"), Some("1=2"));
        assert_eq!(params.text(), "a=b%20c&d=e+f&g=&h=1%3D2");
    }

    #[test]
    fn a_parameter_is_replaced_where_it_stands_and_inserted_in_front_otherwise() {
        let params = parse("b=1&timestamp=2&signature=x&c=%2f").unwrap();
        let set = |last| [Setting { name: "timestamp", value: "9:9".to_owned(), last }];
        assert_eq!(params.with(&set(false), &["signature"]), "b=1&timestamp=9%3A9&c=%2f");
        assert_eq!(parse("b=1").unwrap().with(&set(false), &[]), "timestamp=9%3A9&b=1");
        assert_eq!(parse("b=1").unwrap().with(&set(true), &[]), "b=1&timestamp=9%3A9");
        assert_eq!(parse("").unwrap().with(&set(true), &[]), "timestamp=9%3A9");
    }

    #[test]
    fn a_repeated_name_is_refused_unless_it_is_declared() {
        assert_eq!(parse("a=1&A=2").unwrap_err().reason, "given twice");
        let repeated = ["id".to_owned()];
        let allowed = Allowed { repeated: &repeated, equals: false };
        assert!(Params::parse("id=1&id=2", Part::Query, allowed).is_ok());
    }

    #[test]
    fn a_refusal_names_the_field_and_not_the_value() {
        let refusal = parse("symbol=secret%zz").unwrap_err();
        assert_eq!(refusal.field, "symbol");
        assert!(!refusal.to_string().contains("secret"));
    }

    #[test]
    fn a_query_is_written_in_each_form() {
        let params = parse("b=%c3%a9+x&a%5B%5D=(1)").unwrap();
        assert_eq!(params.written(QueryForm::Encoded), "b=%c3%a9+x&a%5B%5D=(1)");
        assert_eq!(params.written(QueryForm::Decoded), "b=é x&a[]=(1)");
        assert_eq!(params.written(QueryForm::Component), "b=%C3%A9%20x&a[]=(1)");
        assert_eq!(params.written(QueryForm::Sorted), "a%5B%5D=%281%29&b=%C3%A9%20x");
    }

    #[test]
    fn the_decoded_text_is_only_given_if_it_means_the_same() {
        assert_eq!(parse("a=b%20c%2Fd").unwrap().decoded("signature").as_deref(), Some("a=b c/d"));
        for text in ["a=b%26c", "a=b%3Dc", "a=b%2526c", "a=b%2Bc", "a=b%3Bc"] {
            assert_eq!(parse(text).unwrap().decoded("signature"), None, "{text}");
        }
    }
}
