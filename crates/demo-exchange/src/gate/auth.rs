//! Who calls: time, key, signature, address. The signature is an HMAC over five lines: method, path, decoded
//! query, hash of the body, and the time in seconds, which may have a fraction.

use rust_decimal::Decimal;

use super::Gate;
use super::error::Error;
use crate::amount;
use crate::check::{self, HMAC_SHA512};
use crate::house::{Auth, Desk};
use crate::key::Entry;
use crate::request::{Received, form_decode};

/// How many seconds the caller's clock may be off.
const WINDOW: Decimal = Decimal::from_parts(60, 0, 0, false, 0);

impl Auth for Gate {
    type Error = Error;

    fn named(request: &Received) -> Option<String> {
        request.header("key").map(str::to_owned)
    }

    fn is_signed_by(entry: &Entry, request: &Received) -> Option<bool> {
        let mac = entry.mac(HMAC_SHA512, signed(request)?.as_bytes())?;
        Some(check::hex(&mac) == request.header("sign")?.to_ascii_lowercase())
    }

    fn admit(desk: &mut Desk, request: &Received, signer: Option<&Entry>) -> Result<Entry, Error> {
        let header = |name| request.header(name).filter(|value| !value.is_empty()).ok_or(Error::HEADER);
        let (key, _, time) = (header("key")?, header("sign")?, header("timestamp")?);
        let time = amount::read(time).ok_or(Error::EXPIRED)?;
        let now = Decimal::new(request.at_ms, 3);
        if (time - now).abs() > WINDOW {
            return Err(Error::EXPIRED);
        }
        desk.keys.get(key).ok_or(Error::KEY)?;
        let entry = signer.ok_or(Error::SIGNATURE)?;
        if entry.admits(request.peer) { Ok(entry.clone()) } else { Err(Error::ADDRESS) }
    }
}

fn signed(request: &Received) -> Option<String> {
    let (method, path) = (&request.method, &request.path);
    let (query, time) = (form_decode(&request.query)?, request.header("timestamp")?);
    let body = check::hex(&check::sha512(&request.body));
    Some(format!("{method}\n{path}\n{query}\n{body}\n{time}"))
}
