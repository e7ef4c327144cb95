//! The three ways this crate fails, none of which carries a secret or says why a seal did not open.

use std::fmt;

/// A sealed value was refused. Malformed, tampered with, moved to another place, or sealed under
/// another key: the caller learns no more than that, and so does an attacker.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OpenError;

/// A key of the hierarchy could not be loaded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeyError {
    /// The wrapped key was refused, as [`OpenError`].
    Open,
    /// The root provider failed.
    Root(RootError),
    /// The wrapped key names a master key that this keyring does not hold (yet, or any more).
    UnknownKid(u32),
    /// The root key is not the one that wrapped this master key.
    WrongRootKey,
}

/// The root provider failed, or a root key could not be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RootError {
    /// The text is not a root key: 32 bytes as standard base64. The text itself is never repeated.
    Malformed,
    /// The provider answered that it cannot unwrap these bytes: another key, or tampering.
    Refused,
    /// The provider did not answer. The reason must not hold key material.
    Unavailable(String),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sealed value does not open")
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("the wrapped key does not open"),
            Self::Root(_) => f.write_str("the root key provider failed"),
            Self::UnknownKid(kid) => write!(f, "master key {kid} is not loaded"),
            Self::WrongRootKey => f.write_str("the root key is not the one that wrapped this master key"),
        }
    }
}

impl fmt::Display for RootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("a root key is 32 bytes as standard base64 (44 characters)"),
            Self::Refused => f.write_str("the root key provider refused to unwrap"),
            Self::Unavailable(reason) => write!(f, "the root key provider is unavailable: {reason}"),
        }
    }
}

impl std::error::Error for OpenError {}

impl std::error::Error for KeyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Root(error) => Some(error),
            _ => None,
        }
    }
}

impl std::error::Error for RootError {}

impl From<OpenError> for KeyError {
    fn from(OpenError: OpenError) -> Self {
        Self::Open
    }
}
