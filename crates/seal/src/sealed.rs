//! A sealed value that is opened again and again: taken apart once, at its place. Holds nothing secret.

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

    /// The value. Another user's key, or another version of it, is refused.
    pub fn open(&self, key: &UserKey) -> Result<SecretBytes, OpenError> {
        match (self.user, self.user_key_version) == (key.user(), key.version()) {
            true => self.inner.open(key.key().expose()),
            false => Err(OpenError),
        }
    }
}
