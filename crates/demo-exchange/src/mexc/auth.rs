//! Who sends a signed spot request: the key in a header; time, window and signature in the query. The signature is
//! over the query as it was sent, and the body behind it; neither method nor path are signed.

use super::error::Error;
use super::need;
use crate::check::{self, HMAC_SHA256};
use crate::house::{Desk, Failure};
use crate::key::Entry;
use crate::params::Params;
use crate::request::Received;

/// How old a request may be if it does not say, and the most it may say.
const WINDOW_MS: i64 = 5000;
const MAX_WINDOW_MS: i64 = 60_000;
/// How far its time may be ahead.
const AHEAD_MS: i64 = 1000;

pub(super) fn is_signed_by(entry: &Entry, request: &Received) -> Option<bool> {
    let (signed, signature) = take_signature(&request.query)?;
    let message = [signed.as_bytes(), &request.body].concat();
    Some(check::hex(&entry.mac(HMAC_SHA256, &message)?) == signature)
}

/// The query without its one signature.
fn take_signature(query: &str) -> Option<(String, &str)> {
    let mut signatures = query.split('&').filter_map(|pair| pair.strip_prefix("signature="));
    let signature = signatures.next().filter(|_| signatures.next().is_none())?;
    let rest: Vec<_> = query.split('&').filter(|pair| !pair.starts_with("signature=")).collect();
    Some((rest.join("&"), signature))
}

pub(super) fn admit(desk: &Desk, request: &Received, signer: Option<&Entry>) -> Result<Entry, Error> {
    let key = request.header("x-mexc-apikey").filter(|key| !key.is_empty()).ok_or(Error::NO_KEY)?;
    if request.header("content-type").is_some_and(|kind| !kind.starts_with("application/json")) {
        return Err(Error::CONTENT_TYPE);
    }
    let params = Params::parse(request).ok_or(Failure::Body)?;
    need(&params, "signature")?;
    let time = need(&params, "timestamp")?.parse().map_err(|_| Error::parameter("timestamp"))?;
    let entry = desk.keys.get(key).ok_or(Error::KEY)?;
    if !entry.admits(request.peer) {
        return Err(Error::address(request.peer));
    }
    fresh(time, window(&params)?, request.at_ms)?;
    signer.cloned().ok_or(Error::SIGNATURE)
}

fn window(params: &Params) -> Result<i64, Error> {
    let Some(text) = params.text("recvWindow") else { return Ok(WINDOW_MS) };
    let window = text.parse().map_err(|_| Error::parameter("recvWindow"))?;
    if (0..=MAX_WINDOW_MS).contains(&window) { Ok(window) } else { Err(Error::WINDOW) }
}

fn fresh(time: i64, window: i64, now: i64) -> Result<(), Error> {
    if (now - window..now + AHEAD_MS).contains(&time) { Ok(()) } else { Err(Error::EXPIRED) }
}
