//! A checkpoint is one line of JSON: which chains have grown and to what, the Merkle root over all of them, the hash of the
//! line before, and a signature over `"kg1/checkpoint"` and the line without its last member.

use std::collections::BTreeMap;

use aws_lc_rs::{
    digest::{Context, SHA256, digest},
    signature::{ED25519, UnparsedPublicKey},
};
use data_encoding::HEXLOWER;
use seal::SigningKey;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Head, Keys, Log};

#[derive(Serialize, Deserialize)]
pub struct Checkpoint {
    pub number: u64,
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    pub heads: Vec<Mark>,
    /// Rows from before the chains; in the first checkpoint only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unchained: Option<i64>,
    pub root: Hash,
    pub previous: Hash,
    /// The id of the signing key.
    pub key: String,
}

/// What one chain had come to.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Mark {
    pub user: Uuid,
    pub log: Log,
    pub seq: i64,
    pub mac: Hash,
}

/// Thirty-two bytes, written in hexadecimal digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hash(pub [u8; 32]);

/// All lines of a file so far, each followed the one before.
#[derive(Default)]
pub struct History {
    pub number: u64,
    /// When the last one was made.
    pub at: Option<OffsetDateTime>,
    pub last: Hash,
    pub heads: BTreeMap<(Uuid, Log), Head>,
    pub unchained: i64,
}

impl Checkpoint {
    /// The line, without its end.
    pub fn sign(&self, key: &SigningKey) -> Result<String, serde_json::Error> {
        let mut line = serde_json::to_string(self)?;
        let signature = key.sign(&signed(&line));
        line.pop();
        line.push_str(&format!("{SIGNATURE}{}\"}}", HEXLOWER.encode(&signature)));
        Ok(line)
    }

    /// A line whose signature is good.
    pub fn read(line: &str, keys: &Keys) -> Result<Checkpoint, &'static str> {
        let (body, signature) = line.rsplit_once(SIGNATURE).ok_or("it is no checkpoint")?;
        let signature = signature.strip_suffix("\"}").ok_or("it is no checkpoint")?;
        let body = format!("{body}}}");
        let checkpoint: Checkpoint = serde_json::from_str(&body).map_err(|_| "it is no checkpoint")?;
        let signature = HEXLOWER.decode(signature.as_bytes()).map_err(|_| "its signature is wrong")?;
        let key = keys.public_key(&checkpoint.key).ok_or("its key is unknown")?;
        let verified = UnparsedPublicKey::new(&ED25519, key).verify(&signed(&body), &signature);
        verified.map_err(|_| "its signature is wrong")?;
        Ok(checkpoint)
    }
}

/// The whole lines of the file, without their ends. What has no end yet is being written, or was cut off by a power cut. Any
/// byte may stand there: whoever changed the file is not bound to text.
pub fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n"))
}

impl History {
    /// The next line, which must follow.
    pub fn read(&mut self, line: &[u8], keys: &Keys) -> Result<Checkpoint, &'static str> {
        let line = std::str::from_utf8(line).map_err(|_| "it is no checkpoint")?;
        let checkpoint = Checkpoint::read(line, keys)?;
        if checkpoint.number != self.number + 1 || checkpoint.previous != self.last {
            return Err("it does not follow the line before");
        }
        self.follow(line, &checkpoint);
        Ok(checkpoint)
    }

    pub fn follow(&mut self, line: &str, checkpoint: &Checkpoint) {
        self.number = checkpoint.number;
        self.at = Some(checkpoint.at);
        self.last = hash(line);
        self.unchained = checkpoint.unchained.unwrap_or(self.unchained);
        for mark in &checkpoint.heads {
            self.heads.insert((mark.user, mark.log), Head { seq: mark.seq, mac: mark.mac.0 });
        }
    }
}

/// RFC 6962's tree (leaves after a 0, nodes after a 1) over all chains by user and log.
pub fn root(heads: &BTreeMap<(Uuid, Log), Head>) -> Hash {
    let mut level: Vec<Hash> = heads.iter().map(|((user, log), head)| leaf(*user, *log, head)).collect();
    while level.len() > 1 {
        let pairs = level.chunks(2);
        level = pairs.map(|pair| if let [a, b] = pair { node(a, b) } else { pair[0] }).collect();
    }
    level.first().copied().unwrap_or_else(|| hash(""))
}

fn leaf(user: Uuid, log: Log, head: &Head) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&[0]);
    context.update(user.as_bytes());
    context.update(log.name().as_bytes());
    context.update(&head.seq.to_be_bytes());
    context.update(&head.mac);
    finish(context)
}

fn node(a: &Hash, b: &Hash) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&[1]);
    context.update(&a.0);
    context.update(&b.0);
    finish(context)
}

fn finish(context: Context) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    Hash(hash)
}

fn hash(line: &str) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, line.as_bytes()).as_ref());
    Hash(hash)
}

fn signed(body: &str) -> Vec<u8> {
    [b"kg1/checkpoint", body.as_bytes()].concat()
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&HEXLOWER.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Hash, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(D::Error::custom)?;
        bytes.try_into().map(Hash).map_err(|_| D::Error::custom("expected 32 bytes"))
    }
}

impl Serialize for Log {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Log {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Log, D::Error> {
        let name = String::deserialize(deserializer)?;
        Log::named(&name).ok_or_else(|| D::Error::custom("no such log"))
    }
}

const SIGNATURE: &str = ",\"signature\":\"";
