//! Password-based key derivation with floors and ceilings in code. Parameters are stored next to
//! what they protect, so they are checked before every use: below the floor an attacker who edits
//! the row would make guessing cheap, above the ceiling they would make us do the work.

use std::fmt;
use std::num::NonZeroU32;

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::pbkdf2;

use crate::{Key, text};

/// A checked set of parameters; values below the floors do not exist.
///
/// Floors: OWASP Password Storage Cheat Sheet and ASVS 5.0 appendix C.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Kdf(Form);

/// The parameters are refused: below a floor, above a ceiling, or malformed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KdfError;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    Argon2id { memory_kib: u32, passes: u32 },
    Pbkdf2Sha256 { iterations: NonZeroU32 },
    Pbkdf2Sha512 { iterations: NonZeroU32 },
}

impl Kdf {
    /// Argon2id with 64 MiB, three passes, one lane.
    pub const DEFAULT: Self = Self(Form::Argon2id { memory_kib: 64 * 1024, passes: 3 });

    /// Argon2id with one lane: at least 46 MiB and one pass, or 19 MiB and two; at most 1 GiB and ten.
    pub fn argon2id(memory_kib: u32, passes: u32) -> Result<Self, KdfError> {
        let strong = (memory_kib >= 47_104 && passes >= 1) || (memory_kib >= 19_456 && passes >= 2);
        let bearable = memory_kib <= 1024 * 1024 && passes <= 10;
        if strong && bearable { Ok(Self(Form::Argon2id { memory_kib, passes })) } else { Err(KdfError) }
    }

    /// PBKDF2-HMAC-SHA-256: 600 000 to 10 million iterations.
    pub fn pbkdf2_sha256(iterations: u32) -> Result<Self, KdfError> {
        let iterations = checked_iterations(iterations, 600_000)?;
        Ok(Self(Form::Pbkdf2Sha256 { iterations }))
    }

    /// PBKDF2-HMAC-SHA-512: 220 000 to 10 million iterations.
    pub fn pbkdf2_sha512(iterations: u32) -> Result<Self, KdfError> {
        let iterations = checked_iterations(iterations, 220_000)?;
        Ok(Self(Form::Pbkdf2Sha512 { iterations }))
    }

    /// Reads what [`fmt::Display`] wrote, and nothing else.
    pub fn parse(encoded: &str) -> Result<Self, KdfError> {
        let (name, parameters) = encoded.split_once('$').ok_or(KdfError)?;
        let value = |text: &str, key: &str| {
            text.strip_prefix(key).and_then(|value| text::number(value).ok()).ok_or(KdfError)
        };
        match name {
            "argon2id" => {
                let rest = parameters.strip_prefix("v=19,").ok_or(KdfError)?;
                let rest = rest.strip_suffix(",p=1").ok_or(KdfError)?;
                let (memory, passes) = rest.split_once(',').ok_or(KdfError)?;
                Self::argon2id(value(memory, "m=")?, value(passes, "t=")?)
            }
            "pbkdf2-sha256" => Self::pbkdf2_sha256(value(parameters, "i=")?),
            "pbkdf2-sha512" => Self::pbkdf2_sha512(value(parameters, "i=")?),
            _ => Err(KdfError),
        }
    }

    /// Derives 32 bytes. The salt has at least 16 bytes, or it is refused.
    pub fn derive(&self, password: &[u8], salt: &[u8]) -> Result<Key, KdfError> {
        if !(16..=64).contains(&salt.len()) {
            return Err(KdfError);
        }
        match self.0 {
            Form::Argon2id { memory_kib, passes } => argon2id(memory_kib, passes, password, salt),
            Form::Pbkdf2Sha256 { iterations } => {
                Ok(pbkdf2(pbkdf2::PBKDF2_HMAC_SHA256, iterations, password, salt))
            }
            Form::Pbkdf2Sha512 { iterations } => {
                Ok(pbkdf2(pbkdf2::PBKDF2_HMAC_SHA512, iterations, password, salt))
            }
        }
    }
}

impl Default for Kdf {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// `argon2id$v=19,m=65536,t=3,p=1`, `pbkdf2-sha256$i=600000` or `pbkdf2-sha512$i=220000`: the one
/// form that is stored and authenticated.
impl fmt::Display for Kdf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Form::Argon2id { memory_kib, passes } => write!(f, "argon2id$v=19,m={memory_kib},t={passes},p=1"),
            Form::Pbkdf2Sha256 { iterations } => write!(f, "pbkdf2-sha256$i={iterations}"),
            Form::Pbkdf2Sha512 { iterations } => write!(f, "pbkdf2-sha512$i={iterations}"),
        }
    }
}

impl fmt::Display for KdfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the key derivation parameters are refused")
    }
}

impl std::error::Error for KdfError {}

fn checked_iterations(iterations: u32, floor: u32) -> Result<NonZeroU32, KdfError> {
    NonZeroU32::new(iterations).filter(|n| (floor..=10_000_000).contains(&n.get())).ok_or(KdfError)
}

fn argon2id(memory_kib: u32, passes: u32, password: &[u8], salt: &[u8]) -> Result<Key, KdfError> {
    let parameters = Params::new(memory_kib, passes, 1, Some(32)).map_err(|_| KdfError)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
    let mut derived = Ok(());
    let key = Key::filled(|key| derived = argon2.hash_password_into(password, salt, key));
    derived.map(|()| key).map_err(|_| KdfError)
}

fn pbkdf2(algorithm: pbkdf2::Algorithm, iterations: NonZeroU32, password: &[u8], salt: &[u8]) -> Key {
    Key::filled(|key| pbkdf2::derive(algorithm, iterations, salt, password, key))
}
