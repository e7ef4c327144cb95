//! Ed25519 keys of the service (access tokens, audit checkpoints): the 32-byte seed is sealed
//! under the master key in `keygate.signing_keys`.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

use crate::keyring::{Keyring, Wrapped};
use crate::{Key, KeyError, OpenError, Secret, SecretBytes, context, random};

/// An Ed25519 key pair (RFC 8032) with its id.
pub struct SigningKey {
    id: String,
    seed: Key,
    pair: Ed25519KeyPair,
}

impl SigningKey {
    /// A fresh key pair. The id names the row and stands in token headers as `kid`.
    pub fn generate(id: &str) -> Self {
        #[expect(clippy::expect_used, reason = "every 32 bytes are an Ed25519 seed")]
        Self::from_seed(id, random::key()).expect("a seed of 32 bytes")
    }

    /// Opens the row of this id.
    pub fn open(keyring: &Keyring, id: &str, wrapped: &Wrapped) -> Result<Self, KeyError> {
        Ok(Self::from_seed(id, keyring.unwrap(place(id), wrapped)?)?)
    }

    /// Wraps the seed for its row, under the active master key.
    pub fn wrap(&self, keyring: &Keyring) -> Wrapped {
        keyring.wrap(place(&self.id), &self.seed)
    }

    /// The id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Signs a message.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.pair.sign(message).as_ref());
        signature
    }

    /// The public key, 32 bytes: what `jsonwebtoken::DecodingKey::from_ed_der` takes.
    pub fn public_key(&self) -> [u8; 32] {
        let mut public_key = [0; 32];
        public_key.copy_from_slice(self.pair.public_key().as_ref());
        public_key
    }

    /// The private key as PKCS#8 version 1 (RFC 8410): what
    /// `jsonwebtoken::EncodingKey::from_ed_der` takes.
    pub fn pkcs8(&self) -> SecretBytes {
        pkcs8(&self.seed)
    }

    pub(crate) fn from_seed(id: &str, seed: Key) -> Result<Self, OpenError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose()).map_err(|_| OpenError)?;
        Ok(Self { id: id.to_owned(), seed, pair })
    }
}

/// The private key of an Ed25519 seed as PKCS#8 version 1 (RFC 8410).
pub fn pkcs8(seed: &Key) -> SecretBytes {
    let mut der = Vec::with_capacity(48);
    der.extend_from_slice(&PKCS8_PREFIX);
    der.extend_from_slice(seed.expose());
    Secret::from(der)
}

/// `"kg1" ‖ L("signing_keys") ‖ L(id)`
fn place(id: &str) -> Vec<u8> {
    let mut bytes = context::start("signing_keys");
    context::push_sized(&mut bytes, id.as_bytes());
    bytes
}

/// `SEQUENCE { INTEGER 0, SEQUENCE { OID 1.3.101.112 }, OCTET STRING { OCTET STRING (32) } }`
const PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
    use serde_json::{Value, json};

    use super::*;
    use crate::MasterKey;

    #[test]
    fn jsonwebtoken_takes_both_halves() {
        let key = SigningKey::generate("a");
        let private = EncodingKey::from_ed_der(key.pkcs8().expose());
        let claims = json!({"sub": "user", "exp": 4_102_444_800_u64});
        let token = encode(&Header::new(Algorithm::EdDSA), &claims, &private).unwrap();
        let verify = |key: &SigningKey| {
            let public = DecodingKey::from_ed_der(&key.public_key());
            decode::<Value>(&token, &public, &Validation::new(Algorithm::EdDSA)).map(|token| token.claims)
        };
        assert_eq!(verify(&key).unwrap(), claims);
        assert!(verify(&SigningKey::generate("a")).is_err());
    }

    #[test]
    fn the_private_key_is_written_as_the_library_writes_it() {
        let key = SigningKey::generate("a");
        assert_eq!(key.pkcs8().expose(), key.pair.to_pkcs8v1().unwrap().as_ref());
    }

    #[test]
    fn a_stored_key_signs_like_the_key_that_was_made() {
        let keyring = Keyring::new(MasterKey::generate(1));
        let key = SigningKey::generate("2026-11-a");
        let again = SigningKey::open(&keyring, "2026-11-a", &key.wrap(&keyring)).ok().unwrap();
        assert_eq!((again.id(), again.public_key()), ("2026-11-a", key.public_key()));
        assert_eq!(again.sign(b"message"), key.sign(b"message"));
    }
}
