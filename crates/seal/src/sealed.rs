//! A sealed value taken apart, at its place. Holds nothing secret.

use uuid::Uuid;

use crate::envelope::{self, IV, SALT};
use crate::{Context, OpenError, SecretBytes, UserKey};

/// A value sealed under a user's platform key. Made by [`field::read`](crate::field::read) and
/// [`connection::read`](crate::connection::read).
pub struct Sealed {
    user: Uuid,
    user_key_version: u32,
    inner: envelope::Sealed,
}

impl Sealed {
    pub(crate) fn new(
        (user, user_key_version): (Uuid, u32),
        place: &Context,
        (salt, iv): ([u8; SALT], [u8; IV]),
        body: &[u8],
    ) -> Self {
        let context = place.of_user(user, user_key_version);
        Self { user, user_key_version, inner: envelope::Sealed::new(salt, iv, context, body) }
    }

    /// What it was sealed for.
    pub(crate) fn context(&self) -> &[u8] {
        self.inner.context()
    }

    /// The value. Another user's key, or another version of it, is refused.
    pub fn open(&self, key: &UserKey) -> Result<SecretBytes, OpenError> {
        match (self.user, self.user_key_version) == (key.user(), key.version()) {
            true => self.inner.open(key.key().expose()),
            false => Err(OpenError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keyring, MasterKey, Tier, VaultKey, connection, field};

    const PLACE: Context = Context { table: "t", column: "c", row: Uuid::nil() };

    #[test]
    fn a_value_taken_apart_opens_again_and_again_and_under_its_own_key_alone() {
        let keyring = Keyring::new(MasterKey::generate(1));
        let key = |user, version| UserKey::create(&keyring, Uuid::from_u128(user), version).0;
        let own = key(1, 3);
        let sealed = field::seal(&own, &PLACE, b"secret");
        let read = |user| field::read(Uuid::from_u128(user), &PLACE, &sealed).unwrap();
        for _ in 0..2 {
            assert_eq!(read(1).open(&own).unwrap().expose(), b"secret");
        }
        for other in [key(1, 3), key(1, 4), key(2, 3)] {
            assert!(read(1).open(&other).is_err());
        }
        assert!(read(2).open(&own).is_err());
    }

    #[test]
    fn a_vault_field_cannot_be_read_as_one_of_the_platform_tier() {
        let key = UserKey::create(&Keyring::new(MasterKey::generate(1)), Uuid::from_u128(1), 3).0;
        let read = |tier| {
            let row = connection::Row::new(tier, "t", Uuid::nil());
            let (sealed, salt) = (row.seal("c", b"secret"), row.salt());
            connection::read(key.user(), &PLACE, connection::Stored { sealed: &sealed, salt: &salt }).is_ok()
        };
        assert!(read(Tier::Platform(&key)));
        assert!(!read(Tier::Vault(&key, &VaultKey::generate(1))));
    }
}
