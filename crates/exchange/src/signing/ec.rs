//! P-256 keys of our own making, in the forms clients and we keep them.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::{Engine, prelude::BASE64_STANDARD};
use seal::{SecretBytes, SecretText};

use super::pem;

/// SEC1 (RFC 5915) around 32 bytes of scalar: version 1, the scalar, the curve's name.
const SEC1_START: [u8; 7] = [0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20];
const SEC1_END: [u8; 12] = [0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// SubjectPublicKeyInfo (RFC 5480) before the 65 bytes of the point.
const SPKI_START: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// Private and public half in PEM; `None` if the bytes are no scalar of the curve.
pub(crate) fn es256_pair(scalar: &[u8; 32]) -> Option<(SecretText, String)> {
    let der = SecretBytes::from([&SEC1_START[..], scalar, &SEC1_END].concat());
    let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der.expose()).ok()?;
    let public = [&SPKI_START[..], pair.public_key().as_ref()].concat();
    Some((pem::write("EC PRIVATE KEY", der.expose()).into(), pem::write("PUBLIC KEY", &public)))
}

/// The point of a public key in PEM.
pub(super) fn point(public_key_pem: &str) -> Option<Vec<u8>> {
    let body = public_key_pem.lines().filter(|line| !line.starts_with('-')).collect::<String>();
    let der = BASE64_STANDARD.decode(body).ok()?;
    der.strip_prefix(&SPKI_START).filter(|point| point.len() == 65).map(<[u8]>::to_vec)
}
