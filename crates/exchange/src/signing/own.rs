//! Pairs made here for exchanges that take their users' own public keys.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rsa::{KeyPair as RsaPair, KeySize},
    signature::{Ed25519KeyPair, KeyPair},
};
use seal::{Key as RandomKey, SecretText, signing_key::pkcs8};

use super::{KeyKind, pem};

/// A pair made here. The private half goes into a vault, the public half to the exchange.
pub struct OwnKey {
    /// PKCS#8 in PEM, as [`crate::SigningKey::parse`] takes it.
    pub secret: SecretText,
    /// SubjectPublicKeyInfo in PEM: what exchanges want pasted.
    pub public_key_pem: String,
}

impl OwnKey {
    /// A pair of this kind; `None` for kinds no exchange takes from its users, or if the library makes none.
    ///
    /// Ed25519 is made of the given random bytes alone: the same bytes, the same pair. RSA has 2048 bits, which every
    /// exchange with own keys takes, and its primes come from the library's own randomness, whatever is given.
    /// That takes a tenth of a second or more: not on a thread that others wait for.
    pub fn make(kind: KeyKind, random: &RandomKey) -> Option<OwnKey> {
        match kind {
            KeyKind::Ed25519 => ed25519(random),
            KeyKind::Rsa => rsa(),
            KeyKind::Hmac | KeyKind::Es256 => None,
        }
    }

    fn of(pkcs8: &[u8], spki: &[u8]) -> OwnKey {
        OwnKey {
            secret: pem::write("PRIVATE KEY", pkcs8).into(),
            public_key_pem: pem::write("PUBLIC KEY", spki),
        }
    }
}

/// SubjectPublicKeyInfo (RFC 8410) before the 32 bytes of the public half.
const SPKI_START: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

fn ed25519(seed: &RandomKey) -> Option<OwnKey> {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose()).ok()?;
    let spki = [&SPKI_START[..], pair.public_key().as_ref()].concat();
    Some(OwnKey::of(pkcs8(seed).expose(), &spki))
}

fn rsa() -> Option<OwnKey> {
    let pair = RsaPair::generate(KeySize::Rsa2048).ok()?;
    let pkcs8 = AsDer::<Pkcs8V1Der>::as_der(&pair).ok()?;
    let spki = AsDer::<PublicKeyX509Der>::as_der(pair.public_key()).ok()?;
    Some(OwnKey::of(pkcs8.as_ref(), spki.as_ref()))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use base64::{Engine, prelude::BASE64_STANDARD};

    use super::*;
    use crate::signing::{Hash, SecretForm, SigningKey};

    /// Checked as an exchange does, with the pasted text and nothing else.
    #[test]
    fn the_public_half_verifies_what_the_private_half_signs() {
        let signs = |made: &OwnKey, kind| {
            let key = SigningKey::parse(&made.secret).unwrap();
            assert_eq!(key.kind(), kind);
            key.sign(Hash::Sha256, SecretForm::Utf8, b"message").unwrap()
        };
        let public = |made: &OwnKey| {
            let body: String = made.public_key_pem.lines().filter(|line| !line.starts_with('-')).collect();
            BASE64_STANDARD.decode(body).unwrap()
        };
        let made = OwnKey::make(KeyKind::Ed25519, &seal::random::key()).unwrap();
        let signature = signs(&made, KeyKind::Ed25519);
        let verifier = UnparsedPublicKey::new(&ED25519, public(&made));
        assert!(
            verifier.verify(b"message", &signature).is_ok()
                && verifier.verify(b"massage", &signature).is_err()
        );
        let made = OwnKey::make(KeyKind::Rsa, &seal::random::key()).unwrap();
        let signature = signs(&made, KeyKind::Rsa);
        assert_eq!(signature.len(), 256, "2048 bits");
        let verifier = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public(&made));
        assert!(
            verifier.verify(b"message", &signature).is_ok()
                && verifier.verify(b"massage", &signature).is_err()
        );
    }
}
