//! Virtual pairs: made here, in the form the exchange's own keys have, so that any client accepts them.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use seal::{Key as RandomKey, SecretText};
use serde::Deserialize;

use crate::{Definition, Field, signing};

/// The private part of a virtual pair.
pub struct VirtualPair {
    /// What the client library takes for the exchange's secret.
    pub secret: SecretText,
    /// The same for a passphrase, where the exchange has one.
    pub passphrase: Option<SecretText>,
    /// Where the secret is a private key: its public half in PEM, which is all that is needed to check signatures.
    pub public_key_pem: Option<String>,
}

/// The form of an exchange's secrets.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum SecretShape {
    Text(TextShape),
    Key(KeyShape),
}

/// So many letters of an alphabet.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TextShape {
    alphabet: String,
    length: usize,
}

/// A private key in PEM.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyShape {
    kind: PemKind,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PemKind {
    Es256,
}

const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl Definition {
    /// A pair in this exchange's form from 32 bytes of a cryptographic random source: the same for the same bytes.
    pub fn virtual_pair(&self, random: &RandomKey) -> VirtualPair {
        let has_passphrase = self.fields().contains(&Field::Passphrase);
        let passphrase = has_passphrase.then(|| letters(random, b"passphrase", LETTERS, 24));
        let (secret, public_key_pem) = match &self.secret_shape {
            SecretShape::Text(shape) => (letters(random, b"", &shape.alphabet, shape.length), None),
            SecretShape::Key(KeyShape { kind: PemKind::Es256 }) => {
                let mut blocks = (0u32..).map(|counter| block(random, b"es256", counter));
                // all but one in 2^32 blocks are a scalar of the curve
                let (secret, public) = loop {
                    if let Some(pair) = blocks.next().and_then(|scalar| signing::es256_pair(&scalar)) {
                        break pair;
                    }
                };
                (secret, Some(public))
            }
        };
        VirtualPair { secret, passphrase, public_key_pem }
    }
}

impl SecretShape {
    /// A secret must hold at least 128 bits and be plain text.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let SecretShape::Text(TextShape { alphabet, length }) = self else { return Ok(()) };
        let mut letters = alphabet.clone().into_bytes();
        letters.sort_unstable();
        letters.dedup();
        let plain = letters.iter().all(u8::is_ascii_alphanumeric) && letters.len() == alphabet.len();
        match plain && (16..=62).contains(&letters.len()) && (32..=128).contains(length) {
            true => Ok(()),
            false => Err("a virtual secret has 32 to 128 letters of an alphabet of 16 to 62 different ones"),
        }
    }
}

/// So many letters, all equally likely: the bytes are stretched with HMAC-SHA256 over a counter, and bytes that would
/// favour some letters are skipped.
fn letters(random: &RandomKey, purpose: &[u8], alphabet: &str, length: usize) -> SecretText {
    let alphabet = alphabet.as_bytes();
    let fair = 256 - 256 % alphabet.len();
    let mut text = String::with_capacity(length);
    for counter in 0u32.. {
        for byte in block(random, purpose, counter).into_iter().map(usize::from).filter(|b| *b < fair) {
            if text.len() == length {
                return text.into();
            }
            text.push(char::from(alphabet[byte % alphabet.len()]));
        }
    }
    text.into()
}

fn block(random: &RandomKey, purpose: &[u8], counter: u32) -> [u8; 32] {
    let message = [purpose, &counter.to_be_bytes()].concat();
    let mut block = [0; 32];
    block.copy_from_slice(sign(&Key::new(HMAC_SHA256, random.expose()), &message).as_ref());
    block
}
