//! The service's own key: a random key per version from which the keys of all non-user purposes
//! are derived. It is wrapped under the master key but outlives any one of them, so destroying a
//! master key strands neither password peppers nor old audit rows.

use uuid::Uuid;

use crate::envelope::hkdf;
use crate::keyring::{Keyring, Wrapped};
use crate::{Key, KeyError, context, random};

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
    /// What stands for idempotency keys and the requests under them.
    Idem,
    /// The pepper of password hashes and vault slots.
    Pepper,
    /// Signatures of policy rows.
    Policy,
    /// Tokens of the gateway's own, for streams whose exchange gives out tokens.
    StreamToken,
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

    /// Wraps it for its row of `keygate.service_key`, under the active master key.
    pub fn wrap(&self, keyring: &Keyring) -> Wrapped {
        keyring.wrap(place(self.version), &self.key)
    }

    /// Opens the row of this version.
    pub fn open(keyring: &Keyring, version: u32, wrapped: &Wrapped) -> Result<Self, KeyError> {
        Ok(Self { version, key: keyring.unwrap(place(version), wrapped)? })
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
            Self::StreamToken => b"streamtoken",
        }
    }
}

/// `"kg1" ‖ L("service_key") ‖ u32 version`
fn place(version: u32) -> Vec<u8> {
    let mut bytes = context::start("service_key");
    bytes.extend_from_slice(&version.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MasterKey;

    const ALL: [Purpose; 8] = [
        Purpose::Audit,
        Purpose::Csrf,
        Purpose::DbCtx,
        Purpose::Device,
        Purpose::Idem,
        Purpose::Pepper,
        Purpose::Policy,
        Purpose::StreamToken,
    ];

    #[test]
    fn every_purpose_user_and_version_has_its_own_key() {
        let one = ServiceKey::generate(1);
        let other_version = ServiceKey { version: 2, key: Key::filled(|key| *key = *one.key.expose()) };
        let mut keys = Vec::new();
        for service_key in [one, other_version] {
            for purpose in ALL {
                keys.push(service_key.derive(purpose));
                keys.push(service_key.derive_for(purpose, Uuid::from_u128(1)));
                keys.push(service_key.derive_for(purpose, Uuid::from_u128(2)));
            }
        }
        let distinct: std::collections::BTreeSet<_> = keys.iter().map(|key| *key.expose()).collect();
        assert_eq!(distinct.len(), 2 * 8 * 3);
    }

    #[test]
    fn derived_keys_survive_the_loss_of_a_master_key() {
        let mut keyring = Keyring::new(MasterKey::generate(1));
        let key = ServiceKey::generate(1);
        let old = key.wrap(&keyring);
        keyring.add(MasterKey::generate(2));
        keyring.promote(2).unwrap();
        let new = ServiceKey::open(&keyring, 1, &old).ok().unwrap().wrap(&keyring);
        keyring.remove(1);
        assert_eq!(ServiceKey::open(&keyring, 1, &old).err(), Some(KeyError::UnknownKid(1)));
        let again = ServiceKey::open(&keyring, 1, &new).ok().unwrap();
        assert!(again.derive(Purpose::Pepper).ct_eq(&key.derive(Purpose::Pepper)));
    }
}
