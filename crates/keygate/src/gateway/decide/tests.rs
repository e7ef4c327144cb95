//! The promise of the decision, on requests that move money and others: those of the definitions' tables, some with a few
//! characters changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::LazyLock,
};

use exchange::Incoming;
use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::Value;

use super::promise::{Decided, EXCHANGES, STATE, kept};

struct Sent {
    exchange: String,
    endpoint: String,
    headers: Vec<(String, String)>,
    body: String,
}

/// Every request of the definitions' tables, and some of the exchanges that have none.
static SENT: LazyLock<Vec<Sent>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../exchange/exchanges");
    let mut sent = Vec::new();
    for folder in fs::read_dir(root).unwrap().map(|folder| folder.unwrap()) {
        let id = folder.file_name().into_string().unwrap();
        let table = fs::read(folder.path().join("money.json")).unwrap_or_else(|_| b"[]".to_vec());
        for case in serde_json::from_slice::<Vec<Value>>(&table).unwrap() {
            let text = |member: &str| case[member].as_str().unwrap_or_default().to_owned();
            let headers = case["headers"].as_object().cloned().unwrap_or_default().into_iter();
            let headers = headers.map(|(name, value)| (name, value.as_str().unwrap().to_owned())).collect();
            sent.push(Sent { exchange: id.clone(), endpoint: text("endpoint"), headers, body: text("body") });
        }
    }
    assert!(sent.len() > 400);
    sent.extend(OTHERS.iter().map(|(id, endpoint, body)| Sent {
        exchange: (*id).to_owned(),
        endpoint: (*endpoint).to_owned(),
        headers: Vec::new(),
        body: (*body).to_owned(),
    }));
    // in the same order everywhere, so that a seed means the same
    sent.sort_by(|a, b| (&a.exchange, &a.endpoint, &a.body).cmp(&(&b.exchange, &b.endpoint, &b.body)));
    sent
});

const OTHERS: [(&str, &str, &str); 27] = [
    // more than a limit can say
    (
        "binance",
        "POST /api/v3/order",
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=99999999999&price=99999999999",
    ),
    ("binance", "POST /sapi/v1/capital/withdraw/apply", "coin=BTC&address=T1&amount=99999999999999999"),
    // borrowed money
    (
        "kraken",
        "POST /0/private/AddOrder",
        "nonce=1700000000000&pair=XXBTZUSD&type=buy&ordertype=limit&volume=0.01&price=20000&leverage=3",
    ),
    (
        "kraken",
        "POST /0/private/AddOrder",
        "nonce=1700000000000&pair=XXBTZUSD&type=buy&ordertype=limit&volume=0.01&price=20000&leverage=1",
    ),
    (
        "bitfinex",
        "POST /v2/auth/w/order/submit",
        r#"{"type":"LIMIT","symbol":"tBTCF0:USTF0","price":"2","amount":"1","lev":1}"#,
    ),
    ("binance", "GET /api/v3/account", ""),
    ("binance", "GET /api/v3/time", ""),
    (
        "binance",
        "POST /api/v3/order",
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=2",
    ),
    (
        "binance",
        "POST /api/v3/order",
        "symbol=ETHBTC&side=SELL&type=LIMIT&timeInForce=GTC&quantity=4&price=0.04",
    ),
    ("binance", "POST /api/v3/order?symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.02", ""),
    ("binance", "POST /api/v3/order", "symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=50"),
    (
        "binance",
        "POST /api/v3/order",
        "symbol=BTCUSDT&side=SELL&type=STOP_LOSS_LIMIT&timeInForce=GTC&quantity=1&price=90&stopPrice=95",
    ),
    ("binance", "POST /api/v3/order", "symbol=BTCUSDT&side=BUY&type=STOP_LOSS&quantity=0.1&stopPrice=60000"),
    ("binance", "DELETE /api/v3/order", "symbol=BTCUSDT&orderId=1"),
    ("binance", "DELETE /api/v3/openOrders", "symbol=BTCUSDT"),
    (
        "binance",
        "POST /sapi/v1/margin/order",
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=2",
    ),
    (
        "binance",
        "POST /sapi/v1/margin/order",
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=2&sideEffectType=MARGIN_BUY",
    ),
    ("binance", "POST /fapi/v1/leverage", "symbol=BTCUSDT&leverage=5"),
    (
        "binance",
        "POST /sapi/v1/capital/withdraw/apply",
        "coin=USDT&network=TRX&address=T1&addressTag=7&amount=100",
    ),
    ("binance", "POST /sapi/v1/capital/withdraw/apply", "coin=BTC&address=T1&amount=0.1"),
    ("binance", "POST /sapi/v1/capital/withdraw/apply", "coin=NEW&address=T1&amount=3"),
    ("binance", "POST /sapi/v1/asset/transfer", "type=MAIN_UMFUTURE&asset=USDT&amount=1"),
    ("binance", "POST /api/v3/userDataStream", ""),
    (
        "binance",
        "POST /fapi/v1/batchOrders",
        r#"batchOrders=[{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":"1","price":"2"},{"symbol":"ETHUSDT","side":"SELL","type":"MARKET","quantity":"3"}]"#,
    ),
    (
        "coinone",
        "POST /v2.1/order",
        r#"{"side":"BUY","quote_currency":"KRW","target_currency":"BTC","type":"LIMIT","price":"100","qty":"0.5","post_only":false}"#,
    ),
    (
        "coinone",
        "POST /v2.1/order",
        r#"{"side":"BUY","quote_currency":"KRW","target_currency":"eth","type":"MARKET","amount":"50000"}"#,
    ),
    (
        "coinone",
        "POST /v2.1/transaction/coin/withdrawal",
        r#"{"currency":"XRP","amount":"10","address":"r1","secondary_address":"123"}"#,
    ),
];

