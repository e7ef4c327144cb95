//! What makes two equal requests differ at exchanges that demand it.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid, Variant};

/// The kind of nonce an endpoint wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NonceKind {
    /// A random UUID, version 4. Never used twice.
    Uuid4,
    /// 16 random bytes in hexadecimal.
    Hex16,
    /// Seconds since 1970, strictly increasing per API key: see [`NonceKind::is_counter`].
    Seconds,
    /// Milliseconds since 1970, strictly increasing per API key.
    Millis,
}

impl NonceKind {
    /// Whether each nonce must be greater than the one before. Then the caller keeps the last one per key and
    /// takes `max(last + 1, text(now))`, and requests leave in the order of their nonces.
    pub fn is_counter(self) -> bool {
        matches!(self, NonceKind::Seconds | NonceKind::Millis)
    }

    /// The natural nonce for a moment (milliseconds since 1970) and 16 random bytes.
    pub fn text(self, now_ms: u64, random: [u8; 16]) -> String {
        match self {
            NonceKind::Uuid4 => Builder::from_random_bytes(random).into_uuid().to_string(),
            NonceKind::Hex16 => HEXLOWER.encode(&random),
            NonceKind::Seconds => (now_ms / 1000).to_string(),
            NonceKind::Millis => now_ms.to_string(),
        }
    }

    /// Whether `text` has this form.
    pub(super) fn fits(self, text: &str) -> bool {
        match self {
            NonceKind::Uuid4 => Uuid::try_parse(text).is_ok_and(|uuid| {
                text.len() == 36 && uuid.get_version_num() == 4 && uuid.get_variant() == Variant::RFC4122
            }),
            NonceKind::Hex16 => {
                (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
            }
            NonceKind::Seconds | NonceKind::Millis => {
                (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
            }
        }
    }
}
