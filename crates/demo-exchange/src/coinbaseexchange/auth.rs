//! Who asks: `CB-ACCESS-SIGN` is the HMAC-SHA256 of time, method, target and body. There is no nonce; a
//! request is good for half a minute.

use rust_decimal::Decimal;

use super::Error;
use crate::amount;
use crate::check::{HMAC_SHA256, from_base64, mac};
use crate::house::Desk;
use crate::key::{Entry, Keys};
use crate::request::Received;

const WINDOW_MS: i64 = 30_000;

/// The passphrase stands beside the signature, unsigned; it is part of who asks.
pub(super) fn signer<'k>(keys: &'k Keys, request: &Received) -> Option<&'k Entry> {
    let entry = keys.get(request.header("cb-access-key")?)?;
    let secret = from_base64(entry.secret()?)?;
    let start = format!("{}{}{}", request.header("cb-access-timestamp")?, request.method, request.target());
    let tag = mac(HMAC_SHA256, &secret, &[start.as_bytes(), &request.body].concat());
    let holds = from_base64(request.header("cb-access-sign")?)? == tag && knows_passphrase(entry, request);
    holds.then_some(entry)
}

pub(super) fn admit(desk: &mut Desk, request: &Received, signer: Option<&Entry>) -> Result<Entry, Error> {
    let header = |name| request.header(name).ok_or_else(|| Error::header(name));
    let (key, _) = (header("cb-access-key")?, header("cb-access-sign")?);
    let (sent, _) = (header("cb-access-timestamp")?, header("cb-access-passphrase")?);
    let entry = desk.keys.get(key).ok_or(Error::KEY)?;
    if !knows_passphrase(entry, request) {
        return Err(Error::PASSPHRASE);
    }
    if !entry.admits(request.peer) {
        return Err(Error::IP);
    }
    let age = Decimal::new(request.at_ms, 3) - amount::read(sent).ok_or(Error::TIMESTAMP)?;
    if age.abs() > Decimal::new(WINDOW_MS, 3) {
        return Err(Error::EXPIRED);
    }
    signer.cloned().ok_or(Error::SIGNATURE)
}

fn knows_passphrase(entry: &Entry, request: &Received) -> bool {
    entry.key.passphrase.as_deref() == request.header("cb-access-passphrase")
}
