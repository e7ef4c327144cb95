//! Who sends a signed request, and may they: key, address, window, signature, permission, in this order.
//!
//! The signature covers the received bytes: query string and body joined without a separator, the `signature`
//! parameter taken out.

use super::error::Error;
use super::param::Params;
use crate::check;
use crate::config::Permission;
use crate::key::{Entry, Keys};
use crate::request::Received;

/// A caller whose signature holds, or only its key if none was needed.
pub(super) fn key<'a>(keys: &'a Keys, request: &Received) -> Result<&'a Entry, Error> {
    let key = request.header("x-mbx-apikey").ok_or_else(Error::key_format)?;
    if key.len() != 64 || !key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Error::key_format());
    }
    keys.get(key).filter(|entry| entry.admits(request.peer)).ok_or_else(Error::key)
}

/// The key of a request whose signature holds. Whether its time and permission do is another question.
pub(super) fn signer<'a>(keys: &'a Keys, request: &Received) -> Option<&'a Entry> {
    let entry = keys.get(request.header("x-mbx-apikey")?)?;
    let params = Params::parse(request).ok()?;
    let signature = params.need("signature").ok()?;
    check::binance(&entry.key.credential, &payload(request), signature).then_some(entry)
}

/// Demands a known key and a fresh request whose signature was found to hold.
pub(super) fn demand<'a>(
    keys: &'a Keys,
    request: &Received,
    params: &Params,
    verified: bool,
) -> Result<&'a Entry, Error> {
    let entry = key(keys, request)?;
    fresh(params, request.at_ms)?;
    params.need("signature")?;
    if verified { Ok(entry) } else { Err(Error::signature()) }
}

impl Entry {
    /// The wallet API and the trading API refuse in different words.
    pub(super) fn permitted(&self, permission: Permission) -> Result<&Self, Error> {
        match (self.may(permission), permission) {
            (true, _) => Ok(self),
            (false, Permission::Withdraw | Permission::Transfer) => Err(Error::unauthorized()),
            (false, Permission::Read | Permission::Trade) => Err(Error::key()),
        }
    }
}

/// `timestamp` in milli- or microseconds, at most `recvWindow` old and less than a second ahead.
fn fresh(params: &Params, now: i64) -> Result<(), Error> {
    params.need("timestamp")?;
    let sent = params.integer("timestamp")?.unwrap_or_default();
    let millis = if sent >= MICROSECONDS { sent / 1000 } else { sent };
    let sent = i64::try_from(millis).unwrap_or(i64::MAX);
    let window = match params.get("recvWindow")? {
        Some(text) => text
            .parse()
            .map_err(|_| Error::illegal_characters("recvWindow", "^[0-9]{1,5}(\\.[0-9]{1,3})?$"))?,
        None => rust_decimal::Decimal::from(5000),
    };
    if window > rust_decimal::Decimal::from(60_000) {
        return Err(Error::window_too_long());
    }
    if sent >= now + 1000 {
        return Err(Error::ahead());
    }
    if rust_decimal::Decimal::from(now - sent) > window {
        return Err(Error::outside_window());
    }
    Ok(())
}

const MICROSECONDS: u64 = 1_000_000_000_000_000;

fn payload(request: &Received) -> Vec<u8> {
    let mut payload = without_signature(request.query.as_bytes());
    payload.extend(without_signature(&request.body));
    payload
}

fn without_signature(part: &[u8]) -> Vec<u8> {
    let kept = part.split(|byte| *byte == b'&').filter(|pair| !pair.starts_with(b"signature="));
    kept.collect::<Vec<_>>().join(&b'&')
}
