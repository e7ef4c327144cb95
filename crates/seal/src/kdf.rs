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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors_and_ceilings_are_exact() {
        for (memory, passes) in [(47_104, 1), (19_456, 2), (65_536, 3), (1_048_576, 10)] {
            assert!(Kdf::argon2id(memory, passes).is_ok(), "{memory} {passes}");
        }
        let refused =
            [(47_103, 1), (19_455, 2), (19_455, 10), (65_536, 0), (1_048_577, 3), (65_536, 11), (0, 0)];
        for (memory, passes) in refused {
            assert_eq!(Kdf::argon2id(memory, passes), Err(KdfError), "{memory} {passes}");
        }
        assert!(Kdf::pbkdf2_sha256(600_000).is_ok() && Kdf::pbkdf2_sha256(10_000_000).is_ok());
        assert!(Kdf::pbkdf2_sha512(220_000).is_ok() && Kdf::pbkdf2_sha512(10_000_000).is_ok());
        for iterations in [0, 100_000, 599_999, 10_000_001, u32::MAX] {
            assert_eq!(Kdf::pbkdf2_sha256(iterations), Err(KdfError));
        }
        for iterations in [0, 219_999, 10_000_001] {
            assert_eq!(Kdf::pbkdf2_sha512(iterations), Err(KdfError));
        }
    }

    #[test]
    fn the_default_is_64_mib_three_passes_one_lane() {
        assert_eq!(Kdf::default().to_string(), "argon2id$v=19,m=65536,t=3,p=1");
        assert_eq!(Kdf::argon2id(65_536, 3), Ok(Kdf::DEFAULT));
    }

    #[test]
    fn parameters_have_one_form() {
        for good in ["argon2id$v=19,m=65536,t=3,p=1", "pbkdf2-sha256$i=600000", "pbkdf2-sha512$i=220000"] {
            assert_eq!(Kdf::parse(good).unwrap().to_string(), good);
        }
        let refused = [
            "",
            "argon2id",
            "argon2i$v=19,m=65536,t=3,p=1",
            "argon2id$v=16,m=65536,t=3,p=1",
            "argon2id$v=19,m=65536,t=3,p=2",
            "argon2id$v=19,m=65536,t=3",
            "argon2id$v=19,t=3,m=65536,p=1",
            "argon2id$v=19,m=065536,t=3,p=1",
            "argon2id$v=19,m=65536,t=3,p=1,",
            "argon2id$v=19,m=65536,t=3,p=1 ",
            "argon2id$v=19,m=1024,t=3,p=1",
            "pbkdf2-sha256$i=100000",
            "pbkdf2-sha256$600000",
            "pbkdf2-sha1$i=600000",
        ];
        for other in refused {
            assert_eq!(Kdf::parse(other), Err(KdfError), "{other}");
        }
    }

    #[test]
    fn password_salt_and_parameters_all_matter() {
        let light = Kdf::argon2id(19_456, 2).unwrap();
        let derive =
            |kdf: Kdf, password: &[u8], salt: &[u8]| *kdf.derive(password, salt).ok().unwrap().expose();
        let base = derive(light, b"password", &[1; 16]);
        assert_eq!(base, derive(light, b"password", &[1; 16]));
        assert_ne!(base, derive(light, b"Password", &[1; 16]));
        assert_ne!(base, derive(light, b"password", &[2; 16]));
        assert_ne!(base, derive(Kdf::argon2id(19_456, 3).unwrap(), b"password", &[1; 16]));
        assert_ne!(base, derive(Kdf::argon2id(19_464, 2).unwrap(), b"password", &[1; 16]));
    }

    #[test]
    fn a_short_salt_is_refused() {
        for length in [0, 8, 15, 65] {
            assert_eq!(Kdf::DEFAULT.derive(b"password", &vec![1; length]).err(), Some(KdfError));
        }
    }
}
