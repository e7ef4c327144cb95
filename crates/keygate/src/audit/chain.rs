//! One user's chain of one log: `mac = HMAC-SHA256(key of the user, "kg1/audit" ‖ log ‖ seq ‖ mac before ‖ row)`.
//!
//! A row is all its columns in the order of [`Log::columns`], each as PostgreSQL's binary protocol has it: four bytes of
//! length and the value, or a length of -1 for null; a null in the last column is left out. So no two rows share a form, and what `copy … (format binary)` sends
//! is the form itself: verification neither decodes nor copies a column.

use aws_lc_rs::hmac;
use seal::ServiceKey;
use sqlx::types::ipnetwork::IpNetwork;
use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;

use super::key::mac_key;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Log {
    Use,
    Call,
}

/// The last link of a chain; the one before the first is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    pub seq: i64,
    pub mac: [u8; 32],
}

/// What a row's place in its chain is, as its row holds it.
pub struct Link {
    pub seq: i64,
    /// The version of the service key that the MAC is made with.
    pub key: i32,
    pub mac: [u8; 32],
}

/// The key of one chain.
pub struct ChainKey {
    key: hmac::Key,
    start: Vec<u8>,
}

/// A chain whose head is locked, to which rows are appended.
pub struct Chain {
    key: ChainKey,
    version: i32,
    head: Head,
    row: Vec<u8>,
}

/// Writes the columns of a row, in their order.
pub struct Form<'b>(&'b mut Vec<u8>);

impl Log {
    pub const ALL: [Log; 2] = [Log::Use, Log::Call];

    /// The name of its table.
    pub const fn name(self) -> &'static str {
        match self {
            Log::Use => "api_key_usage_audit",
            Log::Call => "exchange_api_calls",
        }
    }

    pub fn named(name: &str) -> Option<Log> {
        Log::ALL.into_iter().find(|log| log.name() == name)
    }

    /// The columns that are authenticated: all but the chain's own. A null in the last one is not written.
    pub const fn columns(self) -> &'static str {
        match self {
            Log::Use => {
                "id, api_key_id, user_id, operation_type, endpoint, http_method, ip_address, user_agent, \
                 device_fingerprint, status_code, success, error_message, daily_usage_count, monthly_usage_count, \
                 is_suspicious, suspicious_reasons, risk_score, created_at, request_id, phase, access_key_id, bot_id, \
                 exchange, symbol, class, decision, rule, changed"
            }
            Log::Call => {
                "id, connection_id, user_id, endpoint, method, parameters, status_code, response_time_ms, success, \
                 error_message, rate_limit_remaining, rate_limit_reset, ip_address, user_agent, session_id, created_at, \
                 request_id, phase"
            }
        }
    }
}

impl ChainKey {
    pub fn new(service: &ServiceKey, user: Uuid, log: Log) -> ChainKey {
        let name = log.name().as_bytes();
        let mut start = b"kg1/audit".to_vec();
        start.extend_from_slice(&(name.len() as u16).to_be_bytes());
        start.extend_from_slice(name);
        ChainKey { key: mac_key(service, user), start }
    }

    /// The MAC of row number `seq` that follows `before`.
    pub fn mac(&self, seq: i64, before: &[u8; 32], row: &[u8]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&self.start);
        context.update(&seq.to_be_bytes());
        context.update(before);
        context.update(row);
        let mut mac = [0; 32];
        mac.copy_from_slice(context.sign().as_ref());
        mac
    }
}

impl Chain {
    pub(super) fn new(service: &ServiceKey, user: Uuid, log: Log, head: Head) -> Chain {
        let version = i32::try_from(service.version()).unwrap_or(i32::MAX);
        Chain { key: ChainKey::new(service, user, log), version, head, row: Vec::with_capacity(512) }
    }

