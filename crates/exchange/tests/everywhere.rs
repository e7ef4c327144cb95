//! What holds at every exchange, in every carrier its parameters have.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use std::{collections::BTreeMap, sync::LazyLock};

use base64::{Engine, prelude::BASE64_STANDARD};
use exchange::{Credentials, Definition, Exchanges, Options, Signed, Stamp, Typed};
use proptest::{prelude::*, sample::Index};
use support::{
    Message, builtin,
    generate::{flat_json, json, query},
    upstream,
};

/// Where the parameters of an endpoint travel.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Carrier {
    Query,
    Form,
    Json,
    /// JSON in base64.
    Payload,
    /// JSON inside the member `params`.
    Envelope,
}

use Carrier::{Envelope, Form, Json, Payload, Query};

/// A signed endpoint whose parameters nobody reads: exchange, method, path, carrier, another endpoint of its method and
/// carrier, and what the exchange's signature covers of path, query and body.
type Place = (&'static str, &'static str, &'static str, Carrier, &'static str, Covers);

#[derive(Clone, Copy, Debug)]
struct Covers {
    path: bool,
    params: bool,
}

const ALL: Covers = Covers { path: true, params: true };
const PATH: Covers = Covers { path: true, params: false };
const PARAMS: Covers = Covers { path: false, params: true };

const PLACES: &[Place] = &[
    ("binance", "GET", "/api/v3/account", Query, "/api/v3/allOrders", PARAMS),
    ("binance", "POST", "/sapi/v3/asset/getUserAsset", Form, "/sapi/v1/asset/get-funding-asset", PARAMS),
    ("bitfinex", "POST", "/v2/auth/r/wallets", Json, "/v2/auth/r/orders", ALL),
    ("bitget", "GET", "/api/v2/spot/account/assets", Query, "/api/v2/spot/account/info", ALL),
    ("bitget", "POST", "/api/v3/account/max-open-available", Json, "/api/v3/account/set-leverage", ALL),
    ("bithumb", "GET", "/v1/orders", Query, "/v1/accounts", PARAMS),
    ("bithumb", "POST", "/v2/orders/search", Json, "/v1/deposits/generate_coin_address", PARAMS),
    ("bithumb", "POST", "/info/balance", Form, "/info/account", ALL),
    ("bitstamp", "GET", "/api/v2/trade_history/", Query, "/api/v2/leverage_settings/", ALL),
    ("bitstamp", "POST", "/api/v2/account_balances/", Form, "/api/v2/open_orders/", ALL),
    ("bybit", "GET", "/v5/order/realtime", Query, "/v5/order/history", PARAMS),
    ("bybit", "POST", "/v5/position/set-leverage", Json, "/v5/position/switch-mode", PARAMS),
    ("coinbase", "GET", "/api/v3/brokerage/accounts", Query, "/api/v3/brokerage/portfolios", PATH),
    ("coinbase", "POST", "/v2/accounts/a-1/addresses", Json, "/v2/accounts/a-2/addresses", PATH),
    ("coinbaseexchange", "GET", "/accounts", Query, "/orders", ALL),
    ("coinbaseexchange", "POST", "/reports", Json, "/coinbase-accounts/a-1/addresses", ALL),
    ("coinone", "POST", "/v2.1/order/info", Payload, "/v2.1/order/detail", PARAMS),
    (
        "cryptocom",
        "POST",
        "/exchange/v1/private/user-balance",
        Envelope,
        "/exchange/v1/private/get-trades",
        ALL,
    ),
    ("gate", "GET", "/api/v4/spot/accounts", Query, "/api/v4/spot/orders", ALL),
    ("gate", "POST", "/api/v4/unified/portfolio_calculator", Json, "/api/v4/unified/loans", ALL),
    ("htx", "GET", "/v1/account/accounts", Query, "/v1/order/orders", ALL),
    ("htx", "POST", "/api/v1/contract_account_info", Json, "/api/v1/contract_position_info", PATH),
    ("kraken", "POST", "/0/private/BalanceEx", Form, "/0/private/TradeBalance", ALL),
    ("kraken", "POST", "/0/private/OpenOrders", Json, "/0/private/ClosedOrders", ALL),
    ("kucoin", "GET", "/api/v1/accounts", Query, "/api/v1/hf/orders/active", ALL),
    ("kucoin", "POST", "/api/v1/deposit-addresses", Json, "/api/v3/deposit-address/create", ALL),
    ("mexc", "GET", "/api/v3/account", Query, "/api/v3/allOrders", PARAMS),
    ("mexc", "POST", "/api/v3/capital/deposit/address", Form, "/api/v3/mxDeduct/enable", PARAMS),
    (
        "mexc",
        "POST",
        "/api/v1/private/order/batch_query_with_external",
        Json,
        "/api/v1/private/position/x",
        PARAMS,
    ),
    ("okx", "GET", "/api/v5/account/balance", Query, "/api/v5/account/config", ALL),
    ("okx", "POST", "/api/v5/account/position-builder", Json, "/api/v5/account/simulated_margin", ALL),
    ("upbit", "GET", "/v1/orders/uuids", Query, "/v1/accounts", PARAMS),
    ("upbit", "POST", "/v1/deposits/generate_coin_address", Json, "/v1/orders/cancel_and_new", PARAMS),
];

