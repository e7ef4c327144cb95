#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod connection;
pub mod field;
pub mod kdf;
pub mod keyring;
pub mod mac;
pub mod master_key;
pub mod password;
pub mod process_key;
pub mod random;
pub mod root;
pub mod row;
pub mod service_key;
pub mod signing_key;
pub mod site;
pub mod token;
pub mod user_key;
pub mod vault;
pub mod vault_key;

mod context;
mod envelope;
mod error;
mod sealed;
mod secret;
mod text;
#[cfg(test)]
mod vectors;

pub use context::{Context, Tier};
pub use error::{KeyError, OpenError, RootError};
pub use keyring::Keyring;
pub use master_key::MasterKey;
pub use process_key::{Held, ProcessKey};
pub use sealed::Sealed;
pub use secret::{Key, Secret, SecretBytes, SecretText};
pub use service_key::{Purpose, ServiceKey};
pub use signing_key::SigningKey;
pub use user_key::UserKey;
pub use vault_key::VaultKey;
