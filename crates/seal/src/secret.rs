//! [`Secret`]: a value on the heap that is wiped when dropped and cannot be printed, cloned,
//! compared with `==` or serialised. The box never moves its content, so passing a secret around
//! leaves no copies behind.

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::fmt;
use zeroize::Zeroize;

use crate::OpenError;

/// A secret value. Call [`Secret::expose`] as late as possible and keep the borrow short.
///
/// It cannot be printed:
/// ```compile_fail,E0277
/// let secret = seal::SecretText::from("hunter2".to_owned());
/// println!("{secret}");
/// ```
/// ```compile_fail,E0277
/// let secret = seal::SecretText::from("hunter2".to_owned());
/// println!("{secret:?}");
/// ```
/// nor cloned:
/// ```compile_fail,E0277
/// fn needs_clone<T: Clone>(_: T) {}
/// needs_clone(seal::SecretText::from("hunter2".to_owned()));
/// ```
/// nor serialised:
/// ```compile_fail,E0277
/// let secret = seal::SecretText::from("hunter2".to_owned());
/// serde_json::to_string(&secret).unwrap();
/// ```
/// nor compared in variable time:
/// ```compile_fail,E0369
/// let secret = seal::SecretText::from("hunter2".to_owned());
/// assert!(secret == seal::SecretText::from("hunter2".to_owned()));
/// ```
/// The same lines without the forbidden act compile:
/// ```
/// let secret = seal::SecretText::from("hunter2".to_owned());
/// assert!(secret.ct_eq(&seal::SecretText::from("hunter2".to_owned())));
/// ```
pub struct Secret<T: Zeroize + ?Sized>(Box<T>);

/// Secret bytes of any length.
pub type SecretBytes = Secret<[u8]>;

/// Secret text. Deserialises from a string, so that a request body parses straight into it.
pub type SecretText = Secret<str>;

/// A 256-bit key.
pub type Key = Secret<[u8; 32]>;

impl<T: Zeroize> Secret<T> {
    /// Takes a value. A value made on the stack leaves its stack copy behind: prefer
    /// [`Secret::filled`] for arrays.
    pub fn new(value: T) -> Self {
        Self(Box::new(value))
    }
}

impl<T: Zeroize + ?Sized> Secret<T> {
    /// The value itself.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize + AsRef<[u8]> + ?Sized> Secret<T> {
    /// Equality in time that depends on the lengths only.
    pub fn ct_eq(&self, other: &Self) -> bool {
        crate::mac::equal((*self.0).as_ref(), (*other.0).as_ref())
    }
}

impl<const N: usize> Secret<[u8; N]> {
    /// Makes a secret array in place, so that no stack copy exists.
    pub fn filled(fill: impl FnOnce(&mut [u8; N])) -> Self {
        let mut secret = Self(Box::new([0; N]));
        fill(&mut secret.0);
        secret
    }
}

impl SecretBytes {
    /// The same bytes as text, without a copy; refused unless they are UTF-8.
    pub fn into_text(mut self) -> Result<SecretText, OpenError> {
        match String::from_utf8(std::mem::take(&mut self.0).into_vec()) {
            Ok(text) => Ok(Secret(text.into_boxed_str())),
            Err(error) => {
                error.into_bytes().zeroize();
                Err(OpenError)
            }
        }
    }

    /// The same bytes as a 256-bit key; refused unless there are 32.
    pub fn into_key(self) -> Result<Key, OpenError> {
        let bytes: &[u8; 32] = self.expose().try_into().map_err(|_| OpenError)?;
        Ok(Key::filled(|key| key.copy_from_slice(bytes)))
    }
}

impl<T: Zeroize + ?Sized> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl From<Vec<u8>> for SecretBytes {
    /// Takes the buffer over; one with spare room is copied once and wiped.
    fn from(mut bytes: Vec<u8>) -> Self {
        if bytes.len() == bytes.capacity() {
            return Self(bytes.into_boxed_slice());
        }
        let exact = Box::from(bytes.as_slice());
        bytes.zeroize();
        Self(exact)
    }
}