const NOW: u64 = 1_700_000_000_123;

/// Two pairs for each exchange: one of the client, one of the exchange.
static PAIRS: LazyLock<BTreeMap<String, [Credentials; 2]>> = LazyLock::new(|| {
    let pair = |definition: &Definition, name: &str, seed: u8| {
        let made = definition.virtual_pair(&seal::Key::filled(|key| key.fill(seed)));
        let typed = Typed { api_key: name, secret: &made.secret, passphrase: made.passphrase.as_ref() };
        Credentials::parse(definition, typed, Options::default()).unwrap()
    };
    let both = |own: &Definition| [pair(own, "kg_12345678", 1), pair(own, "REALKEY", 2)];
    Exchanges::builtin().iter().map(|own| (own.id().to_owned(), both(own))).collect()
});

/// An unsigned request of a place with these parameters; `text` is the client's own.
fn unsigned(place: &Place, text: &str) -> Message {
    let (_, method, path, carrier, ..) = *place;
    let header = |value: &str| vec![("Content-Type".to_owned(), value.to_owned())];
    let (query, headers, body) = match carrier {
        Query => (format!("?{text}"), Vec::new(), String::new()),
        Form => (String::new(), header("application/x-www-form-urlencoded"), text.to_owned()),
        Json | Payload => (String::new(), header("application/json"), text.to_owned()),
        Envelope => {
            let name = path.strip_prefix("/exchange/v1/").unwrap();
            (
                String::new(),
                header("application/json"),
                format!("{{\"id\": 7,\"method\":\"{name}\" ,\"params\":{text} }}"),
            )
        }
    };
    Message {
        method: method.to_owned(),
        url: format!("https://host{path}{query}"),
        headers,
        body: body.into_bytes(),
    }
}

fn sign(definition: &Definition, message: &Message, pair: &Credentials, now_ms: u64, random: u8) -> Message {
    let request = message.parse(definition).unwrap_or_else(|refusal| panic!("{message:?}: {refusal}"));
    let nonce =
        definition.nonce_kind(&request, &Options::default()).map(|kind| kind.text(now_ms, [random; 16]));
    let upstream = upstream(definition, &request).unwrap();
    let signed = definition.sign(&request, &upstream, pair, &Stamp { now_ms, nonce }).unwrap();
    let url = signed.url();
    let Signed { method, headers, body, .. } = signed;
    let mut headers: Vec<_> = headers.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
    headers.sort();
    Message { method: method.as_str().to_owned(), url, headers, body }
}

fn accepted(definition: &Definition, message: &Message, pair: &Credentials) -> bool {
    message.parse(definition).is_ok_and(|request| definition.verify(&request, pair, NOW).is_ok())
}

/// The names a signer puts among an exchange's parameters.
fn own_names(exchange: &str) -> &'static [&'static str] {
    match exchange {
        "binance" | "mexc" => &["timestamp", "recvWindow", "signature"],
        "htx" => &["AccessKeyId", "SignatureMethod", "SignatureVersion", "Timestamp", "Signature"],
        "kraken" => &["nonce"],
        "bithumb" => &["endpoint"],
        "coinone" => &["access_token", "nonce"],
        "cryptocom" => &["api_key", "sig", "nonce"],
        _ => &[],
    }
}

/// A query or form without the signer's parameters.
fn without(text: &str, own: &[&str]) -> String {
    let kept = text.split('&').filter(|piece| !own.contains(&piece.split_once('=').unwrap().0));
    kept.collect::<Vec<_>>().join("&")
}

/// JSON without the signer's members.
fn without_members(text: &str, own: &[&str]) -> String {
    own.iter().fold(text.to_owned(), |text, name| {
        let Some(at) = text.find(&format!("\"{name}\":")) else { return text };
        let value = at + name.len() + 3;
        let length = match text[value..].strip_prefix('"') {
            Some(rest) => rest.find('"').unwrap() + 2,
            None => text[value..].find(|c: char| !c.is_ascii_digit()).unwrap(),
        };
        let (before, after) = (&text[..at], &text[value + length..]);
        match before.strip_suffix(',') {
            Some(before) => format!("{before}{after}"),
            None => format!("{before}{}", after.strip_prefix(',').unwrap_or(after)),
        }
    })
}

