//! Who signed: a token made for this one call, by an EC or an Ed25519 key; with keys of the old kind, three headers.

use super::Coinbase;
use super::error::Error;
use super::is_old;
use crate::check::{HMAC_SHA256, Token, hex};
use crate::config::Credential;
use crate::house::{Auth, Desk};
use crate::key::Entry;
use crate::request::Received;

const HOST: &str = "api.coinbase.com";

/// How long a token may live.
const TOKEN_LIFE_S: i64 = 120;

/// How far ahead a client's clock may be.
const LEEWAY_S: i64 = 5;

/// How far the time of an old signature may be from the exchange's.
const WINDOW_S: u64 = 30;

impl Auth for Coinbase {
    type Error = Error;

    fn named(request: &Received) -> Option<String> {
        match bearer(request) {
            // header and claims name the key alike
            Some(token) => {
                token.header["kid"].as_str().filter(|name| token.claims["sub"] == *name).map(str::to_owned)
            }
            None => request.header("cb-access-key").map(str::to_owned),
        }
    }

    fn is_signed_by(entry: &Entry, request: &Received) -> Option<bool> {
        Some(match bearer(request) {
            Some(token) => is_token_of(&token, entry) && is_for(&token, request),
            None => has_headers_of(entry, request)?,
        })
    }

    fn admit(desk: &mut Desk, request: &Received, signer: Option<&Entry>) -> Result<Entry, Error> {
        let now = request.at_ms.div_euclid(1000);
        let in_time = match bearer(request) {
            Some(token) => lives(&token, now),
            None => is_near(request, now),
        };
        let entry = Self::named(request).and_then(|name| desk.keys.get(&name).cloned());
        if !entry.ok_or(Error::Key)?.admits(request.peer) {
            return Err(Error::Address);
        }
        if !in_time {
            return Err(Error::Expired);
        }
        signer.cloned().ok_or(Error::Signature)
    }
}

fn bearer(request: &Received) -> Option<Token> {
    Token::parse(request.header("authorization")?.strip_prefix("Bearer ")?)
}

fn is_token_of(token: &Token, entry: &Entry) -> bool {
    match &entry.key.credential {
        Credential::Ec(public) => token.is_signed_by(public),
        Credential::Ed25519(public) => token.is_signed_by_ed25519(public),
        _ => false,
    }
}

/// Whether the token was made for this method and path, at the real host or at the address that was called. A
/// client that calls without TLS leaves the scheme in.
fn is_for(token: &Token, request: &Received) -> bool {
    let (method, path) = (&request.method, &request.path);
    let called = request.header("host").unwrap_or(HOST);
    let known = [HOST, called]
        .map(|host| [format!("{method} {host}{path}"), format!("{method} http://{host}{path}")]);
    let fits = |uri: &str| known.iter().flatten().any(|known| known == uri);
    let listed = token.claims["uris"].as_array();
    let mut listed = listed.into_iter().flatten().filter_map(|uri| uri.as_str());
    token.claims["uri"].as_str().is_some_and(fits) || listed.any(fits)
}

fn has_headers_of(entry: &Entry, request: &Received) -> Option<bool> {
    let target = if is_old(request) { request.target() } else { request.path.clone() };
    let signed = request.row(request.header("cb-access-timestamp")?, &target);
    Some(request.header("cb-access-sign")? == hex(&entry.mac(HMAC_SHA256, &signed)?))
}

fn lives(token: &Token, now: i64) -> bool {
    let claim = |name: &str| token.claims[name].as_i64();
    let (Some(from), Some(until)) = (claim("nbf"), claim("exp")) else { return false };
    let issued = token.claims["iss"].as_str();
    let short = until.checked_sub(from).is_some_and(|life| (0..=TOKEN_LIFE_S).contains(&life));
    matches!(issued, Some("cdp" | "coinbase-cloud")) && short && from <= now + LEEWAY_S && now < until
}

fn is_near(request: &Received, now: i64) -> bool {
    let time = request.header("cb-access-timestamp").and_then(|time| time.parse::<i64>().ok());
    time.is_some_and(|time| time.abs_diff(now) <= WINDOW_S)
}
