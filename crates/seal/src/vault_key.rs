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
