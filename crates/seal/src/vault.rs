//! Fields of the vault tier (`encrypted_exchange_credentials`), which open only with the user key
//! **and** the vault key. Each field is
//! `kg1v.<user key version>.<vault key version>.<b64url(salt ‖ C ‖ ct)>`; the row keeps one IV for
//! all fields, whose keys differ, and their tags in column order.
//!
//! A row is sealed whole: the IV is made with each [`Row`] and cannot be given.

use uuid::Uuid;

use crate::envelope::{COMMITMENT, IV, SALT, Seal, TAG};
use crate::{Context, OpenError, SecretBytes, Tier, UserKey, VaultKey, random, text};

/// A row being sealed. Call [`Row::seal`] or [`Row::skip`] once per sealed column, in column order.
pub struct Row<'k> {
    keys: (&'k UserKey, &'k VaultKey),
    table: &'static str,
    id: Uuid,
    iv: [u8; IV],
    tags: Vec<String>,
}

/// A stored field: the three texts of its row that belong to it.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// The field itself.
    pub sealed: &'a str,
    /// The row's `iv`.
    pub iv: &'a str,
    /// The row's `auth_tag`.
    pub auth_tag: &'a str,
    /// Which tag is this field's: 0 for the first sealed column.
    pub position: usize,
}

impl<'k> Row<'k> {
    /// Begins a row with a fresh IV.
    pub fn new(user_key: &'k UserKey, vault_key: &'k VaultKey, table: &'static str, id: Uuid) -> Self {
        Self { keys: (user_key, vault_key), table, id, iv: random::array(), tags: Vec::new() }
    }

    /// Seals the next column.
    pub fn seal(&mut self, column: &'static str, plaintext: &[u8]) -> String {
        let (user_key, vault_key) = self.keys;
        let tier = Tier::Vault(user_key, vault_key);
        let salt = random::array::<SALT>();
        let context = Context { table: self.table, column, row: self.id }.encode(tier);
        let seal = Seal { salt: &salt, iv: &self.iv, context: &context };
        let body = tier.with_material(|ikm| seal.seal(ikm, plaintext));
        let (sealed, tag) = body.split_at(body.len() - TAG);
        self.tags.push(text::b64(tag));
        let payload = text::b64url(&[&salt, sealed].concat());
        format!("kg1v.{}.{}.{payload}", user_key.version(), vault_key.version())
    }

    /// Leaves the next column NULL.
    pub fn skip(&mut self) {
        self.tags.push(String::new());
    }

    /// The row's `iv`: base64 of 12 bytes.
    pub fn iv(&self) -> String {
        text::b64(&self.iv)
    }

    /// The row's `auth_tag`: the tags as base64, joined by dots, empty where a column is NULL.
    pub fn auth_tag(&self) -> String {
        self.tags.join(".")
    }
}

/// Opens a field at its place.
pub fn open(
    user_key: &UserKey,
    vault_key: &VaultKey,
    place: &Context,
    stored: Stored<'_>,
) -> Result<SecretBytes, OpenError> {
    let (versions, payload) = parse(stored.sealed)?;
    if versions != (user_key.version(), vault_key.version()) {
        return Err(OpenError);
    }
    let (salt, sealed) = text::take::<SALT>(&payload)?;
    if sealed.len() < COMMITMENT {
        return Err(OpenError);
    }
    let iv = text::from_b64(stored.iv)?;
    let body = [sealed, &tag(stored.auth_tag, stored.position)?].concat();
    let tier = Tier::Vault(user_key, vault_key);
    let context = place.encode(tier);
    tier.with_material(|ikm| Seal { salt, iv: &iv, context: &context }.open(ikm, &body))
}

/// The versions of the user key and the vault key that a text is sealed under.
pub fn versions(sealed: &str) -> Result<(u32, u32), OpenError> {
    parse(sealed).map(|(versions, _)| versions)
}

/// Splits `kg1v.<user key version>.<vault key version>.<payload>`.
fn parse(sealed: &str) -> Result<((u32, u32), Vec<u8>), OpenError> {
    let rest = sealed.strip_prefix("kg1v.").ok_or(OpenError)?;
    let (user_key, rest) = rest.split_once('.').ok_or(OpenError)?;
    let (vault_key, payload) = rest.split_once('.').ok_or(OpenError)?;
    Ok(((text::number(user_key)?, text::number(vault_key)?), text::from_b64url(payload)?))
}

/// The tag at a position. The whole column must be well formed, not just the part asked for.
fn tag(joined: &str, position: usize) -> Result<[u8; TAG], OpenError> {
    let tags: Vec<&str> = joined.split('.').collect();
    let well_formed = tags.iter().all(|tag| tag.is_empty() || text::from_b64::<TAG>(tag).is_ok());
    match tags.get(position) {
        Some(tag) if well_formed => text::from_b64(tag),
        _ => Err(OpenError),
    }
}
