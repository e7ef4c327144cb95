//! Percent encoding of names and values, read strictly and written in the ways exchanges sign it.

use std::borrow::Cow;

use super::Part;

/// What `escape` and `component` leave bare beside letters and digits.
pub(super) const BARE: &[u8] = b"-._~";
pub(super) const COMPONENT: &[u8] = b"-_.!~*'()";

/// Percent-encodes everything but letters, digits and `-._~`.
pub(crate) fn escape(text: &str) -> String {
    encode(text, BARE)
}

/// JavaScript's `encodeURIComponent`.
pub(crate) fn component(text: &str) -> String {
    encode(text, COMPONENT)
}

fn encode(text: &str, bare: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    push_encoded(&mut encoded, text, bare);
    encoded
}

/// Percent-encodes everything but letters, digits and `bare`, behind another text.
pub(super) fn push_encoded(encoded: &mut String, text: &str, bare: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
    let is_bare = |b: u8| b.is_ascii_alphanumeric() || bare.contains(&b);
    if text.bytes().all(is_bare) {
        return encoded.push_str(text);
    }
    for b in text.bytes() {
        match is_bare(b) {
            true => encoded.push(char::from(b)),
            false => encoded.extend(['%', digit(b >> 4), digit(b)]),
        }
    }
}

/// Names are plain words; `[` and `]` may be percent-encoded, nothing else needs to be.
pub(super) fn read_name(raw: &str) -> Result<Cow<'_, str>, &'static str> {
    let plain = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-[]".contains(&b));
    let name = match plain(raw) {
        true => Cow::Borrowed(raw),
        false => {
            let name = raw.replace("%5B", "[").replace("%5b", "[").replace("%5D", "]").replace("%5d", "]");
            Cow::Owned(name)
        }
    };
    match name.len() {
        1..=64 if matches!(name, Cow::Borrowed(_)) || plain(&name) => Ok(name),
        _ => Err("a parameter name is 1 to 64 letters, digits and _.-[]"),
    }
}

/// A raw quote is no part of any URL, but ccxt writes JSON into form bodies with it.
pub(super) fn decode(raw: &str, part: Part, equals: bool) -> Result<Cow<'_, str>, &'static str> {
    let bare = |b: u8| match b {
        b'%' | b'+' => false,
        b'"' => part == Part::Body,
        b'=' => equals,
        b'!' | b'$'..=b':' | b'?'..=b'[' | b']'..=b'~' => true,
        _ => false,
    };
    if raw.bytes().all(bare) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(b) = rest.next() {
        bytes.push(match b {
            b'%' => {
                let (high, low) = (rest.next().and_then(hex), rest.next().and_then(hex));
                high.zip(low).map(|(high, low)| high << 4 | low).ok_or("broken percent encoding")?
            }
            b'+' => b' ',
            _ if bare(b) => b,
            _ => return Err("a character that must be percent-encoded"),
        });
    }
    let text = String::from_utf8(bytes).map_err(|_| "not UTF-8")?;
    match text.chars().any(char::is_control) {
        true => Err("a control character"),
        false => Ok(Cow::Owned(text)),
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
