//! Keys in PEM (RFC 7468): private ones read into DER, DER of either half written.

use base64::{Engine, prelude::BASE64_STANDARD};
use seal::SecretBytes;

use super::KeyError;

/// A PEM block whose armour was read.
pub(super) struct Pem {
    pub(super) label: Label,
    pub(super) der: SecretBytes,
}

/// The kinds of private key blocks that exchanges' users have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    /// PKCS#8, any algorithm.
    Pkcs8,
    /// PKCS#1.
    Pkcs1,
    /// SEC1.
    Sec1,
}

/// Whether `text` is meant as PEM.
pub(super) fn is_pem(text: &[u8]) -> bool {
    text.trim_ascii_start().starts_with(b"-----")
}

/// Reads exactly one block; space around it and CRLF are fine, and so are line breaks written as `\n` (keys are
/// copied out of JSON files).
pub(super) fn parse(text: &[u8]) -> Result<Pem, KeyError> {
    let text = std::str::from_utf8(text.trim_ascii()).map_err(|_| KeyError::BrokenPem)?;
    let text = text.trim_end_matches("\\n");
    let inner = text.strip_prefix("-----BEGIN ").and_then(|text| text.strip_suffix("-----"));
    let (label, rest) = inner.and_then(|text| text.split_once("-----")).ok_or(KeyError::BrokenPem)?;
    let (body, end) = rest.split_once("-----END ").ok_or(KeyError::BrokenPem)?;
    if end != label {
        return Err(KeyError::BrokenPem);
    }
    let label = match label {
        "PRIVATE KEY" => Label::Pkcs8,
        "RSA PRIVATE KEY" => Label::Pkcs1,
        "EC PRIVATE KEY" => Label::Sec1,
        "ENCRYPTED PRIVATE KEY" => return Err(KeyError::EncryptedPem),
        _ if label.ends_with("PUBLIC KEY") || label == "CERTIFICATE" => return Err(KeyError::PublicKey),
        _ => return Err(KeyError::UnsupportedPem),
    };
    let mut base64 = Vec::with_capacity(body.len());
    for line in body.split("\\n") {
        base64.extend(line.bytes().filter(|b| !b" \t\r\n".contains(b)));
    }
    let base64 = SecretBytes::from(base64);
    let mut der = Vec::with_capacity(body.len());
    let decoded = BASE64_STANDARD.decode_vec(base64.expose(), &mut der);
    let der = SecretBytes::from(der); // also wipes what a failed decoding left
    decoded.map(|()| Pem { label, der }).map_err(|_| KeyError::BrokenPem)
}

/// One block with the lines of 64 letters that every reader takes.
pub(super) fn write(label: &str, der: &[u8]) -> String {
    let body = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> =
        body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap_or_default()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
