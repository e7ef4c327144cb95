//! The master keys: each wrapped by the root provider, one of them active. They wrap user keys,
//! service keys and signing seeds, and seal nothing else.

use std::collections::BTreeMap;

use crate::envelope::{IV, SALT, Seal};
use crate::root::Root;
use crate::{Key, KeyError, OpenError, RootError, SecretBytes, context, mac, random, text};

/// A platform master key and its number.
pub struct MasterKey {
    kid: u32,
    key: Key,
}

/// A master key as a row of `keygate.keyring` holds it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WrappedMasterKey {
    /// The key's number.
    pub kid: u32,
    /// [`Root::id`] of the provider that wrapped it.
    pub provider: String,
    /// What the provider returned.
    pub wrapped: Vec<u8>,
    /// The first 8 bytes of `HMAC-SHA-256(key, "kcv")`.
    pub kcv: [u8; 8],
}

/// All loaded master keys. New values are wrapped under the active one, old ones open under theirs.
pub struct Keyring {
    active: MasterKey,
    others: BTreeMap<u32, MasterKey>,
}

impl MasterKey {
    /// A fresh key.
    pub fn generate(kid: u32) -> Self {
        Self { kid, key: random::key() }
    }

    /// The key's number.
    pub fn kid(&self) -> u32 {
        self.kid
    }

    /// Wraps the key by the root provider.
    pub fn wrap(&self, root: &dyn Root) -> Result<WrappedMasterKey, RootError> {
        let wrapped = root.wrap(&place(self.kid), self.key.expose())?;
        Ok(WrappedMasterKey { kid: self.kid, provider: root.id().to_owned(), wrapped, kcv: self.kcv() })
    }

    /// Unwraps a row of the keyring. A root key other than the one that wrapped it, or a check
    /// value that does not fit, is [`KeyError::WrongRootKey`]: refuse to start.
    pub fn unwrap(root: &dyn Root, row: &WrappedMasterKey) -> Result<Self, KeyError> {
        let key = root.unwrap(&place(row.kid), &row.wrapped).map_err(|error| match error {
            RootError::Refused => KeyError::WrongRootKey,
            other => KeyError::Root(other),
        })?;
        let master = Self { kid: row.kid, key: key.into_key().map_err(|OpenError| KeyError::WrongRootKey)? };
        if mac::equal(&master.kcv(), &row.kcv) { Ok(master) } else { Err(KeyError::WrongRootKey) }
    }

    /// `C ‖ ct ‖ tag` under this key.
    pub(crate) fn seal(&self, salt: &[u8; SALT], iv: &[u8; IV], context: &[u8], plaintext: &[u8]) -> Vec<u8> {
        Seal { salt, iv, context }.seal(self.key.expose(), plaintext)
    }

    /// Opens `C ‖ ct ‖ tag` under this key.
    pub(crate) fn open(
        &self,
        salt: &[u8; SALT],
        iv: &[u8; IV],
        context: &[u8],
        body: &[u8],
    ) -> Result<SecretBytes, OpenError> {
        Seal { salt, iv, context }.open(self.key.expose(), body)
    }

    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    fn kcv(&self) -> [u8; 8] {
        let mut kcv = [0; 8];
        kcv.copy_from_slice(&mac::sign(&self.key, b"kcv")[..8]);
        kcv
    }
}

impl Keyring {
    /// A keyring with one key, which is active.
    pub fn new(active: MasterKey) -> Self {
        Self { active, others: BTreeMap::new() }
    }

    /// Adds a key that opens old values (decrypt only) or will be promoted (pending). A key with a
    /// number that is there already is dropped: a number never changes its key.
    pub fn add(&mut self, key: MasterKey) {
        if key.kid != self.active.kid {
            self.others.entry(key.kid).or_insert(key);
        }
    }

    /// Makes a loaded key the active one; the former active key stays for opening.
    pub fn promote(&mut self, kid: u32) -> Result<(), KeyError> {
        if kid == self.active.kid {
            return Ok(());
        }
        let next = self.others.remove(&kid).ok_or(KeyError::UnknownKid(kid))?;
        let former = std::mem::replace(&mut self.active, next);
        self.others.insert(former.kid, former);
        Ok(())
    }

