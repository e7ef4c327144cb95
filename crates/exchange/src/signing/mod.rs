//! One engine that signs for the exchange and checks what clients signed.

mod credentials;
mod key;
mod nonce;
mod pem;
mod sign;
mod verify;

pub(crate) use self::key::{Encoding, Hash};
pub use self::{
    credentials::{CredentialError, CredentialProblem, Credentials, Field, Options},
    key::{KeyError, KeyKind, SecretForm, SigningKey},
    nonce::NonceKind,
    sign::{SignError, Signed, Stamp},
    verify::{Verified, VerifyError},
};
