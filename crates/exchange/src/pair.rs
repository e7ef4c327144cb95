//! Virtual secrets: made here, in the form the exchange's own secrets have, so that any client accepts them.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use seal::{Key as RandomKey, SecretText};
use serde::Deserialize;

use crate::Definition;

/// The form of an exchange's secrets.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretShape {
    alphabet: String,
    length: usize,
}

impl Definition {
    /// A secret in this exchange's form from 32 bytes of a cryptographic random source.
    ///
    /// The bytes are stretched with HMAC-SHA256 over a counter, and bytes that would favour some letters are
    /// skipped; so the text holds all 256 bits and is the same for the same bytes.
    pub fn virtual_secret(&self, random: &RandomKey) -> SecretText {
        let SecretShape { alphabet, length } = &self.secret_shape;
        let letters = alphabet.as_bytes();
        let fair = 256 - 256 % letters.len();
        let key = Key::new(HMAC_SHA256, random.expose());
        let mut text = String::with_capacity(*length);
        let blocks = (0u32..).map(|counter| sign(&key, &counter.to_be_bytes()));
        for block in blocks {
            for byte in block.as_ref().iter().map(|b| usize::from(*b)).filter(|b| *b < fair) {
                if text.len() == *length {
                    return text.into();
                }
                text.push(char::from(letters[byte % letters.len()]));
            }
        }
        text.into()
    }
}

impl SecretShape {
    /// A secret must hold at least 128 bits and be plain text.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let mut letters = self.alphabet.clone().into_bytes();
        letters.sort_unstable();
        letters.dedup();
        let plain = letters.iter().all(u8::is_ascii_alphanumeric) && letters.len() == self.alphabet.len();
        match plain && (16..=62).contains(&letters.len()) && (32..=128).contains(&self.length) {
            true => Ok(()),
            false => Err("a virtual secret has 32 to 128 letters of an alphabet of 16 to 62 different ones"),
        }
    }
}
