//! The contract API: its own way to sign, and nothing to trade.

use serde_json::json;

use super::Mexc;
use super::error::Error;
use crate::check::{self, HMAC_SHA256};
use crate::config::Permission;
use crate::house::{Desk, Route};
use crate::key::Entry;
use crate::request::Received;

pub(super) const ROUTES: &[Route<Mexc>] = &[
    Route::public("/api/v1/contract/ping", |_, ask| Ok(json!(ask.now))),
    Route::public("/api/v1/contract/detail", |_, _| Ok(json!([]))),
    Route::public("/api/v1/contract/ticker", |_, _| Ok(json!([]))),
    Route::signed("GET", "/api/v1/private/account/assets", Permission::Read, |_, _, _| Ok(json!([]))),
    Route::signed("GET", "/api/v1/private/position/open_positions", Permission::Read, |_, _, _| {
        Ok(json!([]))
    }),
    Route::signed("GET", "/api/v1/private/order/list/open_orders", Permission::Read, |_, _, _| Ok(json!([]))),
];

/// How far the time of a request may be from the exchange's.
const WINDOW_MS: u64 = 10_000;

/// The MAC is over key, time, and the body or the parameters in the order of their names.
pub(super) fn is_signed_by(entry: &Entry, request: &Received) -> Option<bool> {
    let start = format!("{}{}", entry.key.api_key, request.header("request-time")?);
    let rest =
        if request.method == "POST" { request.body.clone() } else { sorted(&request.query).into_bytes() };
    let mac = entry.mac(HMAC_SHA256, &[start.into_bytes(), rest].concat())?;
    Some(check::hex(&mac) == request.header("signature")?)
}

fn sorted(query: &str) -> String {
    let mut pairs: Vec<_> = query.split('&').collect();
    pairs.sort_by_key(|pair| pair.split_once('=').map_or(*pair, |(name, _)| name));
    pairs.join("&")
}

pub(super) fn admit(desk: &Desk, request: &Received, signer: Option<&Entry>) -> Result<Entry, Error> {
    let header = |name| request.header(name).filter(|text| !text.is_empty());
    let key = header("apikey").ok_or(Error::CONTRACT_LOGIN)?;
    let entry = desk.keys.get(key).ok_or(Error::CONTRACT_KEY)?;
    if !entry.admits(request.peer) {
        return Err(Error::CONTRACT_ADDRESS);
    }
    let time =
        header("request-time").and_then(|text| text.parse::<i64>().ok()).ok_or(Error::CONTRACT_TIME)?;
    if time.abs_diff(request.at_ms) > WINDOW_MS {
        return Err(Error::CONTRACT_TIME);
    }
    signer.cloned().ok_or(Error::CONTRACT_SIGNATURE)
}
