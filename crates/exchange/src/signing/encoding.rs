//! The bytes of signatures, and how they are written.

use std::ops::Deref;

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_STANDARD};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::Deserialize;

/// The bytes of a signature.
pub(super) enum Signature {
    Mac(hmac::Tag),
    OfPair(Vec<u8>),
}

/// How signature bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encoding {
    /// Written in lower case, read in any.
    Hex,
    /// Standard alphabet with padding.
    Base64,
    /// The base64 of the hexadecimal text.
    #[serde(rename = "base64(hex)")]
    Base64Hex,
}

impl Deref for Signature {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Signature::Mac(tag) => tag.as_ref(),
            Signature::OfPair(bytes) => bytes,
        }
    }
}

impl Encoding {
    pub(super) fn write(self, signature: &[u8]) -> String {
        match self {
            Encoding::Hex => HEXLOWER.encode(signature),
            Encoding::Base64 => BASE64_STANDARD.encode(signature),
            Encoding::Base64Hex => BASE64_STANDARD.encode(HEXLOWER.encode(signature)),
        }
    }

    pub(super) fn read(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Encoding::Hex => HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok(),
            Encoding::Base64 => BASE64_STANDARD.decode(text).ok(),
            Encoding::Base64Hex => HEXLOWER_PERMISSIVE.decode(&BASE64_STANDARD.decode(text).ok()?).ok(),
        }
    }
}
