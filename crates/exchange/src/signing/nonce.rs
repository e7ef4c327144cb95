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
    /// Microseconds since 1970, strictly increasing per API key.
    Micros,
    /// Nanoseconds since 1970, strictly increasing per API key.
    Nanos,
}

/// The unit a key counts its nonces in. Once a key was used with a finer unit, every coarser nonce is too small for
/// ever; so it is a property of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NonceUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
}

impl NonceUnit {
    /// The units finer than this kind of counter, the coarsest first: to be tried where an exchange says that a
    /// key's nonce is too small.
    pub fn finer_than(kind: NonceKind) -> impl Iterator<Item = NonceUnit> {
        let units = [NonceUnit::Millis, NonceUnit::Micros, NonceUnit::Nanos];
        units
            .into_iter()
            .filter(move |unit| kind.is_counter() && NonceKind::from(*unit).count(1000) > kind.count(1000))
    }
}

impl From<NonceUnit> for NonceKind {
    fn from(unit: NonceUnit) -> NonceKind {
        match unit {
            NonceUnit::Seconds => NonceKind::Seconds,
            NonceUnit::Millis => NonceKind::Millis,
            NonceUnit::Micros => NonceKind::Micros,
            NonceUnit::Nanos => NonceKind::Nanos,
        }
    }
}

impl NonceKind {
    /// Whether each nonce must be greater than the one before. Then the caller keeps the last one per key and
    /// takes `max(last + 1, count(now))`, and requests leave in the order of their nonces.
    pub fn is_counter(self) -> bool {
        !matches!(self, NonceKind::Uuid4 | NonceKind::Hex16)
    }

    /// The natural count of a counter for a moment in milliseconds since 1970; `None` for random kinds, and for
    /// moments whose count is too large.
    pub fn count(self, now_ms: u64) -> Option<u64> {
        match self {
            NonceKind::Uuid4 | NonceKind::Hex16 => None,
            NonceKind::Seconds => Some(now_ms / 1000),
            NonceKind::Millis => Some(now_ms),
            NonceKind::Micros => now_ms.checked_mul(1000),
            NonceKind::Nanos => now_ms.checked_mul(1_000_000),
        }
    }

    /// The natural nonce for a moment (milliseconds since 1970) and 16 random bytes.
    pub fn text(self, now_ms: u64, random: [u8; 16]) -> String {
        match self {
            NonceKind::Uuid4 => Builder::from_random_bytes(random).into_uuid().to_string(),
            NonceKind::Hex16 => HEXLOWER.encode(&random),
            _ => self.count(now_ms).unwrap_or(u64::MAX).to_string(),
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
            NonceKind::Seconds | NonceKind::Millis | NonceKind::Micros | NonceKind::Nanos => {
                (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
            }
        }
    }
}
