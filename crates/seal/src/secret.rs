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
