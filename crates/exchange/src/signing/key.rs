//! The private half of an exchange key, and the operations with it.

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair, UnparsedPublicKey},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use seal::{SecretBytes, SecretText};
use serde::{Deserialize, Serialize};

use super::{
    KeyError, SecretForm,
    encoding::Signature,
    pem::{self, Label},
    shared::hmac_key,
};

/// A parsed secret, ready to sign. Has no Debug and no Clone; its bytes are wiped when it is dropped.
pub struct SigningKey(Inner);

enum Inner {
    Hmac(SecretText),
    Rsa(Box<RsaKeyPair>),
    Ed25519(Ed25519KeyPair),
    Es256(Box<EcdsaKeyPair>),
    /// Checks signatures and makes none.
    Es256Public(Vec<u8>),
}

/// What kind of key a secret is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// A shared secret text.
    Hmac,
    /// An RSA private key in PEM; signatures are PKCS#1 v1.5.
    Rsa,
    /// An Ed25519 private key: PEM (PKCS#8, with or without its public half), or base64 of seed and public half.
    Ed25519,
    /// A P-256 private key in PEM (SEC1 or PKCS#8); signatures are the 64 bytes of a JWT.
    Es256,
}

/// The hash of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl KeyKind {
    /// The word of definitions and vectors.
    pub fn as_str(self) -> &'static str {
        match self {
            KeyKind::Hmac => "hmac",
            KeyKind::Rsa => "rsa",
            KeyKind::Ed25519 => "ed25519",
            KeyKind::Es256 => "es256",
        }
    }
}

impl SigningKey {
    /// Reads a secret: PEM by its armour, everything else is a shared secret.
    pub fn parse(secret: &SecretText) -> Result<SigningKey, KeyError> {
        match pem::is_pem(secret.expose().as_bytes()) {
            true => SigningKey::parse_pem(secret.expose().as_bytes()),
            false => SigningKey::take(secret.expose().to_owned().into()),
        }
    }

    /// The same without a copy.
    pub(super) fn take(secret: SecretText) -> Result<SigningKey, KeyError> {
        let text = secret.expose().as_bytes();
        match text.len() {
            _ if pem::is_pem(text) => SigningKey::parse_pem(text),
            0 => Err(KeyError::Empty),
            1..=512 if text.iter().all(u8::is_ascii_graphic) => Ok(SigningKey(Inner::Hmac(secret))),
            _ => Err(KeyError::NotPlainText),
        }
    }

    fn parse_pem(secret: &[u8]) -> Result<SigningKey, KeyError> {
        let pem = pem::parse(secret)?;
        if pem.label == Label::Pkcs1 {
            let pair = RsaKeyPair::from_der(pem.der.expose()).map_err(|_| KeyError::BrokenKey)?;
            return Ok(SigningKey(Inner::Rsa(Box::new(pair))));
        }
        let ed25519 = || Ed25519KeyPair::from_pkcs8_maybe_unchecked(pem.der.expose()).ok();
        if let Some(pair) = (pem.label == Label::Pkcs8).then(ed25519).flatten() {
            return Ok(SigningKey(Inner::Ed25519(pair)));
        }
        let p256 = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        if let Ok(pair) = EcdsaKeyPair::from_private_key_der(p256, pem.der.expose()) {
            return Ok(SigningKey(Inner::Es256(Box::new(pair))));
        }
        let pair = RsaKeyPair::from_pkcs8(pem.der.expose()).map_err(|_| KeyError::BrokenKey)?;
        Ok(SigningKey(Inner::Rsa(Box::new(pair))))
    }

