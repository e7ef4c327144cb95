//! What a caller sends, and what is kept of it: a MAC, because requests hold passwords, and a bare hash could be guessed.

use http::{HeaderMap, request::Parts};
use seal::mac;
use uuid::Uuid;

use super::HEADER;
use crate::{
    app::App,
    auth::{Manage, May},
    error::{Code, Result},
};

/// The key of a request, as its caller chose it.
pub struct Key(String);

impl Key {
    /// A string of structured fields (RFC 8941), as the draft has it, or without quotes, as clients send it.
    pub fn of(headers: &HeaderMap) -> Result<Key> {
        let wrong = || {
            Code::InvalidIdempotencyKey
                .with("Send one Idempotency-Key of 1 to 255 visible characters, such as a new UUID.")
        };
        let mut values = headers.get_all(HEADER).into_iter();
        let (Some(value), None) = (values.next(), values.next()) else { return Err(wrong()) };
        let text = value.to_str().map_err(|_| wrong())?.trim();
        let key = match text.strip_prefix('"') {
            Some(rest) => rest.strip_suffix('"').and_then(unescaped),
            None => text.bytes().all(is_plain).then(|| text.to_owned()),
        };
        key.filter(|key| (1..=LONGEST).contains(&key.len())).map(Key).ok_or_else(wrong)
    }

    pub fn mac(&self, app: &App, user: Uuid) -> [u8; 32] {
        mac::sign_parts(&app.keys.idempotency, &[b"key", user.as_bytes(), self.0.as_bytes()])
    }
}

/// The request and the role that makes it: somebody who has become less does not get what they were once answered.
pub fn request_mac(app: &App, may: &May<Manage>, parts: &Parts, body: &[u8]) -> [u8; 32] {
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let fields = [may.caller.role.text(), parts.method.as_str(), target].map(str::as_bytes);
    let lengths = fields.map(|field| (field.len() as u64).to_be_bytes());
    let mut all: Vec<&[u8]> = vec![b"request", may.caller.user.as_bytes()];
    for (length, field) in lengths.iter().zip(fields) {
        all.extend([&length[..], field]);
    }
    all.push(body);
    mac::sign_parts(&app.keys.idempotency, &all)
}

/// What stands between the quotes.
fn unescaped(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return None,
            '\\' => plain.push(characters.next().filter(|next| ['"', '\\'].contains(next))?),
            ' '..='~' => plain.push(character),
            _ => return None,
        }
    }
    Some(plain)
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"\\,;".contains(&byte)
}

const LONGEST: usize = 255;

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn key(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, HeaderValue::from_str(value).expect("a header"));
        }
        Key::of(&headers).ok().map(|key| key.0)
    }

    #[test]
    fn quoted_and_bare_keys_are_the_same_key() {
        assert_eq!(key(&["8e03978e-40d5"]).as_deref(), Some("8e03978e-40d5"));
        assert_eq!(key(&["\"8e03978e-40d5\""]).as_deref(), Some("8e03978e-40d5"));
        assert_eq!(key(&[r#""a \"b\" \\ c""#]).as_deref(), Some(r#"a "b" \ c"#));
        assert_eq!(key(&[&"k".repeat(255)]).map(|key| key.len()), Some(255));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let long = "k".repeat(256);
        for wrong in ["", "\"\"", "\"a", "a\"", "a b", "a;b=1", "\"a\";b=1", "a,b", r#""\n""#, "ä", &long] {
            assert_eq!(key(&[wrong]), None, "{wrong}");
        }
        assert_eq!(key(&["a", "a"]), None, "two of them");
    }
}
