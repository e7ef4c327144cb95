//! Fields of a row that has columns for salt and IVs (`api_keys`): one salt per row, one IV per
//! field, and `kg1.<user key version>.<b64url(C ‖ ct ‖ tag)>` in the field itself.
//!
//! A row is sealed whole: a salt is made with each [`Row`] and cannot be given, so rewriting one
//! field means sealing all of them again.

use uuid::Uuid;

use crate::envelope::{IV, SALT, Seal};
use crate::{Context, OpenError, SecretBytes, Tier, UserKey, field, random, text};

/// A row being sealed.
pub struct Row<'k> {
    key: &'k UserKey,
    table: &'static str,
    id: Uuid,
    salt: [u8; SALT],
}

/// A sealed field and its IV column.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Field {
    /// `kg1.<user key version>.<b64url(C ‖ ct ‖ tag)>`
    pub sealed: String,
    /// base64 of 12 bytes
    pub iv: String,
}

/// A stored field: the three texts of its row that belong to it.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// The field itself.
    pub sealed: &'a str,
    /// Its IV column.
    pub iv: &'a str,
    /// The row's salt column.
    pub salt: &'a str,
}

impl<'k> Row<'k> {
    /// Begins a row with a fresh salt.
    pub fn new(key: &'k UserKey, table: &'static str, id: Uuid) -> Self {
        Self { key, table, id, salt: random::array() }
    }

    /// The salt column: base64 of 32 bytes.
    pub fn salt(&self) -> String {
        text::b64(&self.salt)
    }

    /// Seals one field.
    pub fn seal(&self, column: &'static str, plaintext: &[u8]) -> Field {
        let iv = random::array::<IV>();
        let context = Context { table: self.table, column, row: self.id }.encode(Tier::Platform(self.key));
        let seal = Seal { salt: &self.salt, iv: &iv, context: &context };
        let body = seal.seal(self.key.key().expose(), plaintext);
        Field { sealed: field::format(self.key.version(), &[&body]), iv: text::b64(&iv) }
    }
}

/// Opens a field at its place.
pub fn open(key: &UserKey, place: &Context, stored: Stored<'_>) -> Result<SecretBytes, OpenError> {
    let (version, body) = field::parse(stored.sealed)?;
    Tier::Platform(key).expect_versions(version, None)?;
    let (salt, iv) = (text::from_b64(stored.salt)?, text::from_b64(stored.iv)?);
    let context = place.encode(Tier::Platform(key));
    Seal { salt: &salt, iv: &iv, context: &context }.open(key.key().expose(), &body)
}
