//! One function per parser, fed with arbitrary bytes by the fuzz targets and by the ordinary tests.
//! Each must return without a panic, refuse to open what nobody sealed, and accept one form only of
//! what it accepts.

#![allow(dead_code, reason = "each fuzz target uses one function")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::LazyLock;

use seal::kdf::Kdf;
use seal::keyring::Wrapped;
use seal::password::Hasher;
use seal::root::{LocalRoot, Root as _};
use seal::site::{self, Site};
use seal::token::{Opaque, StoredAccessKey};
use seal::vault_key::{Kind, Slot, WrappedVaultKey};
use seal::{
    Context, Key, Keyring, MasterKey, ServiceKey, SigningKey, Tier, UserKey, VaultKey, connection, field,
    random, row, vault,
};
use uuid::Uuid;

/// A parser and its name.
pub type Subject = (&'static str, fn(&[u8]));

pub const ALL: [Subject; 13] = [
    ("access_key", access_key),
    ("connection", connection_field),
    ("field", field_text),
    ("kdf", kdf),
    ("opaque", opaque),
    ("password", password),
    ("root_key", root_key),
    ("root_wrap", root_wrap),
    ("row", row_field),
    ("site_key", site_key),
    ("vault_row", vault_row),
    ("vault_slot", vault_slot),
    ("wrapped_key", wrapped_key),
];

/// The alphabet of access keys has no other letters, so equal text is equal hash.
pub fn access_key(data: &[u8]) {
    let Some(text) = text(data) else { return };
    if let Ok(stored) = StoredAccessKey::parse(text) {
        assert!(text.starts_with(&stored.prefix) && text.len() == 49 && stored.hash.len() == 64);
    }
}

/// The first 32 bytes are the salt column, the rest is the field.
pub fn connection_field(data: &[u8]) {
    let (salt, sealed) = data.split_at(data.len().min(32));
    for tier in [Tier::Platform(&KEYS.user), Tier::Vault(&KEYS.user, &KEYS.vault)] {
        assert!(connection::open(tier, &PLACE, connection::Stored { sealed, salt }).is_err());
    }
    if let Ok(versions) = connection::versions(sealed) {
        let form = if versions.vault_key.is_some() { 2 } else { 1 };
        assert_eq!(sealed[0], form);
        assert_eq!(sealed[1..5], versions.user_key.to_be_bytes());
    }
}

pub fn field_text(data: &[u8]) {
    let Some(text) = text(data) else { return };
    assert!(field::open(&KEYS.user, &PLACE, text).is_err());
    if let Ok(version) = field::user_key_version(text) {
        assert!(
            text.starts_with(&format!("kg1.{version}.")) || text.starts_with(&format!("kg1v.{version}."))
        );
    }
}

pub fn kdf(data: &[u8]) {
    let Some(text) = text(data) else { return };
    if let Ok(kdf) = Kdf::parse(text) {
        assert_eq!(kdf.to_string(), text);
    }
}

pub fn opaque(data: &[u8]) {
    let Some(text) = text(data) else { return };
    assert!(Opaque::parse(text).is_err() || text.len() == 43);
}

/// Only the parser: verifying would take a tenth of a second.
pub fn password(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let renew = KEYS.hasher.needs_rehash(text);
    assert!(renew || text.starts_with("$argon2id-hmac-sha256$v=19$m=65536,t=3,p=1,k=1$"));
}

pub fn root_key(data: &[u8]) {
    let Some(text) = text(data) else { return };
    if let Ok(root) = LocalRoot::parse(text) {
        assert_eq!(text.trim_end().len(), 44);
        assert_eq!(root.id(), LocalRoot::parse(text.trim_end()).ok().unwrap().id());
    }
}

pub fn root_wrap(data: &[u8]) {
    assert!(KEYS.root.unwrap(b"aad", data).is_err());
}

/// Three lines: field, IV, salt.
pub fn row_field(data: &[u8]) {
    let Some([sealed, iv, salt]) = text(data).and_then(lines) else { return };
    assert!(row::open(&KEYS.user, &PLACE, row::Stored { sealed, iv, salt }).is_err());
}

pub fn site_key(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let site = Site { row: PLACE.row, column: "encrypted_key", provider: "openai" };
    assert!(site::open(&KEYS.root, &site, text).is_err());
}

/// Four lines: two fields, IV, tags.
pub fn vault_row(data: &[u8]) {
    let Some([key, secret, iv, auth_tag]) = text(data).and_then(lines) else { return };
    let columns = [("key", Some(key)), ("secret", Some(secret))];
    let stored = vault::Stored { columns, iv, auth_tag };
    assert!(vault::open(&KEYS.user, &KEYS.vault, "t", PLACE.row, stored).is_err());
    if let Ok((user_key, vault_key)) = vault::versions(key) {
        assert!(key.starts_with(&format!("kg1v.{user_key}.{vault_key}.")));
    }
}

/// Three lines: key, IV, salt.
pub fn vault_slot(data: &[u8]) {
    let Some([wrapped_vk, iv, salt]) = text(data).and_then(lines) else { return };
    let wrapped = WrappedVaultKey { wrapped_vk: wrapped_vk.to_owned(), iv: iv.to_owned() };
    let slot = Slot { user: Uuid::nil(), id: PLACE.row, kind: Kind::Recovery, salt: salt.as_bytes() };
    assert!(slot.unwrap(&KEYS.kek, &wrapped).is_err());
}

/// Two lines: key, IV.
pub fn wrapped_key(data: &[u8]) {
    let Some([wrapped, iv]) = text(data).and_then(lines) else { return };
    let row = Wrapped { wrapped: wrapped.to_owned(), iv: iv.to_owned(), kid: 1 };
    assert!(UserKey::open(&KEYS.keyring, Uuid::nil(), 1, &row).is_err());
    assert!(ServiceKey::open(&KEYS.keyring, 1, &row).is_err());
    assert!(SigningKey::open(&KEYS.keyring, "a", &row).is_err());
}

struct Keys {
    root: LocalRoot,
    keyring: Keyring,
    user: UserKey,
    vault: VaultKey,
    kek: Key,
    hasher: Hasher,
}

const PLACE: Context = Context { table: "t", column: "c", row: Uuid::nil() };

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let keyring = Keyring::new(MasterKey::generate(1));
    Keys {
        root: LocalRoot::generate().0,
        user: UserKey::create(&keyring, Uuid::nil(), 1).0,
        vault: VaultKey::generate(1),
        kek: random::key(),
        hasher: Hasher::new(&ServiceKey::generate(1)),
        keyring,
    }
});

fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

/// Exactly `N` lines.
fn lines<const N: usize>(text: &str) -> Option<[&str; N]> {
    Vec::from_iter(text.split('\n')).try_into().ok()
}
