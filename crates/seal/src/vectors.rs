//! The primitives, reached through this crate's own functions wherever there is one, give the
//! published answers of `testdata/vectors.json`.

use std::num::NonZeroU32;

use argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder, Version};
use aws_lc_rs::aead::{Aad, Nonce};
use aws_lc_rs::pbkdf2::{PBKDF2_HMAC_SHA256, derive};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use data_encoding::HEXLOWER;
use serde_json::Value;

use crate::{Key, Secret, SigningKey, envelope, mac, token};

#[test]
fn aes_256_gcm() {
    for case in cases("aes_256_gcm", 4) {
        let keys = Secret::<[u8; 64]>::filled(|keys| keys[..32].copy_from_slice(&hex(&case, "key")));
        let nonce = || Nonce::try_assume_unique_for_key(&hex(&case, "iv")).unwrap();
        let mut text = hex(&case, "plaintext");
        let aes = envelope::aes(keys.expose());
        aes.seal_in_place_append_tag(nonce(), Aad::from(hex(&case, "aad")), &mut text).unwrap();
        assert_eq!(text, [hex(&case, "ciphertext"), hex(&case, "tag")].concat(), "{case}");
        let opened = aes.open_in_place(nonce(), Aad::from(hex(&case, "aad")), &mut text).unwrap();
        assert_eq!(opened, hex(&case, "plaintext"));
    }
}

#[test]
fn hkdf_sha256() {
    for case in cases("hkdf_sha256", 3) {
        let expected = hex(&case, "okm");
        let mut okm = vec![0; expected.len()];
        envelope::hkdf(&hex(&case, "salt"), &hex(&case, "ikm"), &[&hex(&case, "info")], &mut okm);
        assert_eq!(okm, expected, "{case}");
    }
}

#[test]
fn hmac_sha256() {
    for case in cases("hmac_sha256", 4) {
        let short = hex(&case, "key");
        let key = Key::filled(|key| key[..short.len()].copy_from_slice(&short));
        assert_eq!(mac::sign(&key, &hex(&case, "message")).to_vec(), hex(&case, "tag"), "{case}");
    }
}

#[test]
fn sha256() {
    for case in cases("sha256", 2) {
        assert_eq!(mac::sha256_hex(&hex(&case, "message")), case["digest"].as_str().unwrap(), "{case}");
    }
}

#[test]
fn ed25519() {
    for case in cases("ed25519", 3) {
        let seed = Secret::from(hex(&case, "seed")).into_key().unwrap();
        let key = SigningKey::from_seed("test", seed).unwrap();
        let (message, signature) = (hex(&case, "message"), hex(&case, "signature"));
        assert_eq!(key.public_key().to_vec(), hex(&case, "public_key"), "{case}");
        assert_eq!(key.sign(&message).to_vec(), signature, "{case}");
        UnparsedPublicKey::new(&ED25519, key.public_key()).verify(&message, &signature).unwrap();
    }
}

#[test]
fn argon2id() {
    for case in cases("argon2id", 1) {
        let parameters = ParamsBuilder::new()
            .m_cost(number(&case, "memory_kib"))
            .t_cost(number(&case, "passes"))
            .p_cost(number(&case, "lanes"))
            .data(AssociatedData::new(&hex(&case, "data")).unwrap())
            .build()
            .unwrap();
        let secret = hex(&case, "secret");
        let argon2 =
            Argon2::new_with_secret(&secret, Algorithm::Argon2id, Version::V0x13, parameters).unwrap();
        let mut tag = [0; 32];
        argon2.hash_password_into(&hex(&case, "password"), &hex(&case, "salt"), &mut tag).unwrap();
        assert_eq!(tag.to_vec(), hex(&case, "tag"), "{case}");
    }
}

#[test]
fn pbkdf2_sha256() {
    for case in cases("pbkdf2_sha256", 2) {
        let iterations = NonZeroU32::new(number(&case, "iterations")).unwrap();
        let mut key = [0; 32];
        derive(PBKDF2_HMAC_SHA256, iterations, &hex(&case, "salt"), &hex(&case, "password"), &mut key);
        assert_eq!(key.to_vec(), hex(&case, "key"), "{case}");
    }
}

#[test]
fn crc32() {
    for case in cases("crc32", 1) {
        let crc = token::crc32(&hex(&case, "message"));
        assert_eq!(format!("{crc:08x}"), case["crc"].as_str().unwrap(), "{case}");
    }
}

/// The cases of one primitive; their number is stated so that an emptied file cannot pass.
fn cases(primitive: &str, count: usize) -> Vec<Value> {
    let vectors: Value = serde_json::from_str(include_str!("../testdata/vectors.json")).unwrap();
    let cases = vectors[primitive]["cases"].as_array().unwrap().clone();
    assert_eq!(cases.len(), count);
    cases
}

fn hex(case: &Value, field: &str) -> Vec<u8> {
    HEXLOWER.decode(case[field].as_str().unwrap().as_bytes()).unwrap()
}

fn number(case: &Value, field: &str) -> u32 {
    case[field].as_u64().unwrap().try_into().unwrap()
}
