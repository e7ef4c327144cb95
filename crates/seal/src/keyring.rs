//! The master keys: each wrapped by the root provider, one of them active. They wrap user keys,
//! service keys and signing seeds, and seal nothing else.

use std::collections::BTreeMap;

use crate::envelope::{IV, SALT, Seal, Sealed};
use crate::root::Root;
use crate::{Key, KeyError, OpenError, RootError, context, mac, random, text};

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

/// A key as the service's tables hold it: wrapped under the master key `kid`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wrapped {
    /// `kgm1.<kid>.<b64url(salt ‖ C ‖ ct ‖ tag)>`
    pub wrapped: String,
    /// base64 of 12 bytes
    pub iv: String,
    /// The master key's number; the same as in `wrapped`, as a column for the rotation to find.
    pub kid: u32,
}

/// A [`Wrapped`] key taken apart, at its place.
pub(crate) struct WrappedKey {
    kid: u32,
    sealed: Sealed,
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

    /// Wraps a secret under the active key. `place` says where it is kept; the kid is added to it.
    pub(crate) fn wrap(&self, place: Vec<u8>, secret: &Key) -> Wrapped {
        let (salt, iv) = (random::array::<SALT>(), random::array::<IV>());
        let kid = self.active.kid;
        let context = with_kid(place, kid);
        let seal = Seal { salt: &salt, iv: &iv, context: &context };
        let body = seal.seal(self.active.key.expose(), secret.expose());
        let payload = text::b64url(&[&salt[..], &body].concat());
        Wrapped { wrapped: format!("kgm1.{kid}.{payload}"), iv: text::b64(&iv), kid }
    }

    /// Unwraps a secret under whichever loaded key it names.
    pub(crate) fn unwrap(&self, place: Vec<u8>, wrapped: &Wrapped) -> Result<Key, KeyError> {
        wrapped.at(place)?.open(self)
    }

    pub(crate) fn active(&self) -> &MasterKey {
        &self.active
    }

    fn get(&self, kid: u32) -> Result<&MasterKey, KeyError> {
        if kid == self.active.kid {
            return Ok(&self.active);
        }
        self.others.get(&kid).ok_or(KeyError::UnknownKid(kid))
    }
}

impl Wrapped {
    /// Takes the row apart. `place` says where it is kept.
    pub(crate) fn at(&self, place: Vec<u8>) -> Result<WrappedKey, KeyError> {
        let (kid, payload) = parse(&self.wrapped)?;
        if kid != self.kid {
            return Err(KeyError::Open);
        }
        let (salt, body) = text::take::<SALT>(&payload)?;
        let iv = text::from_b64(&self.iv)?;
        Ok(WrappedKey { kid, sealed: Sealed::new(*salt, iv, with_kid(place, kid), body) })
    }
}

impl WrappedKey {
    pub(crate) fn open(&self, keyring: &Keyring) -> Result<Key, KeyError> {
        Ok(self.sealed.open_key(keyring.get(self.kid)?.key.expose())?)
    }
}

/// Splits `kgm1.<kid>.<payload>`.
fn parse(wrapped: &str) -> Result<(u32, Vec<u8>), OpenError> {
    let (kid, payload) =
        wrapped.strip_prefix("kgm1.").and_then(|rest| rest.split_once('.')).ok_or(OpenError)?;
    Ok((text::number(kid)?, text::from_b64url(payload)?))
}

/// `"kg1" ‖ L("keyring") ‖ u32 kid`
fn place(kid: u32) -> Vec<u8> {
    with_kid(context::start("keyring"), kid)
}

fn with_kid(mut place: Vec<u8>, kid: u32) -> Vec<u8> {
    place.extend_from_slice(&kid.to_be_bytes());
    place
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::LocalRoot;
    use crate::{SecretBytes, UserKey};

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
        let row = WrappedMasterKey { wrapped: row.wrapped[..31].to_vec(), ..row };
        assert_eq!(MasterKey::unwrap(&Plain([1; 32]), &row).err(), Some(KeyError::WrongRootKey));
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
    fn keys_unwrap_under_the_master_key_they_name() {
        let mut keyring = Keyring::new(MasterKey::generate(1));
        let (one, two) = (random::key(), random::key());
        let old = keyring.wrap(b"place".to_vec(), &one);
        keyring.add(MasterKey::generate(2));
        keyring.promote(2).unwrap();
        let new = keyring.wrap(b"place".to_vec(), &two);
        assert_eq!((old.kid, new.kid), (1, 2));
        assert!(keyring.unwrap(b"place".to_vec(), &old).ok().unwrap().ct_eq(&one));
        assert!(keyring.unwrap(b"place".to_vec(), &new).ok().unwrap().ct_eq(&two));
        assert!(keyring.remove(1) && !keyring.remove(1));
        assert_eq!(keyring.unwrap(b"place".to_vec(), &old).err(), Some(KeyError::UnknownKid(1)));
    }

    #[test]
    fn a_kid_column_that_differs_from_the_text_is_refused() {
        let mut keyring = Keyring::new(MasterKey::generate(1));
        keyring.add(MasterKey::generate(2));
        let row = Wrapped { kid: 2, ..keyring.wrap(b"place".to_vec(), &random::key()) };
        assert_eq!(keyring.unwrap(b"place".to_vec(), &row).err(), Some(KeyError::Open));
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
        let key = random::key();
        let wrapped = keyring.wrap(Vec::new(), &key);
        keyring.add(MasterKey::generate(1));
        assert!(!keyring.remove(1));
        assert_eq!(keyring.promote(2), Err(KeyError::UnknownKid(2)));
        keyring.add(MasterKey::generate(2));
        keyring.promote(2).unwrap();
        keyring.add(MasterKey::generate(1));
        keyring.promote(1).unwrap();
        assert_eq!((keyring.active_kid(), keyring.kids()), (1, vec![1, 2]));
        assert!(keyring.unwrap(Vec::new(), &wrapped).ok().unwrap().ct_eq(&key));
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
