//! The master keys: each wrapped by the root provider, one of them active. They wrap user keys,
//! service keys and signing seeds, and seal nothing else.

use std::collections::BTreeMap;

pub use crate::master_key::WrappedMasterKey;

use crate::envelope::{IV, SALT, Seal, Sealed};
use crate::{Key, KeyError, MasterKey, OpenError, random, text};

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

impl Keyring {
    /// A keyring with one key, which is active.
    pub fn new(active: MasterKey) -> Self {
        Self { active, others: BTreeMap::new() }
    }

    /// Adds a key that opens old values (decrypt only) or will be promoted (pending). A key with a
    /// number that is there already is dropped: a number never changes its key.
    pub fn add(&mut self, key: MasterKey) {
        if key.kid() != self.active.kid() {
            self.others.entry(key.kid()).or_insert(key);
        }
    }

    /// Makes a loaded key the active one; the former active key stays for opening.
    pub fn promote(&mut self, kid: u32) -> Result<(), KeyError> {
        if kid == self.active.kid() {
            return Ok(());
        }
        let next = self.others.remove(&kid).ok_or(KeyError::UnknownKid(kid))?;
        let former = std::mem::replace(&mut self.active, next);
        self.others.insert(former.kid(), former);
        Ok(())
    }

    /// Forgets a key that is not the active one; tells whether it was there.
    pub fn remove(&mut self, kid: u32) -> bool {
        self.others.remove(&kid).is_some()
    }

    /// The number of the active key.
    pub fn active_kid(&self) -> u32 {
        self.active.kid()
    }

    /// The numbers of all loaded keys, ascending.
    pub fn kids(&self) -> Vec<u32> {
        let mut kids: Vec<u32> = self.others.keys().copied().chain([self.active.kid()]).collect();
        kids.sort_unstable();
        kids
    }

    /// Wraps a secret under the active key. `place` says where it is kept; the kid is added to it.
    pub(crate) fn wrap(&self, place: Vec<u8>, secret: &Key) -> Wrapped {
        let (salt, iv) = (random::array::<SALT>(), random::array::<IV>());
        let kid = self.active.kid();
        let context = with_kid(place, kid);
        let seal = Seal { salt: &salt, iv: &iv, context: &context };
        let body = seal.seal(self.active.key().expose(), secret.expose());
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
        if kid == self.active.kid() {
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
        Ok(self.sealed.open_key(keyring.get(self.kid)?.key().expose())?)
    }
}

/// Splits `kgm1.<kid>.<payload>`.
fn parse(wrapped: &str) -> Result<(u32, Vec<u8>), OpenError> {
    let (kid, payload) =
        wrapped.strip_prefix("kgm1.").and_then(|rest| rest.split_once('.')).ok_or(OpenError)?;
    Ok((text::number(kid)?, text::from_b64url(payload)?))
}

pub(crate) fn with_kid(mut place: Vec<u8>, kid: u32) -> Vec<u8> {
    place.extend_from_slice(&kid.to_be_bytes());
    place
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UserKey;

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
}
