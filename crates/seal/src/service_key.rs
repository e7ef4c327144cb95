//! The service's own key: a random key per version from which the keys of all non-user purposes
//! are derived. It is wrapped under the master key but outlives any one of them, so destroying a
//! master key strands neither password peppers nor old audit rows.

use uuid::Uuid;

use crate::envelope::hkdf;
use crate::keyring::Keyring;
use crate::{Key, KeyError, random};

/// A version of the service key.
pub struct ServiceKey {
    version: u32,
    key: Key,
}

/// What a derived key is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// The MAC chain of audit rows, one key per user.
    Audit,
    /// CSRF tokens of forms.
    Csrf,
    /// The signed user context of a database transaction.
    DbCtx,
    /// Device cookies and fingerprints.
    Device,
    /// Client order ids derived from idempotency keys.
    Idem,
    /// The pepper of password hashes and vault slots.
    Pepper,
    /// Signatures of policy rows.
    Policy,
}

impl ServiceKey {
    /// A fresh key.
    pub fn generate(version: u32) -> Self {
        Self { version, key: random::key() }
    }

    /// Which version it is.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Seals it for its row of `keygate.service_key`, under the active master key.
    pub fn seal(&self, keyring: &Keyring) -> String {
        keyring.seal(TABLE, &self.version.to_be_bytes(), self.key.expose())
    }

    /// Opens the row of this version.
    pub fn open(keyring: &Keyring, version: u32, sealed: &str) -> Result<Self, KeyError> {
        let key = keyring.open(TABLE, &version.to_be_bytes(), sealed)?.into_key()?;
        Ok(Self { version, key })
    }

    /// The key of a purpose: `HKDF(key, info = "kg1/" ‖ purpose ‖ u32 version)`, without salt.
    pub fn derive(&self, purpose: Purpose) -> Key {
        self.expand(&[b"kg1/", purpose.name(), &self.version.to_be_bytes()])
    }

    /// The key of a purpose for one user: the user's id stands between purpose and version.
    pub fn derive_for(&self, purpose: Purpose, user: Uuid) -> Key {
        self.expand(&[b"kg1/", purpose.name(), user.as_bytes(), &self.version.to_be_bytes()])
    }

    fn expand(&self, info: &[&[u8]]) -> Key {
        Key::filled(|key| hkdf(&[], self.key.expose(), info, key))
    }
}

impl Purpose {
    /// The purpose's name inside the derivation.
    fn name(self) -> &'static [u8] {
        match self {
            Self::Audit => b"audit",
            Self::Csrf => b"csrf",
            Self::DbCtx => b"dbctx",
            Self::Device => b"device",
            Self::Idem => b"idem",
            Self::Pepper => b"pepper",
            Self::Policy => b"policy",
        }
    }
}

const TABLE: &str = "service_key";
