//! Signature checks, written for this crate alone: what it judges must not share code with it.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER_PERMISSIVE;

use crate::config::{Credential, Pem};

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
            hex_mac(hmac::HMAC_SHA256, secret, message, signature)
        }
    }
}

/// Whether a Coinone signature, HMAC-SHA512 in hex, holds for the payload text. `old` is the `/v2` API.
pub(crate) fn coinone(credential: &Credential, old: bool, payload: &[u8], signature: &str) -> bool {
    let secret = match credential {
        Credential::Hmac(secret) if !old => secret.clone(),
        Credential::Hmac(secret) | Credential::HmacUpper(secret) => secret.to_uppercase(),
        Credential::Ed25519(_) | Credential::Rsa(_) => return false,
    };
    hex_mac(hmac::HMAC_SHA512, &secret, payload, signature)
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
