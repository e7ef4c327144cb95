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
