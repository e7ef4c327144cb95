//! Tokens that callers show: access keys of programs, and opaque tokens (sessions, refresh, setup
//! links). Only their SHA-256 is stored; a fast hash is right for values of 190 bits and more.
//!
//! An access key is `kg_` ‖ id (8) ‖ secret (32) ‖ checksum (6), all base62. The checksum is the
//! CRC-32 of everything before it: scanners and we ourselves can tell a typo without a lookup.

use std::fmt;

use crate::random::{self, BASE62};
use crate::{SecretText, mac, text};

/// A fresh access key: shown once, stored as prefix and hash.
pub struct AccessKey {
    /// The whole token.
    pub token: SecretText,
    /// What the database keeps of it.
    pub stored: StoredAccessKey,
}

/// What may be kept of an access key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredAccessKey {
    /// `kg_` and the id: public.
    pub prefix: String,
    /// SHA-256 of the whole token, 64 hex digits.
    pub hash: String,
}

/// A fresh opaque token: 256 bits, shown once.
pub struct Opaque {
    /// 43 characters of unpadded url-safe base64.
    pub token: SecretText,
    /// SHA-256 of the token's text, 64 hex digits.
    pub hash: String,
}

/// The text is not a token of this form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TokenError;

impl AccessKey {
    /// A fresh key.
    pub fn generate() -> Self {
        let random = random::base62(ID + SECRET);
        let mut token = String::with_capacity(LENGTH);
        token.push_str(PREFIX);
        token.push_str(random.expose());
        token.push_str(&checksum(token.as_bytes()));
        let stored = StoredAccessKey::of(&token);
        Self { token: SecretText::from(token), stored }
    }
}

impl StoredAccessKey {
    /// Reads a token as a caller sent it. The checksum is looked at first, so garbage costs no hash
    /// and no lookup.
    pub fn parse(token: &str) -> Result<Self, TokenError> {
        let body = token.strip_prefix(PREFIX).ok_or(TokenError)?;
        if token.len() != LENGTH || !body.bytes().all(|letter| BASE62.contains(&letter)) {
            return Err(TokenError);
        }
        let (signed, sum) = token.split_at(LENGTH - CHECKSUM);
        if checksum(signed.as_bytes()) == sum { Ok(Self::of(token)) } else { Err(TokenError) }
    }

    fn of(token: &str) -> Self {
        let prefix = token.chars().take(PREFIX.len() + ID).collect();
        Self { prefix, hash: mac::sha256_hex(token.as_bytes()) }
    }
}

impl Opaque {
    /// A fresh token.
    pub fn generate() -> Self {
        let token = SecretText::from(text::b64url(random::key().expose()));
        let hash = mac::sha256_hex(token.expose().as_bytes());
        Self { token, hash }
    }

    /// The hash of a token as a caller sent it, if it has the form of one.
    pub fn parse(token: &str) -> Result<String, TokenError> {
        let bytes = text::from_b64url(token).map_err(|_| TokenError)?;
        if bytes.len() == 32 { Ok(mac::sha256_hex(token.as_bytes())) } else { Err(TokenError) }
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is not a token")
    }
}

impl std::error::Error for TokenError {}

const PREFIX: &str = "kg_";
const ID: usize = 8;
const SECRET: usize = 32;
const CHECKSUM: usize = 6;
const LENGTH: usize = PREFIX.len() + ID + SECRET + CHECKSUM;

/// CRC-32 as six base62 digits, most significant first.
fn checksum(bytes: &[u8]) -> String {
    let mut rest = crc32(bytes);
    let mut digits = ['0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = char::from(BASE62[rest as usize % BASE62.len()]);
        rest /= 62;
    }
    digits.iter().collect()
}

/// CRC-32 of zlib and Ethernet (reflected, polynomial 0xEDB88320).
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_key_parses_to_what_is_stored() {
        let key = AccessKey::generate();
        assert_eq!(StoredAccessKey::parse(key.token.expose()).unwrap(), key.stored);
        assert_eq!((key.token.expose().len(), key.stored.prefix.len(), key.stored.hash.len()), (49, 11, 64));
        assert!(key.token.expose().starts_with(&key.stored.prefix));
        assert_eq!(key.stored.hash, mac::sha256_hex(key.token.expose().as_bytes()));
    }

    #[test]
    fn what_is_stored_does_not_contain_the_secret() {
        let key = AccessKey::generate();
        let secret = &key.token.expose()[11..];
        assert!(!format!("{:?}", key.stored).contains(&secret[..8]));
    }

    #[test]
    fn every_typo_is_noticed_before_any_lookup() {
        let key = AccessKey::generate();
        let token = key.token.expose().as_bytes();
        for place in 0..token.len() {
            for letter in 0..=u8::MAX {
                let mut typo = token.to_vec();
                typo[place] = letter;
                let typo = String::from_utf8_lossy(&typo);
                assert!(typo.as_bytes() == token || StoredAccessKey::parse(&typo).is_err(), "{typo}");
            }
            let text = key.token.expose();
            assert!(StoredAccessKey::parse(&text[..place]).is_err());
            assert!(StoredAccessKey::parse(&format!("{}{}", &text[..place], &text[place + 1..])).is_err());
        }
        assert!(StoredAccessKey::parse(&format!("{}0", key.token.expose())).is_err());
    }

    #[test]
    fn a_checksum_is_six_digits_at_both_ends_of_its_range() {
        assert_eq!(checksum(b""), "000000");
        assert_eq!(checksum(&[0xff, 0xff, 0xff, 0xff]), "4gfFC3");
    }

    #[test]
    fn an_opaque_token_parses_to_its_hash() {
        let token = Opaque::generate();
        assert_eq!(Opaque::parse(token.token.expose()).unwrap(), token.hash);
        assert_ne!(Opaque::generate().hash, token.hash);
        assert_eq!(token.token.expose().len(), 43);
    }

    #[test]
    fn an_opaque_token_has_one_form() {
        let token = Opaque::generate();
        let text = token.token.expose();
        let padded = format!("{text}=");
        for other in ["", "AAAA", &text[..42], &padded, &format!("{text}A"), &format!(" {text}")] {
            assert_eq!(Opaque::parse(other), Err(TokenError), "{other}");
        }
    }
}