    /// The link of the next row; rows are written in this order, in the transaction that holds the head.
    pub fn append(&mut self, write: impl FnOnce(&mut Form<'_>)) -> Link {
        self.row.clear();
        write(&mut Form::new(&mut self.row));
        let seq = self.head.seq + 1;
        let mac = self.key.mac(seq, &self.head.mac, &self.row);
        self.head = Head { seq, mac };
        Link { seq, key: self.version, mac }
    }
}

impl<'b> Form<'b> {
    /// Columns are written behind what is there.
    pub fn new(row: &'b mut Vec<u8>) -> Form<'b> {
        Form(row)
    }

    /// The number of a type, in front of its value.
    pub fn of(&mut self, kind: u32) -> &mut Self {
        self.0.extend_from_slice(&kind.to_be_bytes());
        self
    }

    /// A number that is no value of its own.
    pub fn number(&mut self, number: i32) {
        self.0.extend_from_slice(&number.to_be_bytes());
    }

    pub fn null(&mut self) {
        self.0.extend_from_slice(&(-1i32).to_be_bytes());
    }

    pub fn text<'t>(&mut self, text: impl Into<Option<&'t str>>) {
        self.bytes(text.into().map(str::as_bytes));
    }

    pub fn uuid(&mut self, id: impl Into<Option<Uuid>>) {
        self.bytes(id.into().as_ref().map(Uuid::as_bytes).map(<[u8; 16]>::as_slice));
    }

    pub fn int(&mut self, number: impl Into<Option<i32>>) {
        self.bytes(number.into().map(i32::to_be_bytes).as_ref().map(<[u8; 4]>::as_slice));
    }

    pub fn long(&mut self, number: impl Into<Option<i64>>) {
        self.bytes(number.into().map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
    }

    pub fn bool(&mut self, yes: impl Into<Option<bool>>) {
        self.bytes(yes.into().map(|yes| [u8::from(yes)]).as_ref().map(<[u8; 1]>::as_slice));
    }

    /// A list of texts, none of them null: dimensions, 0, the type's number 25, how many, from 1, and each of them.
    pub fn texts(&mut self, texts: Option<&[&str]>) {
        let Some(texts) = texts else { return self.null() };
        let dimensions = i32::from(!texts.is_empty());
        let each: usize = texts.iter().map(|text| 4 + text.len()).sum();
        self.length(12 + 8 * usize::from(!texts.is_empty()) + each);
        for number in [dimensions, 0, 25] {
            self.0.extend_from_slice(&number.to_be_bytes());
        }
        if !texts.is_empty() {
            self.length(texts.len());
            self.0.extend_from_slice(&1i32.to_be_bytes());
        }
        texts.iter().for_each(|text| self.text(*text));
    }

    /// Microseconds since 2000, of `timestamptz` and of a `timestamp` in UTC.
    pub fn time(&mut self, at: OffsetDateTime) {
        let since = (at - EPOCH).whole_microseconds();
        self.bytes(Some(&i64::try_from(since).unwrap_or(i64::MAX).to_be_bytes()));
    }

    /// Family (2 or 3), bits of the network, 0, bytes of the address, the address.
    pub fn network(&mut self, network: Option<IpNetwork>) {
        match network {
            None => self.null(),
            Some(IpNetwork::V4(own)) => self.address(2, own.prefix(), &own.ip().octets()),
            Some(IpNetwork::V6(own)) => self.address(3, own.prefix(), &own.ip().octets()),
        }
    }

    fn address(&mut self, family: u8, bits: u8, address: &[u8]) {
        let length = address.len() as u8;
        self.length(4 + address.len());
        self.0.extend_from_slice(&[family, bits, 0, length]);
        self.0.extend_from_slice(address);
    }

    pub fn bytes(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            None => self.null(),
            Some(bytes) => {
                self.length(bytes.len());
                self.0.extend_from_slice(bytes);
            }
        }
    }

    /// PostgreSQL takes no value of two gigabytes, and the gateway none of a hundredth of that.
    fn length(&mut self, length: usize) {
        self.0.extend_from_slice(&i32::try_from(length).unwrap_or(i32::MAX).to_be_bytes());
    }
}

const EPOCH: OffsetDateTime = datetime!(2000-01-01 00:00 UTC);