    /// Forgets a key that is not the active one; tells whether it was there.
    pub fn remove(&mut self, kid: u32) -> bool {
        self.others.remove(&kid).is_some()
    }

    /// The number of the active key.
    pub fn active_kid(&self) -> u32 {
        self.active.kid
    }

    /// The numbers of all loaded keys, ascending.
    pub fn kids(&self) -> Vec<u32> {
        let mut kids: Vec<u32> = self.others.keys().copied().chain([self.active.kid]).collect();
        kids.sort_unstable();
        kids
    }

    /// Seals a small secret of the service itself for the row `id` of `table`, under the active
    /// key: `kgm1.<kid>.<b64url(salt ‖ iv ‖ C ‖ ct ‖ tag)>`.
    pub fn seal(&self, table: &'static str, id: &[u8], plaintext: &[u8]) -> String {
        let (salt, iv) = (random::array::<SALT>(), random::array::<IV>());
        let kid = self.active.kid;
        let body = self.active.seal(&salt, &iv, &blob_place(table, id, kid), plaintext);
        Self::format(kid, &[&salt, &iv, &body])
    }

    /// Opens what [`Keyring::seal`] made for this table and id, under whichever loaded key.
    pub fn open(&self, table: &'static str, id: &[u8], sealed: &str) -> Result<SecretBytes, KeyError> {
        let (kid, payload) = Self::parse(sealed)?;
        let (salt, rest) = text::take::<SALT>(&payload)?;
        let (iv, body) = text::take::<IV>(rest)?;
        Ok(self.get(kid)?.open(salt, iv, &blob_place(table, id, kid), body)?)
    }

    /// The number of the master key a `kgm1` value is sealed under.
    pub fn kid_of(sealed: &str) -> Result<u32, OpenError> {
        Self::parse(sealed).map(|(kid, _)| kid)
    }

    pub(crate) fn active(&self) -> &MasterKey {
        &self.active
    }

    pub(crate) fn get(&self, kid: u32) -> Result<&MasterKey, KeyError> {
        if kid == self.active.kid {
            return Ok(&self.active);
        }
        self.others.get(&kid).ok_or(KeyError::UnknownKid(kid))
    }

    /// Splits `kgm1.<kid>.<payload>`.
    pub(crate) fn parse(sealed: &str) -> Result<(u32, Vec<u8>), OpenError> {
        let (kid, payload) =
            sealed.strip_prefix("kgm1.").and_then(|rest| rest.split_once('.')).ok_or(OpenError)?;
        Ok((text::number(kid)?, text::from_b64url(payload)?))
    }

    pub(crate) fn format(kid: u32, parts: &[&[u8]]) -> String {
        format!("kgm1.{kid}.{}", text::b64url(&parts.concat()))
    }
}

/// `"kg1" ‖ L("keyring") ‖ u32 kid`
fn place(kid: u32) -> Vec<u8> {
    let mut bytes = context::start("keyring");
    bytes.extend_from_slice(&kid.to_be_bytes());
    bytes
}

