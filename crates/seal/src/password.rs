//! Password hashes for login: Argon2id, then HMAC-SHA-256 with the pepper, so that a stolen table
//! cannot be guessed at without the service key.
//!
//! Stored as PHC text: `$argon2id-hmac-sha256$v=19$m=65536,t=3,p=1,k=<pepper version>$<salt>$<mac>`,
//! salt 16 bytes and MAC 32, in unpadded standard base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::kdf::{Kdf, KdfError};
use crate::{Key, Purpose, ServiceKey, mac, random, text};

/// Hashes and verifies passwords. Costs a tenth of a second and 64 MiB per call: limit how many run.
pub struct Hasher {
    kdf: Kdf,
    active: Pepper,
    older: Vec<Pepper>,
}

struct Pepper {
    version: u32,
    key: Key,
}

/// A parsed hash.
struct Phc {
    kdf: Kdf,
    pepper: u32,
    salt: [u8; 16],
    tag: [u8; 32],
}

impl Hasher {
    /// A hasher of full strength.
    pub fn new(service_key: &ServiceKey) -> Self {
        Self { kdf: Kdf::DEFAULT, active: Pepper::new(service_key), older: Vec::new() }
    }

    /// The same with other Argon2id parameters, which [`Kdf::argon2id`] holds above the floor.
    /// PBKDF2 is refused: it is for vault slots only.
    pub fn with_kdf(mut self, kdf: Kdf) -> Result<Self, KdfError> {
        argon2id_parameters(&kdf).ok_or(KdfError)?;
        self.kdf = kdf;
        Ok(self)
    }

    /// Also verifies hashes made with the pepper of an older service key.
    pub fn accept(mut self, older: &ServiceKey) -> Self {
        self.older.push(Pepper::new(older));
        self
    }

    /// Hashes a password under a fresh salt.
    pub fn hash(&self, password: &str) -> Result<String, KdfError> {
        let salt = random::array();
        let tag = tag(&self.kdf, &self.active, password, &salt)?;
        Ok(Phc { kdf: self.kdf, pepper: self.active.version, salt, tag }.format())
    }

    /// Whether the password fits the stored hash. Anything malformed or below the floor is `false`,
    /// in the same time.
    pub fn verify(&self, password: &str, stored: &str) -> bool {
        let known = Phc::parse(stored).and_then(|phc| Some((self.pepper(phc.pepper)?, phc)));
        let Some((pepper, phc)) = known else {
            return self.verify_unknown(password);
        };
        tag(&phc.kdf, pepper, password, &phc.salt).is_ok_and(|tag| mac::equal(&tag, &phc.tag))
    }

    /// Does the work of [`Hasher::verify`] and returns `false`: for a user who does not exist, so
    /// that the answer takes as long as for one who does.
    pub fn verify_unknown(&self, password: &str) -> bool {
        let tag = tag(&self.kdf, &self.active, password, &[0; 16]);
        std::hint::black_box(tag.is_ok_and(|tag| mac::equal(&tag, &[0; 32])));
        false
    }

    /// Whether a hash that verified should be replaced: other parameters or an older pepper.
    pub fn needs_rehash(&self, stored: &str) -> bool {
        Phc::parse(stored).is_none_or(|phc| phc.kdf != self.kdf || phc.pepper != self.active.version)
    }

    fn pepper(&self, version: u32) -> Option<&Pepper> {
        std::iter::once(&self.active).chain(&self.older).find(|pepper| pepper.version == version)
    }
}

impl Pepper {
    fn new(service_key: &ServiceKey) -> Self {
        Self { version: service_key.version(), key: service_key.derive(Purpose::Pepper) }
    }
}

impl Phc {
    fn parse(stored: &str) -> Option<Self> {
        let mut parts = stored.strip_prefix(PREFIX)?.split('$');
        let (parameters, pepper) = parts.next()?.rsplit_once(",k=")?;
        let (salt, tag) = (parts.next()?, parts.next()?);
        let phc = Self {
            kdf: Kdf::parse(&format!("argon2id$v=19,{parameters}")).ok()?,
            pepper: text::number(pepper).ok()?,
            salt: STANDARD_NO_PAD.decode(salt).ok()?.try_into().ok()?,
            tag: STANDARD_NO_PAD.decode(tag).ok()?.try_into().ok()?,
        };
        parts.next().is_none().then_some(phc)
    }

    fn format(&self) -> String {
        let parameters = argon2id_parameters(&self.kdf).unwrap_or_default();
        let (salt, tag) = (STANDARD_NO_PAD.encode(self.salt), STANDARD_NO_PAD.encode(self.tag));
        format!("{PREFIX}{parameters},k={}${salt}${tag}", self.pepper)
    }
}

const PREFIX: &str = "$argon2id-hmac-sha256$v=19$";

/// `m=65536,t=3,p=1`
fn argon2id_parameters(kdf: &Kdf) -> Option<String> {
    kdf.to_string().strip_prefix("argon2id$v=19,").map(str::to_owned)
}

fn tag(kdf: &Kdf, pepper: &Pepper, password: &str, salt: &[u8; 16]) -> Result<[u8; 32], KdfError> {
    let derived = kdf.derive(password.as_bytes(), salt)?;
    Ok(mac::sign(&pepper.key, derived.expose()))
}
