//! The root provider: wraps master keys and the site's own keys, and never sees user data. It is
//! called at boot, at rotation and for site keys only, so it may be slow or away.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroize as _;

use crate::envelope::{IV, SALT, Seal, hkdf};
use crate::{Key, OpenError, RootError, SecretBytes, SecretText, random, text};

/// What a key-management service, a security module or a local key offers.
pub trait Root: Send + Sync {
    /// A stable, printable name of provider and key; it is stored with what was wrapped.
    fn id(&self) -> &str;

    /// Encrypts and authenticates a small secret together with `aad`.
    fn wrap(&self, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, RootError>;

    /// Undoes [`Root::wrap`]. [`RootError::Refused`] means a wrong key, other `aad` or tampering;
    /// anything that may pass is [`RootError::Unavailable`].
    fn unwrap(&self, aad: &[u8], wrapped: &[u8]) -> Result<SecretBytes, RootError>;

    /// Whether the provider answers now.
    fn health(&self) -> Result<(), RootError>;
}

/// A root key held by this process, read from a file or the environment.
pub struct LocalRoot {
    id: String,
    key: Key,
}

impl LocalRoot {
    /// Reads 32 bytes of standard base64; one trailing line break is allowed. A key of 32 equal
    /// bytes is a placeholder and refused.
    pub fn parse(encoded: &str) -> Result<Self, RootError> {
        let line = encoded.strip_suffix('\n').unwrap_or(encoded);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let bytes = STANDARD.decode(line).map_err(|_| RootError::Malformed)?;
        let key = SecretBytes::from(bytes).into_key().map_err(|OpenError| RootError::Malformed)?;
        if key.expose().iter().all(|byte| *byte == key.expose()[0]) {
            return Err(RootError::Malformed);
        }
        Ok(Self::new(key))
    }

    /// A fresh root key, and the text to write to its file.
    pub fn generate() -> (Self, SecretText) {
        let key = random::key();
        let mut encoded = text::b64(key.expose());
        let file = SecretText::from(format!("{encoded}\n"));
        encoded.zeroize();
        (Self::new(key), file)
    }

    fn new(key: Key) -> Self {
        let mut name = [0; 8];
        hkdf(&[], key.expose(), &[b"kg1/root-id"], &mut name);
        Self { id: format!("local:{}", text::hex(&name)), key }
    }
}

impl Root for LocalRoot {
    /// `local:` and sixteen hex digits that tell root keys apart.
    fn id(&self) -> &str {
        &self.id
    }

    /// `salt ‖ iv ‖ C ‖ ct ‖ tag`
    fn wrap(&self, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, RootError> {
        let (salt, iv) = (random::array::<SALT>(), random::array::<IV>());
        let body = Seal { salt: &salt, iv: &iv, context: aad }.seal(self.key.expose(), plaintext);
        Ok([&salt[..], &iv, &body].concat())
    }

    fn unwrap(&self, aad: &[u8], wrapped: &[u8]) -> Result<SecretBytes, RootError> {
        let open = || {
            let (salt, rest) = text::take::<SALT>(wrapped)?;
            let (iv, body) = text::take::<IV>(rest)?;
            Seal { salt, iv, context: aad }.open(self.key.expose(), body)
        };
        open().map_err(|OpenError| RootError::Refused)
    }

    fn health(&self) -> Result<(), RootError> {
        Ok(())
    }
}
