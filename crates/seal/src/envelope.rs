//! The one sealing construction, used by every form of this crate:
//!
//! ```text
//! PRK    = HKDF-Extract(salt, ikm)
//! K ‖ C  = HKDF-Expand(PRK, "kg1/field" ‖ context, 64)
//! ct‖tag = AES-256-GCM(K, iv, aad = context, plaintext)
//! ```
//!
//! The salt is fresh for each message, so each AES key seals one message. `C` commits to key and
//! context; it is compared before the tag is looked at.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use zeroize::Zeroizing;

use crate::{Key, OpenError, SecretBytes, mac, text};

pub(crate) const SALT: usize = 32;
pub(crate) const IV: usize = 12;
pub(crate) const COMMITMENT: usize = 32;
pub(crate) const TAG: usize = 16;

/// What both sides of a seal share.
#[derive(Clone, Copy)]
pub(crate) struct Seal<'a> {
    pub salt: &'a [u8; SALT],
    pub iv: &'a [u8; IV],
    pub context: &'a [u8],
}

/// A sealed value taken apart, at its place: everything that opening it needs but the key.
pub(crate) struct Sealed {
    salt: [u8; SALT],
    iv: [u8; IV],
    context: Box<[u8]>,
    /// `C ‖ ct ‖ tag`
    body: Box<[u8]>,
}

impl Sealed {
    pub(crate) fn new(salt: [u8; SALT], iv: [u8; IV], context: Vec<u8>, body: &[u8]) -> Self {
        Self { salt, iv, context: context.into(), body: body.into() }
    }

    pub(crate) fn context(&self) -> &[u8] {
        &self.context
    }

    pub(crate) fn open(&self, ikm: &[u8]) -> Result<SecretBytes, OpenError> {
        self.seal().open(ikm, &self.body)
    }

    /// A value that is a 256-bit key.
    pub(crate) fn open_key(&self, ikm: &[u8]) -> Result<Key, OpenError> {
        let mut opened = Err(OpenError);
        let key = Key::filled(|key| opened = self.seal().open_into(ikm, &self.body, key));
        opened.map(|()| key)
    }

    fn seal(&self) -> Seal<'_> {
        Seal { salt: &self.salt, iv: &self.iv, context: &self.context }
    }
}

impl Seal<'_> {
    /// `C ‖ ct ‖ tag`
    #[expect(clippy::expect_used, reason = "fails only above 64 GiB, which no caller can hold")]
    pub(crate) fn seal(&self, ikm: &[u8], plaintext: &[u8]) -> Vec<u8> {
        let keys = self.keys(ikm);
        let mut body = vec![0; COMMITMENT + plaintext.len() + TAG];
        let (commitment, sealed) = body.split_at_mut(COMMITMENT);
        commitment.copy_from_slice(&keys[32..]);
        let (ciphertext, tag) = sealed.split_at_mut(plaintext.len());
        aes(&keys)
            .seal_out_of_place_scatter(self.nonce(), Aad::from(self.context), plaintext, ciphertext, &[], tag)
            .expect("AES-GCM seals a message of this length");
        body
    }

    /// Opens `C ‖ ct ‖ tag`.
    pub(crate) fn open(&self, ikm: &[u8], body: &[u8]) -> Result<SecretBytes, OpenError> {
        let length = body.len().checked_sub(COMMITMENT + TAG).ok_or(OpenError)?;
        let mut plaintext = vec![0; length];
        let opened = self.open_into(ikm, body, &mut plaintext);
        // Made a secret even on failure, so that whatever was written is wiped.
        let plaintext = SecretBytes::from(plaintext);
        opened.map(|()| plaintext)
    }

    /// Opens `C ‖ ct ‖ tag` where the plaintext shall stand; it must have just this length.
    fn open_into(&self, ikm: &[u8], body: &[u8], plaintext: &mut [u8]) -> Result<(), OpenError> {
        let (commitment, sealed) = text::take::<COMMITMENT>(body)?;
        let (ciphertext, tag) = sealed.split_last_chunk::<TAG>().ok_or(OpenError)?;
        if ciphertext.len() != plaintext.len() {
            return Err(OpenError);
        }
        let keys = self.keys(ikm);
        if !mac::equal(&keys[32..], commitment) {
            return Err(OpenError);
        }
        aes(&keys)
            .open_separate_gather(self.nonce(), Aad::from(self.context), ciphertext, tag, plaintext)
            .map_err(|_| OpenError)
    }

    fn keys(&self, ikm: &[u8]) -> Zeroizing<[u8; 64]> {
        let mut keys = Zeroizing::new([0; 64]);
        hkdf(self.salt, ikm, &[b"kg1/field", self.context], keys.as_mut());
        keys
    }

    fn nonce(&self) -> Nonce {
        Nonce::assume_unique_for_key(*self.iv)
    }
}

/// HKDF-SHA-256 (RFC 5869), extract and expand.
#[expect(clippy::expect_used, reason = "fails only above 8160 bytes; every caller asks for 32 or 64")]
pub(crate) fn hkdf(salt: &[u8], ikm: &[u8], info: &[&[u8]], out: &mut [u8]) {
    let prk = Salt::new(HKDF_SHA256, salt).extract(ikm);
    prk.expand(info, Length(out.len())).and_then(|okm| okm.fill(out)).expect("HKDF gives so many bytes");
}

/// How many bytes HKDF is asked for.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// AES-256-GCM under `K`.
#[expect(clippy::expect_used, reason = "the key is 32 bytes by its type")]
pub(crate) fn aes(keys: &[u8; 64]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &keys[..32]).expect("an AES-256 key has 32 bytes"))
}
