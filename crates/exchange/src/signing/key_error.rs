//! Why a secret cannot be used.

use std::fmt;

/// Why a secret cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// Nothing was given.
    Empty,
    /// A shared secret holds spaces, line breaks or other characters that are not printable ASCII, or is
    /// longer than 512 bytes.
    NotPlainText,
    /// The shared secrets of this exchange are base64, and this one is not.
    NotBase64,
    /// The PEM armour or its base64 is damaged, or there is more than one block.
    BrokenPem,
    /// The PEM holds a password-protected key.
    EncryptedPem,
    /// The PEM holds the public half; the private one is needed.
    PublicKey,
    /// The PEM holds something else than an RSA, Ed25519 or EC private key.
    UnsupportedPem,
    /// The PEM is sound, but the key inside is not: damaged, or RSA below 2048 bits.
    BrokenKey,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeyError::Empty => "is empty",
            KeyError::NotPlainText => "holds spaces, line breaks or other characters a secret does not have",
            KeyError::NotBase64 => "is not base64, as this exchange's secrets are: copy it whole",
            KeyError::BrokenPem => "is not one whole PEM block: paste it with its BEGIN and END lines",
            KeyError::EncryptedPem => "is protected by a password: paste the key without it",
            KeyError::PublicKey => "is the public half: paste the private key",
            KeyError::UnsupportedPem => "is PEM, but not an RSA, Ed25519 or EC private key",
            KeyError::BrokenKey => "is PEM, but the key inside is damaged or too short",
        })
    }
}

impl std::error::Error for KeyError {}