/// What the client wrote, in what leaves.
fn client_text(place: &Place, sent: &Message) -> String {
    let own = own_names(place.0);
    let body = String::from_utf8(sent.body.clone()).unwrap();
    match place.3 {
        Query => without(sent.url.split_once('?').unwrap().1, own),
        Form => without(&body, own),
        Json | Envelope => without_members(&body, own),
        Payload => without_members(&String::from_utf8(BASE64_STANDARD.decode(body).unwrap()).unwrap(), own),
    }
}

/// Signatures with a random part compare by what they sign.
fn comparable(mut message: Message) -> Message {
    for (name, value) in &mut message.headers {
        if name == "authorization" && value.split('.').count() == 3 && value.contains("eyJhbGciOiJFUzI1NiI") {
            value.truncate(value.rfind('.').unwrap());
        }
    }
    message
}

/// A place and parameters for it.
fn requests() -> impl Strategy<Value = (&'static Place, String)> {
    (0..PLACES.len()).prop_flat_map(|at| {
        let place = &PLACES[at];
        let text = match (place.3, place.0) {
            (Query | Form, _) => query().boxed(),
            (Envelope, _) | (Json, "upbit" | "bithumb") => flat_json().boxed(),
            (Json | Payload, _) => json().boxed(),
        };
        (Just(place), text)
    })
}

/// The text with one letter or digit that is no part of an escape changed to the next.
fn changed(text: &str, at: &Index) -> String {
    let escaped =
        |at: usize| text[..at].ends_with(['%', '\\']) || text[..at].bytes().rev().nth(1) == Some(b'%');
    let places: Vec<usize> = text
        .char_indices()
        .filter(|(at, letter)| letter.is_ascii_alphanumeric() && !escaped(*at))
        .map(|(at, _)| at)
        .collect();
    let at = places[at.index(places.len())];
    let next = match text.as_bytes()[at] {
        b'9' => b'0',
        b'z' => b'a',
        b'Z' => b'A',
        other => other + 1,
    };
    format!("{}{}{}", &text[..at], char::from(next), &text[at + 1..])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_clients_bytes_leave_as_they_came((place, text) in requests()) {
        let definition = builtin(place.0);
        let message = unsigned(place, &text);
        let sent = sign(&definition, &message, &PAIRS[place.0][1], NOW, 3);
        let own = if place.3 == Envelope { String::from_utf8(message.body).unwrap() } else { text };
        prop_assert_eq!(client_text(place, &sent), own, "{:?}", place);
        let path = sent.target().split('?').next().unwrap().to_owned();
        prop_assert_eq!(path, place.2);
    }

    #[test]
    fn signing_what_was_signed_changes_the_signers_values_alone((place, text) in requests()) {
        let definition = builtin(place.0);
        let [client, real] = &PAIRS[place.0];
        let message = unsigned(place, &text);
        let arrived = sign(&definition, &message, client, NOW - 5_000, 1);
        let sent = sign(&definition, &arrived, real, NOW, 2);
        let direct = sign(&definition, &message, real, NOW, 2);
        let (sent, direct) = (comparable(sent), comparable(direct));
        prop_assert_eq!(&sent.url.len(), &direct.url.len());
        prop_assert_eq!(format!("{sent:?}"), format!("{direct:?}"));
        prop_assert!(!format!("{sent:?}").contains("kg_12345678"), "the client's key stays here");
    }

    #[test]
    fn a_signed_request_verifies_and_none_of_what_is_covered_can_be_changed(
        (place, text) in requests(), at in any::<Index>(),
    ) {
        let definition = builtin(place.0);
        let [client, real] = &PAIRS[place.0];
        let (_, _, path, carrier, other, covers) = *place;
        let arrived = sign(&definition, &unsigned(place, &text), client, NOW, 1);
        prop_assert!(accepted(&definition, &arrived, client), "{arrived:?}");
        prop_assert!(!accepted(&definition, &arrived, real));
        let moved = Message { url: arrived.url.replacen(path, other, 1), ..arrived.clone() };
        prop_assert_eq!(accepted(&definition, &moved, client), !covers.path, "{}", moved.url);
        let forged = match (carrier, arrived.url.split_once('?')) {
            (Query, Some((before, query))) => {
                Message { url: format!("{before}?{}", changed(query, &at)), ..arrived.clone() }
            }
            _ => {
                let body = changed(&String::from_utf8(arrived.body.clone()).unwrap(), &at).into_bytes();
                Message { body, ..arrived.clone() }
            }
        };
        let holds = accepted(&definition, &forged, client);
        prop_assert!(!(holds && covers.params), "{} {:?} {:?}", place.0, arrived, forged);
    }
}

#[test]
fn every_exchange_is_among_the_places() {
    for definition in Exchanges::builtin().iter() {
        assert!(PLACES.iter().any(|place| place.0 == definition.id()), "{}", definition.id());
    }
}
