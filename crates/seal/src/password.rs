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

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "correct horse battery staple";

    #[test]
    fn only_the_right_password_verifies() {
        let hasher = light(&ServiceKey::generate(1));
        let stored = hasher.hash(PASSWORD).unwrap();
        assert!(hasher.verify(PASSWORD, &stored));
        for wrong in [
            "",
            "correct horse battery stapl",
            "Correct horse battery staple",
            "correct horse battery staple ",
        ] {
            assert!(!hasher.verify(wrong, &stored), "{wrong}");
        }
    }

    #[test]
    fn equal_passwords_have_different_hashes() {
        let hasher = light(&ServiceKey::generate(1));
        assert_ne!(hasher.hash(PASSWORD).unwrap(), hasher.hash(PASSWORD).unwrap());
    }

    #[test]
    fn a_stolen_hash_is_useless_without_the_pepper() {
        let stored = light(&ServiceKey::generate(1)).hash(PASSWORD).unwrap();
        assert!(!light(&ServiceKey::generate(1)).verify(PASSWORD, &stored));
    }

    #[test]
    fn an_older_pepper_verifies_and_asks_for_a_new_hash() {
        let (old, new) = (ServiceKey::generate(1), ServiceKey::generate(2));
        let stored = light(&old).hash(PASSWORD).unwrap();
        let hasher = light(&new).accept(&old);
        assert!(hasher.verify(PASSWORD, &stored) && hasher.needs_rehash(&stored));
        assert!(!light(&new).verify(PASSWORD, &stored), "without the older pepper");
        let renewed = hasher.hash(PASSWORD).unwrap();
        assert!(hasher.verify(PASSWORD, &renewed) && !hasher.needs_rehash(&renewed));
    }

    #[test]
    fn the_default_is_full_strength_and_weaker_hashes_are_renewed() {
        let key = ServiceKey::generate(1);
        let full = Hasher::new(&key);
        let (strong, weak) = (full.hash(PASSWORD).unwrap(), light(&key).hash(PASSWORD).unwrap());
        assert!(strong.starts_with("$argon2id-hmac-sha256$v=19$m=65536,t=3,p=1,k=1$"), "{strong}");
        assert!(full.verify(PASSWORD, &weak) && full.needs_rehash(&weak));
        assert!(full.verify(PASSWORD, &strong) && !full.needs_rehash(&strong));
    }

    #[test]
    fn parameters_below_the_floor_are_refused_even_if_the_hash_would_fit() {
        let key = ServiceKey::generate(1);
        let hasher = light(&key);
        let argon2 = argon2::Params::new(1024, 1, 1, Some(32)).map(|parameters| {
            argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, parameters)
        });
        let mut derived = [0; 32];
        argon2.unwrap().hash_password_into(PASSWORD.as_bytes(), &[1; 16], &mut derived).unwrap();
        let tag = STANDARD_NO_PAD.encode(mac::sign(&key.derive(Purpose::Pepper), &derived));
        let stored = format!("{PREFIX}m=1024,t=1,p=1,k=1${}${tag}", STANDARD_NO_PAD.encode([1; 16]));
        assert!(!hasher.verify(PASSWORD, &stored));
        assert!(hasher.needs_rehash(&stored));
    }

    #[test]
    fn changed_or_malformed_hashes_do_not_verify() {
        let hasher = light(&ServiceKey::generate(1));
        let stored = hasher.hash(PASSWORD).unwrap();
        let changed = [
            stored.replace("m=19456", "m=19464"),
            stored.replace("t=2", "t=3"),
            stored.replace("k=1", "k=01"),
            stored.replace("v=19", "v=16"),
            stored.replace("argon2id-hmac", "argon2id"),
            change_letter(&stored, stored.len() - 2),
            change_letter(&stored, stored.len() - 40),
            change_letter(&stored, stored.len() - 50),
            format!("{stored}$"),
            format!("{stored}="),
            format!(" {stored}"),
            stored[..stored.len() - 1].to_owned(),
            String::new(),
        ];
        for changed in changed {
            assert!(stored != changed && !hasher.verify(PASSWORD, &changed), "{changed}");
        }
    }

    #[test]
    fn unknown_users_and_unreadable_hashes_cost_a_derivation() {
        let hasher = light(&ServiceKey::generate(1));
        let stored = hasher.hash(PASSWORD).unwrap();
        let time = |verified: bool, verify: &dyn Fn() -> bool| {
            let started = std::time::Instant::now();
            assert_eq!(verify(), verified);
            started.elapsed()
        };
        let known = time(true, &|| hasher.verify(PASSWORD, &stored));
        // A tenth is far above the cost of anything but the derivation, on the slowest machine.
        assert!(time(false, &|| hasher.verify_unknown(PASSWORD)) * 10 > known);
        assert!(time(false, &|| hasher.verify(PASSWORD, "unreadable")) * 10 > known);
    }

    #[test]
    fn only_argon2id_hashes_passwords() {
        let pbkdf2 = Kdf::pbkdf2_sha256(600_000).unwrap();
        assert!(Hasher::new(&ServiceKey::generate(1)).with_kdf(pbkdf2).is_err());
    }

    fn change_letter(stored: &str, at: usize) -> String {
        let letter = if stored.as_bytes()[at] == b'A' { "B" } else { "A" };
        format!("{}{letter}{}", &stored[..at], &stored[at + 1..])
    }

    /// The lightest parameters that are allowed.
    fn light(key: &ServiceKey) -> Hasher {
        Hasher::new(key).with_kdf(Kdf::argon2id(19_456, 2).unwrap()).ok().unwrap()
    }
}
