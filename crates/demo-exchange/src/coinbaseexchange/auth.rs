//! Who asks: `CB-ACCESS-SIGN` is the HMAC-SHA256 of time, method, target and body. There is no nonce; a
//! request is good for half a minute.

use rust_decimal::Decimal;

use super::{CoinbaseExchange, Error};
use crate::amount;
use crate::check::{HMAC_SHA256, from_base64, mac};
use crate::house::{Auth, Desk};
use crate::key::Entry;
use crate::request::Received;

const WINDOW_MS: i64 = 30_000;

impl Auth for CoinbaseExchange {
    type Error = Error;

    fn named(request: &Received) -> Option<String> {
        request.header("cb-access-key").map(str::to_owned)
    }

    /// The passphrase stands beside the signature, unsigned; it is part of who asks.
    fn is_signed_by(entry: &Entry, request: &Received) -> Option<bool> {
        let signed = request.row(request.header("cb-access-timestamp")?, &request.target());
        let mac = mac(HMAC_SHA256, &from_base64(entry.secret()?)?, &signed);
        let holds = from_base64(request.header("cb-access-sign")?)? == mac;
        Some(holds && knows_passphrase(entry, request))
    }

    fn admit(desk: &mut Desk, request: &Received, signer: Option<&Entry>) -> Result<Entry, Error> {
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
}

fn knows_passphrase(entry: &Entry, request: &Received) -> bool {
    entry.key.passphrase.as_deref() == request.header("cb-access-passphrase")
}
