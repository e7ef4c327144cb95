//! Signature checks, written for this crate alone: what it judges must not share code with it.

use std::collections::{HashMap, HashSet};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use serde_json::Value;

use crate::config::{Credential, Pem};

pub(crate) use aws_lc_rs::hmac::{Algorithm, HMAC_SHA256, HMAC_SHA384, HMAC_SHA512};

/// The MAC of a message under these key bytes.
pub(crate) fn mac(algorithm: hmac::Algorithm, secret: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, secret), message).as_ref().to_vec()
}

pub(crate) fn sha256(message: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, message).as_ref().to_vec()
}

pub(crate) fn sha512(message: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA512, message).as_ref().to_vec()
}

/// Lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Whether an RSA signature (PKCS #1 v1.5, SHA-256) holds.
pub(crate) fn rsa(public: &Pem, message: &[u8], signature: &[u8]) -> bool {
    let verify = |key| UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key).verify(message, signature);
    public.der().is_some_and(|key| verify(key).is_ok())
}

/// A JSON Web Token, taken apart but not believed.
pub(crate) struct Token {
    pub(crate) header: Value,
    pub(crate) claims: Value,
    /// What is signed: header and claims as they came.
    pub(crate) signed: String,
    pub(crate) signature: Vec<u8>,
}

impl Token {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let json = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        Some(Self {
            header: json(header)?,
            claims: json(claims)?,
            signed: signed.to_owned(),
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// Whether the token is signed with this shared secret, by HS256 or HS512 as its header says.
    pub(crate) fn is_signed_with(&self, secret: &str) -> bool {
        let algorithm = match self.header["alg"].as_str() {
            Some("HS256") => HMAC_SHA256,
            Some("HS512") => HMAC_SHA512,
            _ => return false,
        };
        let key = hmac::Key::new(algorithm, secret.as_bytes());
        hmac::verify(&key, self.signed.as_bytes(), &self.signature).is_ok()
    }

    /// Whether the token is signed by the private half of this EC P-256 key (ES256).
    pub(crate) fn is_signed_by(&self, public: &Pem) -> bool {
        let verify = |der: Vec<u8>| {
            // the point stands at the end of a P-256 SubjectPublicKeyInfo (RFC 5480)
            let point = der.len().checked_sub(65).map(|at| der[at..].to_vec()).unwrap_or_default();
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                .verify(self.signed.as_bytes(), &self.signature)
        };
        self.header["alg"] == "ES256" && public.der().is_some_and(|der| verify(der).is_ok())
    }

    /// Whether the token is signed by the private half of this Ed25519 key (EdDSA).
    pub(crate) fn is_signed_by_ed25519(&self, public: &Pem) -> bool {
        let verify =
            |key| UnparsedPublicKey::new(&ED25519, key).verify(self.signed.as_bytes(), &self.signature);
        self.header["alg"] == "EdDSA" && public.der().is_some_and(|key| verify(key).is_ok())
    }
}

/// The nonces each key has used.
#[derive(Default)]
pub(crate) struct Nonces {
    used: HashMap<String, HashSet<String>>,
    last: HashMap<String, u128>,
}

impl Nonces {
    /// Whether this key never used the nonce before.
    pub(crate) fn is_new(&mut self, api_key: &str, nonce: &str) -> bool {
        self.used.entry(api_key.to_owned()).or_default().insert(nonce.to_owned())
    }

    /// Whether the nonce is larger than every one this key used before.
    pub(crate) fn rises(&mut self, api_key: &str, nonce: u128) -> bool {
        let last = self.last.entry(api_key.to_owned()).or_default();
        let rises = nonce > *last;
        *last = nonce.max(*last);
        rises
    }
}

/// Whether a Binance signature holds for the bytes it was made over. HMAC signatures are hex, the others base64.
pub(crate) fn binance(credential: &Credential, message: &[u8], signature: &str) -> bool {
    match credential {
        Credential::Ed25519(public) => public_key(public, signature, |key, sig| {
            UnparsedPublicKey::new(&ED25519, key).verify(message, sig)
        }),
        Credential::Rsa(public) => public_key(public, signature, |key, sig| {
            UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key).verify(message, sig)
        }),
        Credential::Hmac(secret) | Credential::HmacUpper(secret) => {
            hex_mac(HMAC_SHA256, secret, message, signature)
        }
        Credential::Ec(_) => false,
    }
}

/// Whether a Coinone signature, HMAC-SHA512 in hex, holds for the payload text. `old` is the `/v2` API.
pub(crate) fn coinone(credential: &Credential, old: bool, payload: &[u8], signature: &str) -> bool {
    let secret = match credential {
        Credential::Hmac(secret) if !old => secret.clone(),
        Credential::Hmac(secret) | Credential::HmacUpper(secret) => secret.to_uppercase(),
        Credential::Ec(_) | Credential::Ed25519(_) | Credential::Rsa(_) => return false,
    };
    hex_mac(HMAC_SHA512, &secret, payload, signature)
}

fn hex_mac(algorithm: hmac::Algorithm, secret: &str, message: &[u8], signature: &str) -> bool {
    let Ok(tag) = HEXLOWER_PERMISSIVE.decode(signature.as_bytes()) else { return false };
    hmac::verify(&hmac::Key::new(algorithm, secret.as_bytes()), message, &tag).is_ok()
}

fn public_key<E>(public: &Pem, signature: &str, verify: impl Fn(Vec<u8>, &[u8]) -> Result<(), E>) -> bool {
    let Ok(signature) = STANDARD.decode(signature) else { return false };
    public.der().is_some_and(|key| verify(key, &signature).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
    const MESSAGE: &str = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1\
                           &recvWindow=5000&timestamp=1499827319559";
    const SIGNATURE: &str = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71";

    #[test]
    fn the_hmac_example_of_the_binance_documentation_holds() {
        let credential = Credential::Hmac(SECRET.to_owned());
        assert!(binance(&credential, MESSAGE.as_bytes(), SIGNATURE));
        assert!(binance(&credential, MESSAGE.as_bytes(), &SIGNATURE.to_uppercase()));
        assert!(!binance(&credential, MESSAGE.replace("BUY", "SELL").as_bytes(), SIGNATURE));
        assert!(!binance(&credential, MESSAGE.as_bytes(), &SIGNATURE[..62]));
    }

    #[test]
    fn the_ed25519_example_of_the_binance_fix_documentation_holds() {
        let public = Pem {
            pem: "PUBLIC KEY".to_owned(),
            body: "MCowBQYDK2VwAyEAGUIKv9dSpWXBViXp2m6vAIb8QMFJYBgyFEQsFJlqgA0=".to_owned(),
        };
        let message = b"A\x01EXAMPLE\x01SPOT\x011\x0120240627-11:17:25.223";
        let signature =
            "4MHXelVVcpkdwuLbl6n73HQUXUf1dse2PCgT1DYqW9w8AVZ1RACFGM+5UdlGPrQHrgtS3CvsRURC1oj73j8gCA==";
        assert!(binance(&Credential::Ed25519(public), message, signature));
    }

    #[test]
    fn the_old_coinone_api_upper_cases_every_secret() {
        let sign = |secret: &str| {
            let key = hmac::Key::new(hmac::HMAC_SHA512, secret.as_bytes());
            HEXLOWER_PERMISSIVE.encode(hmac::sign(&key, b"e30=").as_ref())
        };
        let (raw, upper) = (Credential::Hmac("abc".to_owned()), Credential::HmacUpper("abc".to_owned()));
        assert!(coinone(&raw, false, b"e30=", &sign("abc")));
        assert!(!coinone(&raw, false, b"e30=", &sign("ABC")));
        assert!(coinone(&raw, true, b"e30=", &sign("ABC")));
        assert!(coinone(&upper, false, b"e30=", &sign("ABC")));
        assert!(!coinone(&upper, false, b"e30=", &sign("abc")));
    }
}
