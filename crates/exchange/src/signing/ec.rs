//! P-256 keys of our own making, in the forms clients and we keep them.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::{Engine, prelude::BASE64_STANDARD};
use seal::{SecretBytes, SecretText};

use super::pem;

/// SEC1 (RFC 5915): the sequence with and without the public half, version 1 before the 32 bytes of the scalar, the
/// curve's name, and what stands before the 65 bytes of the point.
const SEC1_WHOLE: [u8; 2] = [0x30, 0x77];
const SEC1_PRIVATE: [u8; 2] = [0x30, 0x31];
const SEC1_SCALAR: [u8; 5] = [0x02, 0x01, 0x01, 0x04, 0x20];
const SEC1_CURVE: [u8; 12] = [0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const SEC1_POINT: [u8; 5] = [0xa1, 0x44, 0x03, 0x42, 0x00];
/// SubjectPublicKeyInfo (RFC 5480) before the 65 bytes of the point.
const SPKI_START: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// Private and public half in PEM; `None` if the bytes are no scalar of the curve. The private one holds the public
/// half too, as the exchange's own do: ccxt in node reads no other.
pub(crate) fn es256_pair(scalar: &[u8; 32]) -> Option<(SecretText, String)> {
    let der = SecretBytes::from([&SEC1_PRIVATE[..], &SEC1_SCALAR, scalar, &SEC1_CURVE].concat());
    let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der.expose()).ok()?;
    let point = pair.public_key().as_ref();
    let der = [&SEC1_WHOLE[..], &SEC1_SCALAR, scalar, &SEC1_CURVE, &SEC1_POINT, point].concat();
    let der = SecretBytes::from(der);
    let public = [&SPKI_START[..], point].concat();
    Some((pem::write("EC PRIVATE KEY", der.expose()).into(), pem::write("PUBLIC KEY", &public)))
}

/// The point of a public key in PEM.
pub(super) fn point(public_key_pem: &str) -> Option<Vec<u8>> {
    let body = public_key_pem.lines().filter(|line| !line.starts_with('-')).collect::<String>();
    let der = BASE64_STANDARD.decode(body).ok()?;
    der.strip_prefix(&SPKI_START).filter(|point| point.len() == 65).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_key_holds_its_public_half() {
        let (private, public) = es256_pair(&[7; 32]).unwrap();
        let body = private.expose().lines().filter(|line| !line.starts_with('-')).collect::<String>();
        let der = BASE64_STANDARD.decode(body).unwrap();
        assert_eq!(usize::from(der[1]), der.len() - 2);
        assert!(der.ends_with(&point(&public).unwrap()));
        EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).unwrap();
    }
}