    /// Reads an Ed25519 key that is the base64 of its 32-byte seed, alone or with the 32 bytes of its public half;
    /// `None` if the text is something else.
    pub(super) fn parse_raw_ed25519(secret: &SecretText) -> Option<SigningKey> {
        let raw = SecretBytes::from(BASE64_STANDARD.decode(secret.expose().trim()).ok()?);
        let (seed, public) = raw.expose().split_at_checked(32)?;
        let pair = match public.len() {
            0 => Ed25519KeyPair::from_seed_unchecked(seed),
            _ => Ed25519KeyPair::from_seed_and_public_key(seed, public),
        };
        pair.ok().map(|pair| SigningKey(Inner::Ed25519(pair)))
    }

    /// The public half of a P-256 key in PEM: enough to check signatures.
    pub(super) fn parse_public(public_key_pem: &str) -> Option<SigningKey> {
        super::ec::point(public_key_pem).map(|point| SigningKey(Inner::Es256Public(point)))
    }

    /// Whether a shared secret has the form its exchange wants; other kinds of keys have none.
    pub(super) fn fits(&self, form: SecretForm) -> bool {
        match &self.0 {
            Inner::Hmac(secret) if form == SecretForm::Base64 => {
                hmac_key(secret.expose(), Hash::Sha256, form).is_some()
            }
            _ => true,
        }
    }

    /// What kind of key it is.
    pub fn kind(&self) -> KeyKind {
        match &self.0 {
            Inner::Hmac(_) => KeyKind::Hmac,
            Inner::Rsa(_) => KeyKind::Rsa,
            Inner::Ed25519(_) => KeyKind::Ed25519,
            Inner::Es256(_) | Inner::Es256Public(_) => KeyKind::Es256,
        }
    }

    /// The signature of `message`, or `None` if the library refuses to make one.
    pub(super) fn sign(&self, hash: Hash, form: SecretForm, message: &[u8]) -> Option<Signature> {
        if let Inner::Hmac(secret) = &self.0 {
            return Some(Signature::Mac(hmac::sign(&hmac_key(secret.expose(), hash, form)?, message)));
        }
        self.sign_with_pair(hash, message).map(Signature::OfPair)
    }

