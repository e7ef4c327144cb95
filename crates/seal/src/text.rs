//! Strict text encodings: each value has exactly one accepted form.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::OpenError;

/// Unpadded url-safe base64.
pub(crate) fn b64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Padded standard base64.
pub(crate) fn b64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|n| char::from_digit(n.into(), 16))
        .collect()
}

/// Unpadded url-safe base64 with zero spare bits, nothing else.
pub(crate) fn from_b64url(text: &str) -> Result<Vec<u8>, OpenError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| OpenError)
}

/// Padded standard base64 of exactly `N` bytes.
pub(crate) fn from_b64<const N: usize>(text: &str) -> Result<[u8; N], OpenError> {
    STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(OpenError)
}

/// A decimal number without sign or leading zeros.
pub(crate) fn number(text: &str) -> Result<u32, OpenError> {
    let number = text.parse::<u32>().map_err(|_| OpenError)?;
    if text.starts_with('+') || (text.len() > 1 && text.starts_with('0')) {
        return Err(OpenError);
    }
    Ok(number)
}

/// The first `N` bytes, and the rest.
pub(crate) fn take<const N: usize>(bytes: &[u8]) -> Result<(&[u8; N], &[u8]), OpenError> {
    bytes.split_first_chunk().ok_or(OpenError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_form() {
        assert_eq!(["0", "7", "10", "4294967295"].map(|n| number(n).unwrap()), [0, 7, 10, u32::MAX]);
        for other in ["", "00", "07", "+7", "-0", " 7", "7 ", "7\n", "4294967296", "0x7", "٧", "1_0", "1e1"]
        {
            assert!(number(other).is_err(), "{other:?}");
        }
    }

    #[test]
    fn base64_has_one_form() {
        assert_eq!(from_b64url("AAE").unwrap(), [0, 1]);
        for other in ["AAE=", "AAF", "AA E", "AAE\n", "A", "AA+E", "AA/E"] {
            assert!(from_b64url(other).is_err(), "{other:?}");
        }
        assert_eq!(from_b64::<2>("AAE=").unwrap(), [0, 1]);
        for other in ["AAE", "AAF=", "AAE==", "AAEC", "AA==", "AAE=\n", "-_E="] {
            assert!(from_b64::<2>(other).is_err(), "{other:?}");
        }
    }

    #[test]
    fn hex_keeps_leading_zeros() {
        assert_eq!(hex(&[0, 1, 0xab, 0xff]), "0001abff");
    }
}
