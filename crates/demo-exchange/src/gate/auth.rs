//! Who calls: time, key, signature, address. The signature is an HMAC over five lines: method, path, decoded
//! query, hash of the body, and the time in seconds, which may have a fraction.

use rust_decimal::Decimal;

use super::error::Error;
use crate::amount;
use crate::check::{self, HMAC_SHA512};
use crate::key::{Entry, Keys};
use crate::request::{Received, form_decode};

/// How many seconds the caller's clock may be off.
const WINDOW: Decimal = Decimal::from_parts(60, 0, 0, false, 0);

/// The key whose signature the request carries, if it holds.
pub(super) fn signer<'k>(keys: &'k Keys, request: &Received) -> Option<&'k Entry> {
    let entry = keys.get(request.header("key")?)?;
    let mac = check::mac(HMAC_SHA512, entry.secret()?.as_bytes(), signed(request)?.as_bytes());
    let given = request.header("sign")?.to_ascii_lowercase();
    (check::hex(&mac) == given).then_some(entry)
}

fn signed(request: &Received) -> Option<String> {
    let (method, path) = (&request.method, &request.path);
    let (query, time) = (form_decode(&request.query)?, request.header("timestamp")?);
    let body = check::hex(&check::sha512(&request.body));
    Some(format!("{method}\n{path}\n{query}\n{body}\n{time}"))
}

pub(super) fn admit(keys: &Keys, request: &Received, signer: Option<&Entry>) -> Result<Entry, Error> {
    let header = |name| request.header(name).filter(|value| !value.is_empty()).ok_or(Error::HEADER);
    let (key, _, time) = (header("key")?, header("sign")?, header("timestamp")?);
    let time = amount::read(time).ok_or(Error::EXPIRED)?;
    let now = Decimal::new(request.at_ms, 3);
    if (time - now).abs() > WINDOW {
        return Err(Error::EXPIRED);
    }
    keys.get(key).ok_or(Error::KEY)?;
    let entry = signer.ok_or(Error::SIGNATURE)?;
    if entry.admits(request.peer) { Ok(entry.clone()) } else { Err(Error::ADDRESS) }
}
