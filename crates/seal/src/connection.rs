//! Fields of `exchange_connections`: bytes with the version in front, one salt per row in
//! `key_encryption_salt`. Version 1 is `01 ‖ u32 user key version ‖ iv ‖ C ‖ ct ‖ tag`; version 2,
//! of a vault credential, has `u32 vault key version` after the user key's and locks with the vault.
//!
//! A row is sealed whole: a salt is made with each [`Row`] and cannot be given.

use uuid::Uuid;

use crate::envelope::{IV, SALT, Seal};
use crate::{Context, OpenError, Sealed, SecretBytes, Tier, random, text};

/// A row being sealed.
pub struct Row<'k> {
    tier: Tier<'k>,
    table: &'static str,
    id: Uuid,
    salt: [u8; SALT],
}

/// A stored field: the two values of its row that belong to it.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// The field itself.
    pub sealed: &'a [u8],
    /// The row's `key_encryption_salt`.
    pub salt: &'a [u8],
}

/// The key versions a field is sealed under.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Versions {
    /// Version of the user key.
    pub user_key: u32,
    /// Version of the vault key, if the field belongs to the vault tier.
    pub vault_key: Option<u32>,
}

impl<'k> Row<'k> {
    /// Begins a row with a fresh salt.
    pub fn new(tier: Tier<'k>, table: &'static str, id: Uuid) -> Self {
        Self { tier, table, id, salt: random::array() }
    }

    /// The row's `key_encryption_salt`.
    pub fn salt(&self) -> [u8; SALT] {
        self.salt
    }

    /// Seals one field.
    pub fn seal(&self, column: &'static str, plaintext: &[u8]) -> Vec<u8> {
        let iv = random::array::<IV>();
        let context = Context { table: self.table, column, row: self.id }.encode(self.tier);
        let seal = Seal { salt: &self.salt, iv: &iv, context: &context };
        let body = self.tier.with_material(|ikm| seal.seal(ikm, plaintext));
        let mut sealed = header(self.tier);
        sealed.extend_from_slice(&iv);
        sealed.extend_from_slice(&body);
        sealed
    }
}

/// Opens a field at its place. The tier must be the one it was sealed under.
pub fn open(tier: Tier<'_>, place: &Context, stored: Stored<'_>) -> Result<SecretBytes, OpenError> {
    if let Tier::Platform(user_key) = tier {
        return read(user_key.user(), place, stored)?.open(user_key);
    }
    let rest = stored.sealed.strip_prefix(header(tier).as_slice()).ok_or(OpenError)?;
    let (iv, body) = text::take::<IV>(rest)?;
    let salt = stored.salt.try_into().map_err(|_| OpenError)?;
    let context = place.encode(tier);
    tier.with_material(|ikm| Seal { salt, iv, context: &context }.open(ikm, body))
}

/// Takes a field of this user's platform tier apart, to be opened later.
pub fn read(user: Uuid, place: &Context, stored: Stored<'_>) -> Result<Sealed, OpenError> {
    let Versions { user_key, vault_key: None } = versions(stored.sealed)? else { return Err(OpenError) };
    let (_, rest) = text::take::<HEADER>(stored.sealed)?;
    let (iv, body) = text::take::<IV>(rest)?;
    let salt = stored.salt.try_into().map_err(|_| OpenError)?;
    Ok(Sealed::new((user, user_key), place, (salt, *iv), body))
}

/// The key versions that stand in front of a field.
pub fn versions(sealed: &[u8]) -> Result<Versions, OpenError> {
    let ([form], rest) = text::take::<1>(sealed)?;
    let (user_key, rest) = text::take::<4>(rest)?;
    let vault_key = match form {
        1 => None,
        2 => Some(u32::from_be_bytes(*text::take::<4>(rest)?.0)),
        _ => return Err(OpenError),
    };
    Ok(Versions { user_key: u32::from_be_bytes(*user_key), vault_key })
}

/// Form number and version of the user key.
const HEADER: usize = 5;

/// Form number and key versions.
fn header(tier: Tier<'_>) -> Vec<u8> {
    match tier {
        Tier::Platform(user_key) => [&[1], &user_key.version().to_be_bytes()[..]].concat(),
        Tier::Vault(user_key, vault_key) => {
            [&[2], &user_key.version().to_be_bytes()[..], &vault_key.version().to_be_bytes()].concat()
        }
    }
}
