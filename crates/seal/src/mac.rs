//! HMAC-SHA-256, keyed fingerprints, SHA-256 hex and equality in constant time.

use aws_lc_rs::{constant_time, digest, hmac};

use crate::{Key, text};

/// HMAC-SHA-256 of the message (RFC 2104).
pub fn sign(key: &Key, message: &[u8]) -> [u8; 32] {
    sign_parts(key, &[message])
}

/// HMAC-SHA-256 of the parts one after the other. Parts of variable length need their length in
/// front, or two different lists can have one MAC.
pub fn sign_parts(key: &Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key.expose()));
    parts.iter().for_each(|part| context.update(part));
    let mut tag = [0; 32];
    tag.copy_from_slice(context.sign().as_ref());
    tag
}

/// Checks a full 32-byte MAC in constant time; a shortened one is refused.
pub fn verify(key: &Key, message: &[u8], tag: &[u8]) -> bool {
    equal(&sign(key, message), tag)
}

/// Sixteen hex digits that are equal for equal secrets under one key, and say nothing without the
/// key: for finding duplicates and telling two secrets apart.
pub fn fingerprint(key: &Key, secret: &[u8]) -> String {
    text::hex(&sign_parts(key, &[b"kg1/fingerprint", secret])[..8])
}

/// SHA-256 as 64 lower-case hex digits. Only for values with at least 128 bits of entropy.
pub fn sha256_hex(value: &[u8]) -> String {
    text::hex(digest::digest(&digest::SHA256, value).as_ref())
}

/// Equality in time that depends on the lengths only.
pub fn equal(left: &[u8], right: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(left, right).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random;

    #[test]
    fn a_mac_is_verified_whole() {
        let key = random::key();
        let tag = sign(&key, b"message");
        assert!(verify(&key, b"message", &tag));
        assert!(!verify(&key, b"massage", &tag));
        assert!(!verify(&random::key(), b"message", &tag));
        for shortened in 0..32 {
            assert!(!verify(&key, b"message", &tag[..shortened]));
        }
        for bit in 0..256 {
            let mut tag = tag;
            tag[bit / 8] ^= 1 << (bit % 8);
            assert!(!verify(&key, b"message", &tag));
        }
    }

    #[test]
    fn parts_are_signed_one_after_the_other() {
        let key = random::key();
        assert_eq!(sign_parts(&key, &[b"mes", b"", b"sage"]), sign(&key, b"message"));
    }

    #[test]
    fn fingerprints_are_equal_for_equal_secrets_under_one_key() {
        let key = random::key();
        assert_eq!(fingerprint(&key, b"secret"), fingerprint(&key, b"secret"));
        assert_ne!(fingerprint(&key, b"secret"), fingerprint(&key, b"secreT"));
        assert_ne!(fingerprint(&key, b"secret"), fingerprint(&random::key(), b"secret"));
        assert_eq!(fingerprint(&key, b"").len(), 16);
    }

    #[test]
    fn a_fingerprint_is_not_the_start_of_a_mac() {
        let key = random::key();
        assert!(!text::hex(&sign(&key, b"secret")).starts_with(&fingerprint(&key, b"secret")));
    }
}
