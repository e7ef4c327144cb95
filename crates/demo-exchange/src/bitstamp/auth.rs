//! Who asks: headers that name the key, the time and a nonce, and a signature over them and the whole request.

use super::Bitstamp;
use super::error::Error;
use crate::check::{self, HMAC_SHA256};
use crate::house::{Auth, Desk};
use crate::key::Entry;
use crate::request::Received;

const HOST: &str = "www.bitstamp.net";

/// How far the clocks may be apart.
const WINDOW_MS: u64 = 150_000;

impl Auth for Bitstamp {
    type Error = Error;

    fn named(request: &Received) -> Option<String> {
        api_key(request).map(str::to_owned)
    }

    fn is_signed_by(entry: &Entry, request: &Received) -> Option<bool> {
        let signature = request.header("x-auth-signature")?;
        let own = request.header("host").unwrap_or_default();
        // ccxt cuts `https://` off the address it calls, so on plain http its text keeps the scheme
        let hosts = [HOST.to_owned(), own.to_owned(), format!("http://{own}")];
        let holds = |host: &String| {
            let mac = message(request, host).and_then(|told| entry.mac(HMAC_SHA256, &told));
            mac.is_some_and(|mac| check::hex(&mac) == signature)
        };
        Some(hosts.iter().any(holds))
    }

    fn admit(desk: &mut Desk, request: &Received, signer: Option<&Entry>) -> Result<Entry, Error> {
        let named = request.header("x-auth").ok_or(Error::missing())?;
        let api_key = named.strip_prefix("BITSTAMP ").ok_or(Error::key_form())?;
        let entry = desk.keys.get(api_key).ok_or(Error::key())?;
        if !entry.admits(request.peer) {
            return Err(Error::address());
        }
        form(request)?;
        let nonce = fresh(request)?.to_owned();
        if signer.is_none() {
            return Err(Error::signature());
        }
        let entry = entry.clone();
        if desk.nonces.is_new(api_key, &nonce) { Ok(entry) } else { Err(Error::nonce()) }
    }
}

fn api_key(request: &Received) -> Option<&str> {
    request.header("x-auth")?.strip_prefix("BITSTAMP ")
}

/// What is signed, if the request was sent to this host.
fn message(request: &Received, host: &str) -> Option<Vec<u8>> {
    let header = |name| request.header(name);
    let parts = [
        header("x-auth")?,
        request.method.as_str(),
        host,
        &request.target(),
        header("content-type").unwrap_or_default(),
        header("x-auth-nonce")?,
        header("x-auth-timestamp")?,
        header("x-auth-version")?,
    ];
    Some([parts.concat().as_bytes(), &request.body].concat())
}

/// A body has a type, and no body has none.
fn form(request: &Received) -> Result<(), Error> {
    match (request.body.is_empty(), request.header("content-type")) {
        (true, Some(_)) => Err(Error::content_type_without_body()),
        (false, None | Some("")) => Err(Error::content_type()),
        _ => Ok(()),
    }
}

/// The nonce of a request that was made just now.
fn fresh(request: &Received) -> Result<&str, Error> {
    if request.header("x-auth-version") != Some("v2") {
        return Err(Error::version());
    }
    let nonce = request.header("x-auth-nonce").ok_or(Error::missing())?;
    let sign = |byte: u8| byte == b'-' || byte.is_ascii_digit() || byte.is_ascii_lowercase();
    if nonce.len() != 36 || !nonce.bytes().all(sign) {
        return Err(Error::nonce());
    }
    let time: i64 =
        request.header("x-auth-timestamp").and_then(|time| time.parse().ok()).ok_or(Error::time())?;
    if time.abs_diff(request.at_ms) > WINDOW_MS { Err(Error::time()) } else { Ok(nonce) }
}
