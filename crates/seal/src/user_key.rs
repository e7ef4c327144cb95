//! A user's own key: made once, kept wrapped under the master key in `user_encryption_keys`,
//! wrapped again at each rotation of the master key. Deleting it shreds all of the user's fields.

use uuid::Uuid;

use crate::envelope::{SALT, hkdf};
use crate::keyring::Keyring;
use crate::{Key, KeyError, context, random, text};

/// A user's key, one version of it.
pub struct UserKey {
    user: Uuid,
    version: u32,
    key: Key,
}

/// A user key as a row of `user_encryption_keys` holds it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WrappedUserKey {
    /// `kgm1.<kid>.<b64url(salt ‖ C ‖ ct ‖ tag)>`
    pub encrypted_key: String,
    /// base64 of 12 bytes
    pub key_iv: String,
    /// The master key it is wrapped under; the same number as in `encrypted_key`.
    pub kid: u32,
}

impl UserKey {
    /// Makes a key from the active master key and a random salt that is kept nowhere, so that it
    /// is good if either of the two is, and cannot be derived again.
    pub fn create(keyring: &Keyring, user: Uuid, version: u32) -> (Self, WrappedUserKey) {
        let salt = random::key();
        let info: [&[u8]; 3] = [b"kg1/user-key", user.as_bytes(), &version.to_be_bytes()];
        let master = keyring.active().key();
        let key = Key::filled(|key| hkdf(salt.expose(), master.expose(), &info, key));
        let user_key = Self { user, version, key };
        let wrapped = user_key.wrap(keyring);
        (user_key, wrapped)
    }

    /// Opens the row of this user and version.
    pub fn open(
        keyring: &Keyring,
        user: Uuid,
        version: u32,
        wrapped: &WrappedUserKey,
    ) -> Result<Self, KeyError> {
        let (kid, payload) = Keyring::parse(&wrapped.encrypted_key)?;
        if kid != wrapped.kid {
            return Err(KeyError::Open);
        }
        let iv = text::from_b64(&wrapped.key_iv)?;
        let (salt, body) = text::take::<SALT>(&payload)?;
        let opened = keyring.get(kid)?.open(salt, &iv, &place(user, version, kid), body)?;
        Ok(Self { user, version, key: opened.into_key()? })
    }

    /// Wraps the key under the active master key; used by the rotation of master keys.
    pub fn wrap(&self, keyring: &Keyring) -> WrappedUserKey {
        let master = keyring.active();
        let (salt, iv) = (random::array(), random::array());
        let body = master.seal(&salt, &iv, &place(self.user, self.version, master.kid()), self.key.expose());
        let encrypted_key = Keyring::format(master.kid(), &[&salt, &body]);
        WrappedUserKey { encrypted_key, key_iv: text::b64(&iv), kid: master.kid() }
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

/// `"kg1" ‖ L("user_encryption_keys") ‖ user ‖ u32 version ‖ u32 kid`
fn place(user: Uuid, version: u32, kid: u32) -> Vec<u8> {
    let mut bytes = context::start("user_encryption_keys");
    bytes.extend_from_slice(user.as_bytes());
    bytes.extend_from_slice(&version.to_be_bytes());
    bytes.extend_from_slice(&kid.to_be_bytes());
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

    #[test]
    fn a_kid_column_that_differs_from_the_text_is_refused() {
        let mut keyring = Keyring::new(MasterKey::generate(1));
        keyring.add(MasterKey::generate(2));
        let (_, row) = UserKey::create(&keyring, Uuid::from_u128(1), 1);
        let row = WrappedUserKey { kid: 2, ..row };
        assert_eq!(UserKey::open(&keyring, Uuid::from_u128(1), 1, &row).err(), Some(KeyError::Open));
    }
}
