//! Fields of the vault tier (`encrypted_exchange_credentials`), which open only with the user key
//! **and** the vault key. Each field is
//! `kg1v.<user key version>.<vault key version>.<b64url(salt ‖ C ‖ ct)>`; the row keeps one IV for
//! all fields, whose keys differ, and their tags in column order.
//!
//! A row is sealed whole: the IV is made with each call and cannot be given.

use uuid::Uuid;

use crate::envelope::{IV, SALT, Seal, TAG};
use crate::{Context, OpenError, SecretBytes, Tier, UserKey, VaultKey, random, text};

/// A sealed row of `N` columns.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Row<const N: usize> {
    /// The fields, `None` where nothing was given.
    pub fields: [Option<String>; N],
    /// The row's `iv`: base64 of 12 bytes.
    pub iv: String,
    /// The row's `auth_tag`: the tags as base64, joined by dots, empty where a field is `None`.
    pub auth_tag: String,
}

/// A column to seal and its value, if it has one.
pub type Column<'a> = (&'static str, Option<&'a [u8]>);

/// A stored row of `N` columns, as the database holds it.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a, const N: usize> {
    /// The sealed columns in column order, `None` where NULL.
    pub columns: [(&'static str, Option<&'a str>); N],
    /// The row's `iv`.
    pub iv: &'a str,
    /// The row's `auth_tag`.
    pub auth_tag: &'a str,
}