/// Decides on one of them, with some characters at a place of its body replaced.
fn decided(sent: &Sent, edit: Option<(Index, &str)>, state: &[u8]) -> Result<Decided, String> {
    let mut body = sent.body.clone();
    if let Some((place, put)) = edit {
        let place = body.floor_char_boundary(place.index(body.len() + 1));
        body.replace_range(place..body.ceil_char_boundary((place + put.len()).min(body.len())), put);
    }
    let (method, target) = sent.endpoint.split_once(' ').unwrap();
    let headers: Vec<(&str, &[u8])> =
        sent.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let incoming =
        Incoming { method, target, headers: &headers, body: body.as_bytes(), ..Incoming::default() };
    kept(EXCHANGES.get(&sent.exchange).unwrap(), incoming, state)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases * 32, ..ProptestConfig::default() })]

    #[test]
    fn a_call_passes_if_no_rule_refuses_it_and_only_then(
        at in any::<Index>(), edit in prop::option::weighted(0.3, (any::<Index>(), "[A-Za-z0-9.\"]{0,3}")),
        state in vec(any::<u8>(), STATE),
    ) {
        let sent = at.get(&SENT);
        let edit = edit.as_ref().map(|(place, put)| (*place, put.as_str()));
        if let Err(broken) = decided(sent, edit, &state) {
            prop_assert!(false, "{} {} {}: {broken}", sent.exchange, sent.endpoint, sent.body);
        }
    }
}

/// The promise would be kept by a decision that refuses everything, too.
#[test]
fn every_rule_refuses_something_and_calls_of_every_kind_pass() {
    let (mut seen, mut passed, mut random) = (BTreeMap::new(), BTreeSet::new(), 11_u64);
    for sent in SENT.iter().cycle().take(20_000) {
        let next = |_| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random.to_le_bytes()[4]
        };
        let state: Vec<u8> = (0..STATE).map(next).collect();
        let decided = decided(sent, None, &state);
        let decided =
            decided.unwrap_or_else(|broken| panic!("{} {}: {broken}", sent.exchange, sent.endpoint));
        if decided == Decided::Passed {
            passed.insert((sent.exchange.as_str(), sent.endpoint.as_str()));
        }
        let (how, rule) = match decided {
            Decided::Refused(rule) => ("refused", rule),
            Decided::Noted(rule) => ("noted", rule),
            Decided::Passed => ("passed", ""),
            Decided::Unread => ("unread", ""),
        };
        *seen.entry((how, rule)).or_insert(0) += 1;
    }
    let never: Vec<_> = RULES.iter().filter(|rule| !seen.contains_key(*rule)).collect();
    assert_eq!(never, [] as [&(&str, &str); 0], "{seen:?}");
    assert!(seen[&("passed", "")] > 2000, "{seen:?}");
    assert!(passed.len() > 150, "{}: {passed:?}", passed.len());
}

const RULES: [(&str, &str); 33] = [
    ("noted", "address"),
    ("noted", "max-daily-trades"),
    ("noted", "max-leverage"),
    ("noted", "max-position"),
    ("noted", "max-trade"),
    ("noted", "no-price"),
    ("noted", "symbol"),
    ("noted", "unpriceable"),
    ("refused", "address"),
    ("refused", "bot-stopped"),
    ("refused", "connection-deleted"),
    ("refused", "expired"),
    ("refused", "inactive-user"),
    ("refused", "max-daily-trades"),
    ("refused", "max-daily-withdrawals"),
    ("refused", "max-leverage"),
    ("refused", "max-monthly-withdrawals"),
    ("refused", "max-position"),
    ("refused", "max-trade"),
    ("refused", "max-withdrawal"),
    ("refused", "no-price"),
    ("refused", "panic"),
    ("refused", "paused"),
    ("refused", "permission"),
    ("refused", "replay"),
    ("refused", "revoked"),
    ("refused", "scope"),
    ("refused", "suspended"),
    ("refused", "symbol"),
    ("refused", "unpriceable"),
    ("refused", "unreadable-withdrawal"),
    ("refused", "withdraw-needs-pair"),
    ("unread", ""),
];
