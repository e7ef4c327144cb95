//! Percent encoding of names and values, read strictly and written in the ways exchanges sign it.

use std::borrow::Cow;

use super::bare::Bare;

/// Percent-encodes everything but letters, digits and `-._~`.
pub(crate) fn escape(text: &str) -> String {
    encode(text, Bare::ESCAPED)
}

/// The same behind another text.
pub(crate) fn push_escaped(out: &mut String, text: &str) {
    push_encoded(out, text, Bare::ESCAPED);
}

/// JavaScript's `encodeURIComponent`.
pub(crate) fn component(text: &str) -> String {
    encode(text, Bare::COMPONENT)
}

fn encode(text: &str, bare: Bare) -> String {
    let mut encoded = String::with_capacity(text.len());
    push_encoded(&mut encoded, text, bare);
    encoded
}

/// Percent-encodes everything but letters, digits and `bare`, behind another text.
pub(super) fn push_encoded(encoded: &mut String, text: &str, bare: Bare) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
    if bare.is_all(text.as_bytes()) {
        return encoded.push_str(text);
    }
    for b in text.bytes() {
        match bare.may_hold(b) {
            true => encoded.push(char::from(b)),
            false => encoded.extend(['%', digit(b >> 4), digit(b)]),
        }
    }
}

/// Names are plain words; `[` and `]` may be percent-encoded, nothing else needs to be.
pub(super) fn read_name(raw: &str) -> Result<Cow<'_, str>, &'static str> {
    let plain = |name: &str| Bare::NAME.is_all(name.as_bytes());
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

/// A value, of which only what is bare may stand as it is.
pub(super) fn decode(raw: &str, bare: Bare) -> Result<Cow<'_, str>, &'static str> {
    if bare.is_all(raw.as_bytes()) {
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
            _ if bare.may_hold(b) => b,
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