/// Seals all fields of a row, in column order.
pub fn seal<const N: usize>(
    user_key: &UserKey,
    vault_key: &VaultKey,
    table: &'static str,
    id: Uuid,
    columns: [Column<'_>; N],
) -> Row<N> {
    let iv = random::array::<IV>();
    let mut tags = Vec::with_capacity(N);
    let fields = columns.map(|(column, value)| {
        let place = Context { table, column, row: id };
        let sealed =
            value.map(|plaintext| seal_one(Tier::Vault(user_key, vault_key), &place, &iv, plaintext));
        let (payload, tag) = sealed.unzip();
        tags.push(tag.unwrap_or_default());
        payload.map(|payload| format!("kg1v.{}.{}.{payload}", user_key.version(), vault_key.version()))
    });
    Row { fields, iv: text::b64(&iv), auth_tag: tags.join(".") }
}

/// Opens all fields of a row. There must be a tag for each field and none besides.
pub fn open<const N: usize>(
    user_key: &UserKey,
    vault_key: &VaultKey,
    table: &'static str,
    id: Uuid,
    stored: Stored<'_, N>,
) -> Result<[Option<SecretBytes>; N], OpenError> {
    let iv = text::from_b64(stored.iv)?;
    let tags: [&str; N] = Vec::from_iter(stored.auth_tag.split('.')).try_into().map_err(|_| OpenError)?;
    let tier = Tier::Vault(user_key, vault_key);
    let opened = stored.columns.into_iter().zip(tags).map(|((column, sealed), tag)| match sealed {
        None if tag.is_empty() => Ok(None),
        None => Err(OpenError),
        Some(sealed) => open_one(tier, &Context { table, column, row: id }, &iv, (sealed, tag)).map(Some),
    });
    opened.collect::<Result<Vec<_>, _>>()?.try_into().map_err(|_| OpenError)
}

/// The versions of the user key and the vault key that a text is sealed under.
pub fn versions(sealed: &str) -> Result<(u32, u32), OpenError> {
    parse(sealed).map(|(versions, _)| versions)
}

/// The payload `salt ‖ C ‖ ct` as b64url, and the tag as base64.
fn seal_one(tier: Tier<'_>, place: &Context, iv: &[u8; IV], plaintext: &[u8]) -> (String, String) {
    let salt = random::array::<SALT>();
    let context = place.encode(tier);
    let seal = Seal { salt: &salt, iv, context: &context };
    let body = tier.with_material(|ikm| seal.seal(ikm, plaintext));
    let (sealed, tag) = body.split_at(body.len() - TAG);
    (text::b64url(&[&salt, sealed].concat()), text::b64(tag))
}

/// Opens a field and its tag.
fn open_one(
    tier: Tier<'_>,
    place: &Context,
    iv: &[u8; IV],
    (sealed, tag): (&str, &str),
) -> Result<SecretBytes, OpenError> {
    let (versions, payload) = parse(sealed)?;
    tier.expect_versions(versions.0, Some(versions.1))?;
    let (salt, sealed) = text::take::<SALT>(&payload)?;
    let body = [sealed, &text::from_b64::<TAG>(tag)?].concat();
    let context = place.encode(tier);
    tier.with_material(|ikm| Seal { salt, iv, context: &context }.open(ikm, &body))
}

/// Splits `kg1v.<user key version>.<vault key version>.<payload>`.
fn parse(sealed: &str) -> Result<((u32, u32), Vec<u8>), OpenError> {
    let rest = sealed.strip_prefix("kg1v.").ok_or(OpenError)?;
    let (user_key, rest) = rest.split_once('.').ok_or(OpenError)?;
    let (vault_key, payload) = rest.split_once('.').ok_or(OpenError)?;
    Ok(((text::number(user_key)?, text::number(vault_key)?), text::from_b64url(payload)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keyring, MasterKey};

    type Fields<'a> = [Option<&'a str>; 3];

    #[test]
    fn a_row_with_empty_columns_comes_back() {
        let keys = keys();
        let row = seal_row(&keys, [Some(b"key"), None, Some(b"")]);
        assert_eq!(row.auth_tag.split('.').map(str::len).collect::<Vec<_>>(), [24, 0, 24]);
        let [key, secret, passphrase] =
            open_row(&keys, row.fields.each_ref().map(Option::as_deref), &row.iv, &row.auth_tag).unwrap();
        assert_eq!(key.unwrap().expose(), b"key");
        assert!(secret.is_none());
        assert!(passphrase.unwrap().expose().is_empty());
    }

    #[test]
    fn tags_and_fields_must_match_one_to_one() {
        let keys = keys();
        let row = seal_row(&keys, [Some(b"key"), None, Some(b"passphrase")]);
        let fields = row.fields.each_ref().map(Option::as_deref);
        let tags: Vec<&str> = row.auth_tag.split('.').collect();
        let refused =
            |fields: Fields<'_>, tags: &[&str]| open_row(&keys, fields, &row.iv, &tags.join(".")).is_err();
        assert!(!refused(fields, &tags));
        assert!(refused(fields, &[tags[2], tags[1], tags[0]]), "swapped tags");
        assert!(refused(fields, &[tags[0], tags[2], tags[2]]), "a tag for an empty column");
        assert!(refused(fields, &[tags[0], tags[2]]), "a tag too few");
        assert!(refused(fields, &[tags[0], tags[1], tags[2], ""]), "a tag too many");
        assert!(refused([fields[2], None, fields[0]], &[tags[2], tags[1], tags[0]]), "swapped columns");
        assert!(refused([fields[0], None, None], &tags), "a field removed");
        assert!(refused([fields[0], fields[2], None], &tags), "a field moved");
    }

    #[test]
    fn each_field_has_its_own_key_under_the_shared_iv() {
        let row = seal_row(&keys(), [Some(b"same"), Some(b"same"), Some(b"same")]);
        let salts = row.fields.map(|field| parse(&field.unwrap()).unwrap().1[..SALT].to_vec());
        assert!(salts[0] != salts[1] && salts[1] != salts[2] && salts[0] != salts[2]);
    }

    fn keys() -> (UserKey, VaultKey) {
        let keyring = Keyring::new(MasterKey::generate(1));
        (UserKey::create(&keyring, Uuid::from_u128(1), 3).0, VaultKey::generate(4))
    }

    fn seal_row(keys: &(UserKey, VaultKey), values: [Option<&[u8]>; 3]) -> Row<3> {
        let columns = [("key", values[0]), ("secret", values[1]), ("passphrase", values[2])];
        seal(&keys.0, &keys.1, "t", Uuid::nil(), columns)
    }

    fn open_row(
        keys: &(UserKey, VaultKey),
        fields: Fields<'_>,
        iv: &str,
        auth_tag: &str,
    ) -> Result<[Option<SecretBytes>; 3], OpenError> {
        let columns = [("key", fields[0]), ("secret", fields[1]), ("passphrase", fields[2])];
        open(&keys.0, &keys.1, "t", Uuid::nil(), Stored { columns, iv, auth_tag })
    }
}
