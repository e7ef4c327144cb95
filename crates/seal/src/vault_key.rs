//! A user's vault key and the slots it is kept in. The key itself is stored nowhere: each slot
//! holds it sealed under a key-encryption key that only the user can make, from a password, a
//! passkey or a recovery code.

use uuid::Uuid;

use crate::envelope::{SALT, Seal, hkdf};
use crate::kdf::{Kdf, KdfError};
use crate::{Key, OpenError, context, random, text};

/// A user's vault key, one version of it.
pub struct VaultKey {
    version: u32,
    key: Key,
}

/// A slot: who it belongs to and how its key-encryption key is made. All of it is authenticated,
/// so that an edited parameter is refused, never used.
#[derive(Clone, Copy, Debug)]
pub struct Slot<'a> {
    /// Whose vault it is.
    pub user: Uuid,
    /// The slot's row id.
    pub id: Uuid,
    /// How the key-encryption key is made.
    pub kind: Kind,
    /// Salt of the derivation, at least 16 bytes.
    pub salt: &'a [u8],
}

/// How a slot's key-encryption key is made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// From the result of a passkey's PRF: 256 bits.
    Passkey,
    /// From a password.
    Password(Kdf),
    /// From a recovery code of 160 bits.
    Recovery,
}

/// A vault key as a row of `keygate.vault_slots` holds it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WrappedVaultKey {
    /// `kgs1.<vault key version>.<b64url(salt ‖ C ‖ ct ‖ tag)>`
    pub wrapped_vk: String,
    /// base64 of 12 bytes
    pub iv: String,
}

impl VaultKey {
    /// A fresh key.
    pub fn generate(version: u32) -> Self {
        Self { version, key: random::key() }
    }

    /// Which version of the user's vault key it is.
    pub fn version(&self) -> u32 {
        self.version
    }

    pub(crate) fn key(&self) -> &Key {
        &self.key
    }
}

impl Slot<'_> {
    /// The slot's key-encryption key from what the user showed (password, PRF result, code) and
    /// the pepper. A password costs a tenth of a second.
    pub fn kek(&self, shown: &[u8], pepper: &Key) -> Result<Key, KdfError> {
        let info: [&[u8]; 3] = [b"kg1/slot", self.user.as_bytes(), self.id.as_bytes()];
        let expand = |ikm: &[u8]| Key::filled(|kek| hkdf(pepper.expose(), ikm, &info, kek));
        match self.kind {
            Kind::Password(kdf) => Ok(expand(kdf.derive(shown, self.salt)?.expose())),
            Kind::Passkey | Kind::Recovery if shown.len() >= 20 => Ok(expand(shown)),
            Kind::Passkey | Kind::Recovery => Err(KdfError),
        }
    }

    /// Puts the vault key into the slot.
    pub fn wrap(&self, kek: &Key, vault_key: &VaultKey) -> WrappedVaultKey {
        let (salt, iv) = (random::array::<SALT>(), random::array());
        let context = self.encode(vault_key.version);
        let seal = Seal { salt: &salt, iv: &iv, context: &context };
        let body = seal.seal(kek.expose(), vault_key.key.expose());
        let payload = text::b64url(&[&salt[..], &body].concat());
        let wrapped_vk = format!("kgs1.{}.{payload}", vault_key.version);
        WrappedVaultKey { wrapped_vk, iv: text::b64(&iv) }
    }

    /// Takes the vault key out of the slot. That it opens is the proof of the password: there is
    /// no other verifier.
    pub fn unwrap(&self, kek: &Key, wrapped: &WrappedVaultKey) -> Result<VaultKey, OpenError> {
        let rest = wrapped.wrapped_vk.strip_prefix("kgs1.").ok_or(OpenError)?;
        let (version, payload) = rest.split_once('.').ok_or(OpenError)?;
        let (version, payload) = (text::number(version)?, text::from_b64url(payload)?);
        let (salt, body) = text::take::<SALT>(&payload)?;
        let iv = text::from_b64(&wrapped.iv)?;
        let context = self.encode(version);
        let key = Seal { salt, iv: &iv, context: &context }.open(kek.expose(), body)?.into_key()?;
        Ok(VaultKey { version, key })
    }

    /// `"kg1" ‖ L("vault_slots") ‖ user ‖ slot ‖ L(kind) ‖ L(parameters) ‖ L(salt) ‖ u32 version`
    fn encode(&self, version: u32) -> Vec<u8> {
        let mut bytes = context::start("vault_slots");
        bytes.extend_from_slice(self.user.as_bytes());
        bytes.extend_from_slice(self.id.as_bytes());
        context::push_sized(&mut bytes, self.kind.name().as_bytes());
        context::push_sized(&mut bytes, self.kind.parameters().as_bytes());
        context::push_sized(&mut bytes, self.salt);
        bytes.extend_from_slice(&version.to_be_bytes());
        bytes
    }
}

