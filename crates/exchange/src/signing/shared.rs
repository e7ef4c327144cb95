//! Shared secrets: how their text becomes the key of a MAC.

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_STANDARD};
use seal::SecretBytes;
use serde::{Deserialize, Serialize};

use super::Hash;

/// How the text of a shared secret becomes key bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretForm {
    /// The text itself.
    #[default]
    Utf8,
    /// The text in capitals (Coinone v2, and ccxt for every version).
    Upper,
    /// The bytes whose base64 the text is.
    Base64,
}

/// `None` if the text does not have the form.
pub(super) fn hmac_key(secret: &str, hash: Hash, form: SecretForm) -> Option<hmac::Key> {
    let algorithm = match hash {
        Hash::Sha256 => hmac::HMAC_SHA256,
        Hash::Sha384 => hmac::HMAC_SHA384,
        Hash::Sha512 => hmac::HMAC_SHA512,
    };
    let bytes = match form {
        SecretForm::Utf8 => return Some(hmac::Key::new(algorithm, secret.as_bytes())),
        SecretForm::Upper => SecretBytes::from(secret.to_ascii_uppercase().into_bytes()),
        SecretForm::Base64 => SecretBytes::from(BASE64_STANDARD.decode(secret).ok()?),
    };
    Some(hmac::Key::new(algorithm, bytes.expose()))
}