impl From<String> for SecretText {
    /// Takes the buffer over; one with spare room is copied once and wiped.
    fn from(mut text: String) -> Self {
        if text.len() == text.capacity() {
            return Self(text.into_boxed_str());
        }
        let exact = Box::from(text.as_str());
        text.zeroize();
        Self(exact)
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_string(TextVisitor)
    }
}

/// Takes owned strings over and copies borrowed ones once, straight into the secret's box.
struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = SecretText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<SecretText, E> {
        Ok(Secret(Box::from(text)))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<SecretText, E> {
        Ok(SecretText::from(text))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_dropped_secret_is_wiped() {
        struct Probe<'c>(&'c Cell<u32>);
        impl Zeroize for Probe<'_> {
            fn zeroize(&mut self) {
                self.0.set(self.0.get() + 1);
            }
        }
        let wiped = Cell::new(0);
        let secret = Secret::new(Probe(&wiped));
        assert_eq!(wiped.get(), 0);
        drop(secret);
        assert_eq!(wiped.get(), 1);
    }

    #[test]
    fn taking_a_buffer_over_keeps_its_content_and_its_place() {
        let text = "hunter2".to_owned().into_boxed_str().into_string();
        let place = text.as_ptr();
        let secret = SecretText::from(text);
        assert_eq!((secret.expose(), secret.expose().as_ptr()), ("hunter2", place));
        let bytes = SecretBytes::from(Vec::from(*b"hunter2"));
        let place = bytes.expose().as_ptr();
        let text = bytes.into_text().ok().unwrap();
        assert_eq!((text.expose(), text.expose().as_ptr()), ("hunter2", place));
    }

    #[test]
    fn a_buffer_with_spare_room_keeps_its_content() {
        let mut text = String::with_capacity(100);
        text.push_str("hunter2");
        assert_eq!(SecretText::from(text).expose(), "hunter2");
        let mut bytes = Vec::with_capacity(100);
        bytes.extend_from_slice(b"hunter2");
        assert_eq!(SecretBytes::from(bytes).expose(), b"hunter2");
    }

    #[test]
    fn equality_needs_equal_length_and_content() {
        let secret = |bytes: &[u8]| SecretBytes::from(bytes.to_vec());
        assert!(secret(b"abc").ct_eq(&secret(b"abc")));
        assert!(secret(b"").ct_eq(&secret(b"")));
        for other in [&b"abd"[..], b"ab", b"abcd", b""] {
            assert!(!secret(b"abc").ct_eq(&secret(other)));
        }
    }

    #[test]
    fn a_request_body_parses_into_a_secret() {
        #[derive(serde::Deserialize)]
        struct Body {
            secret: SecretText,
        }
        let plain: Body = serde_json::from_str(r#"{"secret":"hunter2"}"#).unwrap();
        let escaped: Body = serde_json::from_str(r#"{"secret":"hunter\u0032"}"#).unwrap();
        assert!(plain.secret.ct_eq(&escaped.secret));
        let owned: SecretText = serde_json::from_value(serde_json::Value::from("hunter2")).unwrap();
        assert!(plain.secret.ct_eq(&owned));
        assert!(serde_json::from_str::<Body>(r#"{"secret":null}"#).is_err());
    }

    #[test]
    fn only_utf8_becomes_text_and_only_32_bytes_a_key() {
        assert!(SecretBytes::from(vec![0xff; 4]).into_text().is_err());
        for length in [0, 31, 33, 64] {
            assert!(SecretBytes::from(vec![7; length]).into_key().is_err());
        }
        assert_eq!(SecretBytes::from(vec![7; 32]).into_key().ok().unwrap().expose(), &[7; 32]);
    }
}