/// `"kg1" ‖ L(table) ‖ L(id) ‖ u32 kid`
fn blob_place(table: &str, id: &[u8], kid: u32) -> Vec<u8> {
    let mut bytes = context::start(table);
    context::push_sized(&mut bytes, id);
    bytes.extend_from_slice(&kid.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UserKey;
    use crate::root::LocalRoot;

    #[test]
    fn a_wrong_root_key_is_told_from_other_failures() {
        let (root, other) = (LocalRoot::generate().0, LocalRoot::generate().0);
        let row = MasterKey::generate(1).wrap(&root).unwrap();
        assert_eq!(MasterKey::unwrap(&root, &row).ok().unwrap().kid(), 1);
        assert_eq!(MasterKey::unwrap(&other, &row).err(), Some(KeyError::WrongRootKey));
        let sealed = MasterKey::unwrap(&Away, &row).err();
        assert_eq!(sealed, Some(KeyError::Root(RootError::Unavailable("no answer".to_owned()))));
    }

    /// A provider that authenticates nothing is still caught by the check value.
    #[test]
    fn the_check_value_alone_catches_a_wrong_key() {
        let row = MasterKey::generate(1).wrap(&Plain([1; 32])).unwrap();
        assert!(MasterKey::unwrap(&Plain([1; 32]), &row).is_ok());
        assert_eq!(MasterKey::unwrap(&Plain([2; 32]), &row).err(), Some(KeyError::WrongRootKey));
    }

    #[test]
    fn the_stored_row_names_provider_and_check_value() {
        let root = LocalRoot::generate().0;
        let master = MasterKey::generate(9);
        let row = master.wrap(&root).unwrap();
        assert_eq!((row.kid, row.provider.as_str()), (9, root.id()));
        assert_eq!(row.kcv, mac::sign(&master.key, b"kcv")[..8]);
    }

    #[test]
    fn values_open_under_the_key_they_name() {
        let mut keyring = Keyring::new(MasterKey::generate(1));
        let old = keyring.seal("t", b"id", b"old");
        keyring.add(MasterKey::generate(2));
        keyring.promote(2).unwrap();
        let new = keyring.seal("t", b"id", b"new");
        assert_eq!((Keyring::kid_of(&old), Keyring::kid_of(&new)), (Ok(1), Ok(2)));
        assert_eq!(keyring.open("t", b"id", &old).ok().unwrap().expose(), b"old");
        assert_eq!(keyring.open("t", b"id", &new).ok().unwrap().expose(), b"new");
        assert!(keyring.remove(1) && !keyring.remove(1));
        assert_eq!(keyring.open("t", b"id", &old).err(), Some(KeyError::UnknownKid(1)));
    }

    #[test]
    fn rotation_keeps_the_user_key_and_frees_the_old_master_key() {
        let mut keyring = Keyring::new(MasterKey::generate(1));
        let user = uuid::Uuid::from_u128(7);
        let (key, old) = UserKey::create(&keyring, user, 1);
        keyring.add(MasterKey::generate(2));
        keyring.promote(2).unwrap();
        let new = UserKey::open(&keyring, user, 1, &old).ok().unwrap().wrap(&keyring);
        assert_eq!(new.kid, 2);
        keyring.remove(1);
        assert_eq!(UserKey::open(&keyring, user, 1, &old).err(), Some(KeyError::UnknownKid(1)));
        assert!(UserKey::open(&keyring, user, 1, &new).ok().unwrap().key().ct_eq(key.key()));
    }

    #[test]
    fn the_active_key_can_be_neither_removed_nor_replaced() {
        let mut keyring = Keyring::new(MasterKey::generate(1));
        let sealed = keyring.seal("t", b"id", b"value");
        keyring.add(MasterKey::generate(1));
        assert!(!keyring.remove(1));
        assert_eq!(keyring.promote(2), Err(KeyError::UnknownKid(2)));
        keyring.add(MasterKey::generate(2));
        keyring.promote(2).unwrap();
        keyring.add(MasterKey::generate(1));
        keyring.promote(1).unwrap();
        assert_eq!((keyring.active_kid(), keyring.kids()), (1, vec![1, 2]));
        assert_eq!(keyring.open("t", b"id", &sealed).ok().unwrap().expose(), b"value");
    }

    /// A provider that does not answer.
    struct Away;

    impl Root for Away {
        fn id(&self) -> &str {
            "away"
        }

        fn wrap(&self, _: &[u8], _: &[u8]) -> Result<Vec<u8>, RootError> {
            self.health().map(|()| Vec::new())
        }

        fn unwrap(&self, _: &[u8], _: &[u8]) -> Result<SecretBytes, RootError> {
            self.health().map(|()| Vec::new().into())
        }

        fn health(&self) -> Result<(), RootError> {
            Err(RootError::Unavailable("no answer".to_owned()))
        }
    }

    /// A provider that only masks.
    struct Plain([u8; 32]);

    impl Root for Plain {
        fn id(&self) -> &str {
            "plain"
        }

        fn wrap(&self, _: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, RootError> {
            Ok(plaintext.iter().zip(self.0).map(|(byte, mask)| byte ^ mask).collect())
        }

        fn unwrap(&self, aad: &[u8], wrapped: &[u8]) -> Result<SecretBytes, RootError> {
            self.wrap(aad, wrapped).map(SecretBytes::from)
        }

        fn health(&self) -> Result<(), RootError> {
            Ok(())
        }
    }
}
