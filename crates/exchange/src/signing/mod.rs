//! One engine that signs for the exchange and checks what clients signed.

mod credentials;
mod draft;
mod ec;
mod encoding;
mod frame;
mod key;
mod key_error;
mod login;
mod nonce;
mod own;
mod params;
mod pem;
mod prehash;
mod sent;
mod shared;
mod sign;
mod token;
mod verify;

pub use self::{
    credentials::{
        CredentialError, CredentialProblem, Credentials, Field, Kept, Options, TokenAlgorithm, Typed,
    },
    key::{KeyKind, SigningKey},
    key_error::KeyError,
    nonce::{NonceKind, NonceUnit},
    own::OwnKey,
    shared::SecretForm,
    sign::{SignError, Signed, Stamp},
    verify::{Verified, VerifyError},
};
pub(crate) use self::{ec::es256_pair, encoding::Encoding, key::Hash};
