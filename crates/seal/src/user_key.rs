//! A user's own key: made once, kept wrapped under the master key in `user_encryption_keys`,
//! wrapped again at each rotation of the master key. Deleting it shreds all of the user's fields.

use uuid::Uuid;

use crate::envelope::hkdf;
use crate::keyring::{Keyring, Wrapped};
use crate::{Key, KeyError, context, random};

/// A user's key, one version of it.
pub struct UserKey {
    user: Uuid,
    version: u32,
    key: Key,
}

impl UserKey {
    /// Makes a key from the active master key and a random salt that is kept nowhere, so that it
    /// is good if either of the two is, and cannot be derived again.
    pub fn create(keyring: &Keyring, user: Uuid, version: u32) -> (Self, Wrapped) {
        let salt = random::key();
        let info: [&[u8]; 3] = [b"kg1/user-key", user.as_bytes(), &version.to_be_bytes()];
        let master = keyring.active().key();
        let key = Key::filled(|key| hkdf(salt.expose(), master.expose(), &info, key));
        let user_key = Self { user, version, key };
        let wrapped = user_key.wrap(keyring);
        (user_key, wrapped)
    }

    /// Opens the row of this user and version (columns `encrypted_key`, `key_iv`, `kid`).
    pub fn open(keyring: &Keyring, user: Uuid, version: u32, wrapped: &Wrapped) -> Result<Self, KeyError> {
        Ok(Self { user, version, key: wrapped.at(place(user, version))?.open(keyring)? })
    }

    /// Wraps the key under the active master key; used by the rotation of master keys.
    pub fn wrap(&self, keyring: &Keyring) -> Wrapped {
        keyring.wrap(place(self.user, self.version), &self.key)
    }

    /// Whose key it is.
    pub fn user(&self) -> Uuid {
        self.user
    }

    /// Which version of the user's key it is.
    pub fn version(&self) -> u32 {
        self.version
    }

    pub(crate) fn key(&self) -> &Key {
        &self.key
    }
}

/// `"kg1" ‖ L("user_encryption_keys") ‖ user ‖ u32 version`
fn place(user: Uuid, version: u32) -> Vec<u8> {
    let mut bytes = context::start("user_encryption_keys");
    bytes.extend_from_slice(user.as_bytes());
    bytes.extend_from_slice(&version.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MasterKey;

    #[test]
    fn a_stored_key_is_the_key_that_was_made() {
        let keyring = Keyring::new(MasterKey::generate(3));
        let (made, row) = UserKey::create(&keyring, Uuid::from_u128(1), 5);
        let opened = UserKey::open(&keyring, Uuid::from_u128(1), 5, &row).ok().unwrap();
        assert!(opened.key.ct_eq(&made.key));
        assert_eq!((opened.user(), opened.version(), row.kid), (Uuid::from_u128(1), 5, 3));
    }

    /// Otherwise a shredded key could be derived again from the master key.
    #[test]
    fn the_same_user_and_version_never_get_the_same_key_twice() {
        let keyring = Keyring::new(MasterKey::generate(1));
        let one = UserKey::create(&keyring, Uuid::from_u128(1), 1).0;
        let two = UserKey::create(&keyring, Uuid::from_u128(1), 1).0;
        assert!(!one.key.ct_eq(&two.key));
    }
}
