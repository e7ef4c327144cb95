//! Self-contained fields, for tables without room for a salt and an IV (import inbox, integration
//! tokens, virtual secrets): `kg1.<user key version>.<b64url(salt ‖ iv ‖ C ‖ ct ‖ tag)>`.

use uuid::Uuid;

use crate::envelope::{IV, SALT, Seal};
use crate::{Context, OpenError, Sealed, SecretBytes, Tier, UserKey, random, text};

/// Seals a value for its place.
pub fn seal(key: &UserKey, place: &Context, plaintext: &[u8]) -> String {
    let (salt, iv) = (random::array::<SALT>(), random::array::<IV>());
    let context = place.encode(Tier::Platform(key));
    let body = Seal { salt: &salt, iv: &iv, context: &context }.seal(key.key().expose(), plaintext);
    format(key.version(), &[&salt, &iv, &body])
}

/// Opens a value at its place.
pub fn open(key: &UserKey, place: &Context, sealed: &str) -> Result<SecretBytes, OpenError> {
    read(key.user(), place, sealed)?.open(key)
}

/// Takes a value of this user apart, to be opened later.
pub fn read(user: Uuid, place: &Context, sealed: &str) -> Result<Sealed, OpenError> {
    let (version, payload) = parse(sealed)?;
    let (salt, rest) = text::take::<SALT>(&payload)?;
    let (iv, body) = text::take::<IV>(rest)?;
    Ok(Sealed::new((user, version), place, (*salt, *iv), body))
}

/// The version of the user key that a `kg1` or `kg1v` text is sealed under.
pub fn user_key_version(sealed: &str) -> Result<u32, OpenError> {
    if sealed.starts_with("kg1v.") {
        return crate::vault::versions(sealed).map(|(user_key, _)| user_key);
    }
    parse(sealed).map(|(version, _)| version)
}

/// `kg1.<version>.<b64url(parts)>`
pub(crate) fn format(version: u32, parts: &[&[u8]]) -> String {
    format!("kg1.{version}.{}", text::b64url(&parts.concat()))
}

/// Splits `kg1.<version>.<payload>`.
pub(crate) fn parse(sealed: &str) -> Result<(u32, Vec<u8>), OpenError> {
    let (version, payload) =
        sealed.strip_prefix("kg1.").and_then(|rest| rest.split_once('.')).ok_or(OpenError)?;
    Ok((text::number(version)?, text::from_b64url(payload)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keyring, MasterKey, VaultKey, connection, row, vault};

    const PLACE: Context = Context { table: "t", column: "c", row: Uuid::nil() };

    #[test]
    fn any_length_comes_back() {
        let key = key();
        for length in [0, 1, 15, 16, 17, 64, 3300, 100_000] {
            let plaintext = vec![7; length];
            let sealed = seal(&key, &PLACE, &plaintext);
            assert_eq!(open(&key, &PLACE, &sealed).unwrap().expose(), plaintext);
        }
    }

    #[test]
    fn every_sealing_has_its_own_salt_and_iv() {
        let key = key();
        let payload = || parse(&seal(&key, &PLACE, b"same")).unwrap().1;
        let (one, two) = (payload(), payload());
        assert_ne!(one[..SALT], two[..SALT]);
        assert_ne!(one[SALT..SALT + IV], two[SALT..SALT + IV]);
    }

    #[test]
    fn the_key_version_is_read_without_the_key() {
        let (key, vault_key) = (key(), VaultKey::generate(9));
        let vault_row = vault::seal(&key, &vault_key, "t", Uuid::nil(), [("c", Some(b"x"))]);
        let sealed = vault_row.fields[0].as_deref().unwrap();
        assert_eq!(user_key_version(&seal(&key, &PLACE, b"x")), Ok(3));
        assert_eq!(user_key_version(&row::Row::new(&key, "t", Uuid::nil()).seal("c", b"x").sealed), Ok(3));
        assert_eq!((user_key_version(sealed), vault::versions(sealed)), (Ok(3), Ok((3, 9))));
        for other in
            ["", "kg1", "kg1.3", "kg1.03.AA", "kg1.3.A", "kg2.3.AA", "kg1v.3.AA", "kgm1.3.AA", "KG1.3.AA"]
        {
            assert_eq!(user_key_version(other), Err(OpenError), "{other}");
        }
    }

    #[test]
    fn a_connection_field_tells_its_key_versions() {
        let (key, vault_key) = (key(), VaultKey::generate(9));
        let versions =
            |tier| connection::versions(&connection::Row::new(tier, "t", Uuid::nil()).seal("c", b""));
        let expected = |vault_key| Ok(connection::Versions { user_key: 3, vault_key });
        assert_eq!(versions(Tier::Platform(&key)), expected(None));
        assert_eq!(versions(Tier::Vault(&key, &vault_key)), expected(Some(9)));
        for other in [&[][..], &[1], &[1, 0, 0, 0], &[0, 0, 0, 0, 3], &[3, 0, 0, 0, 3], &[2, 0, 0, 0, 3, 0]] {
            assert_eq!(connection::versions(other), Err(OpenError), "{other:?}");
        }
    }

    /// A form that was sealed for one table's layout is not accepted in another's.
    #[test]
    fn forms_are_not_interchangeable() {
        let key = key();
        let row = row::Row::new(&key, "t", Uuid::nil());
        let field = row.seal("c", b"x");
        assert!(open(&key, &PLACE, &field.sealed).is_err());
        let sealed = seal(&key, &PLACE, b"x");
        let stored = row::Stored { sealed: &sealed, iv: &field.iv, salt: &row.salt() };
        assert!(row::open(&key, &PLACE, stored).is_err());
    }

    fn key() -> UserKey {
        UserKey::create(&Keyring::new(MasterKey::generate(1)), Uuid::from_u128(1), 3).0
    }
}