    fn sign_with_pair(&self, hash: Hash, message: &[u8]) -> Option<Vec<u8>> {
        match &self.0 {
            Inner::Hmac(_) => None,
            Inner::Es256(pair) => {
                pair.sign(&SystemRandom::new(), message).ok().map(|signature| signature.as_ref().to_vec())
            }
            Inner::Es256Public(_) => None,
            Inner::Ed25519(pair) => pair.try_sign(message).ok().map(|signature| signature.as_ref().to_vec()),
            Inner::Rsa(pair) => {
                let padding = match hash {
                    Hash::Sha256 => &signature::RSA_PKCS1_SHA256,
                    Hash::Sha384 => &signature::RSA_PKCS1_SHA384,
                    Hash::Sha512 => &signature::RSA_PKCS1_SHA512,
                };
                let mut bytes = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &SystemRandom::new(), message, &mut bytes).ok().map(|()| bytes)
            }
        }
    }

    /// Whether `signature` is this key's for `message`; in constant time for shared secrets.
    pub(super) fn verify(&self, hash: Hash, form: SecretForm, message: &[u8], signature: &[u8]) -> bool {
        match &self.0 {
            Inner::Hmac(secret) => {
                let key = hmac_key(secret.expose(), hash, form);
                key.is_some_and(|key| hmac::verify(&key, message, signature).is_ok())
            }
            Inner::Es256(pair) => {
                let public = UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, pair.public_key());
                public.verify(message, signature).is_ok()
            }
            Inner::Es256Public(point) => {
                let public = UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point);
                public.verify(message, signature).is_ok()
            }
            Inner::Ed25519(pair) => {
                let public = UnparsedPublicKey::new(&signature::ED25519, pair.public_key());
                public.verify(message, signature).is_ok()
            }
            Inner::Rsa(pair) => {
                let padding = match hash {
                    Hash::Sha256 => &signature::RSA_PKCS1_2048_8192_SHA256,
                    Hash::Sha384 => &signature::RSA_PKCS1_2048_8192_SHA384,
                    Hash::Sha512 => &signature::RSA_PKCS1_2048_8192_SHA512,
                };
                let public = UnparsedPublicKey::new(padding, pair.public_key());
                public.verify(message, signature).is_ok()
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::panic, reason = "tests: also outside the test functions")]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::signing::Encoding;

    fn secret(value: &Value) -> SecretText {
        let Some(label) = value["pem"].as_str() else { return value.as_str().unwrap().to_owned().into() };
        let body = value["body"].as_str().unwrap();
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n").into()
    }

    /// `sha256-hex` of a `published.json`; a key that hashes by itself is named in the hash's place.
    fn algorithm(name: &str) -> (Hash, Encoding) {
        let (hash, encoding) = name.split_once('-').unwrap();
        let hash = if hash == "ed25519" { "sha256" } else { hash };

        (serde_json::from_value(hash.into()).unwrap(), serde_json::from_value(encoding.into()).unwrap())
    }

    /// The examples in the exchanges' own documents, among them the only Ed25519 one whose private key is known (a
    /// FIX log-on). Those that are whole requests are signed in `tests/published.rs` as well.
    #[test]
    fn published_signatures_are_made_from_the_published_text() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("exchanges");
        let mut made = 0;
        for folder in std::fs::read_dir(root).unwrap() {
            let Ok(file) = std::fs::read(folder.unwrap().path().join("published.json")) else { continue };
            let examples: Vec<Value> = serde_json::from_slice(&file).unwrap();
            for example in examples.iter().filter(|example| example["mistaken"].is_null()) {
                let Some(message) = example["prehash"].as_str() else { continue };
                let (hash, encoding) = algorithm(example["algorithm"].as_str().unwrap());
                let key = SigningKey::parse(&secret(&example["secret"])).unwrap();
                let signature = key.sign(hash, SecretForm::Utf8, message.as_bytes()).unwrap();
                let published = example["signature"].as_str().unwrap();
                assert_eq!(encoding.write(&signature), published, "{}", example["name"]);
                let read = encoding.read(published).unwrap();
                assert!(key.verify(hash, SecretForm::Utf8, message.as_bytes(), &read), "{}", example["name"]);
                made += 1;
            }
        }
        assert!(made >= 14, "Kraken's is not a text and stands in `tests/published.rs` alone: {made}");
    }

    #[test]
    fn a_signature_with_one_wrong_bit_does_not_verify() {
        let examples: Value =
            serde_json::from_str(include_str!("../../exchanges/binance/vectors.json")).unwrap();
        for id in ["sv-binance-default-01", "sv-binance-rsa-01", "sv-binance-ed25519-01"] {
            let vector = examples.as_array().unwrap().iter().find(|vector| vector["id"] == id).unwrap();
            let pem = &vector["credentials"]["secret"];
            let lines = |body: &str| {
                body.as_bytes().chunks(64).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\n")
            };
            let text = match pem["body"].as_str() {
                Some(body) => secret(&serde_json::json!({"pem": pem["pem"], "body": lines(body)})),
                None => secret(pem),
            };
            let key = SigningKey::parse(&text).unwrap();
            let mut signature = key.sign(Hash::Sha512, SecretForm::Upper, b"message").unwrap().to_vec();
            assert!(key.verify(Hash::Sha512, SecretForm::Upper, b"message", &signature), "{id}");
            assert!(!key.verify(Hash::Sha512, SecretForm::Upper, b"massage", &signature), "{id}");
            for at in 0..signature.len() {
                signature[at] ^= 1;
                assert!(
                    !key.verify(Hash::Sha512, SecretForm::Upper, b"message", &signature),
                    "{id} byte {at}"
                );
                signature[at] ^= 1;
            }
            assert!(!key.verify(Hash::Sha512, SecretForm::Upper, b"message", &signature[1..]), "{id} cut");
        }
    }
}