impl Kind {
    /// `passkey`, `password` or `recovery`, as the column `kind` holds it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Passkey => "passkey",
            Self::Password(_) => "password",
            Self::Recovery => "recovery",
        }
    }

    /// The derivation with all parameters: a [`Kdf`], or `hkdf` where the input is strong itself.
    pub fn parameters(&self) -> String {
        match self {
            Self::Password(kdf) => kdf.to_string(),
            Self::Passkey | Self::Recovery => "hkdf".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: Uuid = Uuid::from_u128(1);

    #[test]
    fn the_password_opens_its_slot_and_no_other_does() {
        let (pepper, key) = (random::key(), VaultKey::generate(2));
        let slot = Slot { kind: Kind::Password(light(2)), ..recovery(&[5; 16]) };
        let row = slot.wrap(&slot.kek(b"password", &pepper).ok().unwrap(), &key);
        let open =
            |password: &[u8], pepper: &Key| slot.unwrap(&slot.kek(password, pepper).ok().unwrap(), &row);
        let opened = open(b"password", &pepper).ok().unwrap();
        assert!(opened.key.ct_eq(&key.key) && opened.version() == 2);
        assert!(open(b"Password", &pepper).is_err());
        assert!(open(b"password", &random::key()).is_err(), "the pepper is needed");
    }

    /// Even with the right key-encryption key: parameters are part of what is authenticated.
    #[test]
    fn edited_parameters_are_refused() {
        let (pepper, key) = (random::key(), VaultKey::generate(1));
        let slot = Slot { kind: Kind::Password(light(2)), ..recovery(&[5; 16]) };
        let kek = slot.kek(b"password", &pepper).ok().unwrap();
        let row = slot.wrap(&kek, &key);
        assert!(slot.unwrap(&kek, &row).is_ok());
        assert!(Slot { kind: Kind::Password(light(3)), ..slot }.unwrap(&kek, &row).is_err());
        assert!(Slot { salt: &[6; 16], ..slot }.unwrap(&kek, &row).is_err());
    }

    #[test]
    fn a_slot_key_belongs_to_its_user_and_slot() {
        let (pepper, code) = (random::key(), [9; 20]);
        let kek = |slot: Slot<'_>| *slot.kek(&code, &pepper).ok().unwrap().expose();
        let slot = recovery(&[5; 16]);
        assert_eq!(kek(slot), kek(slot));
        assert_ne!(kek(slot), kek(Slot { user: Uuid::from_u128(2), ..slot }));
        assert_ne!(kek(slot), kek(Slot { id: Uuid::from_u128(2), ..slot }));
    }

    #[test]
    fn a_weak_code_is_refused_where_nothing_stretches_it() {
        for kind in [Kind::Passkey, Kind::Recovery] {
            let slot = Slot { kind, ..recovery(&[5; 16]) };
            assert_eq!(slot.kek(&[9; 19], &random::key()).err(), Some(KdfError));
            assert!(slot.kek(&[9; 20], &random::key()).is_ok());
        }
    }

    fn recovery(salt: &[u8]) -> Slot<'_> {
        Slot { user: USER, id: Uuid::from_u128(10), kind: Kind::Recovery, salt }
    }

    fn light(passes: u32) -> Kdf {
        Kdf::argon2id(19_456, passes).unwrap()
    }
}
