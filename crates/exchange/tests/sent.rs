//! What the policy decides on is what the bytes that leave say, to a reader that shares nothing with ours: it takes the sent
//! body apart with other decoders and goes by the names that exchanges document, not by our definitions.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

#[path = "sent/dice.rs"]
mod dice;
#[path = "sent/reparse.rs"]
mod reparse;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{LazyLock, Mutex},
};

use dice::{Dice, rewritten};
use exchange::{
    Credentials, Definition, Exchanges, Incoming, Options, Reading, Refusal, Request, Signed, Stamp,
};
use proptest::prelude::*;
use support::{builtin, files_of, upstream, vectors};

/// A request that moves money, as a client writes it.
struct Case {
    exchange: String,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: String,
}

/// The money-moving requests of the tables, of every exchange.
static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let exchanges = Exchanges::builtin();
    let of_tables = exchanges.iter().flat_map(|definition| {
        let readable =
            |reads: &serde_json::Value| reads["orders"].is_array() || reads["withdrawal"].is_object();
        let cases = files_of(definition.id(), "money.json").into_iter();
        cases.filter(move |case| readable(&case["reads"])).map(|case| {
            let headers = case["headers"].as_object().cloned().unwrap_or_default();
            let headers = headers.into_iter().map(|(name, value)| (name, value.as_str().unwrap().to_owned()));
            let headers: Vec<_> = headers.collect();
            let endpoint = case["endpoint"].as_str().unwrap();
            Case::new(definition.id(), endpoint, headers, case["body"].as_str().unwrap_or_default())
        })
    });
    let others = OTHERS.iter().map(|(id, endpoint, body)| Case::new(id, endpoint, Vec::new(), body));
    of_tables.chain(others).collect()
});

/// Of the two exchanges that have no table.
const OTHERS: [(&str, &str, &str); 12] = [
    (
        "binance",
        "POST /api/v3/order",
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=2",
    ),
    ("binance", "POST /api/v3/order?symbol=BTCUSDT&side=SELL&type=MARKET&quantity=3", ""),
    ("binance", "POST /api/v3/order", "symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=50"),
    (
        "binance",
        "POST /api/v3/order",
        "symbol=BTCUSDT&side=SELL&type=STOP_LOSS_LIMIT&timeInForce=GTC&quantity=1&price=90&stopPrice=95",
    ),
    (
        "binance",
        "POST /fapi/v1/order",
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=2",
    ),
    (
        "binance",
        "POST /fapi/v1/batchOrders",
        r#"batchOrders=[{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":"1","price":"2"},{"symbol":"ETHUSDT","side":"SELL","type":"MARKET","quantity":"3"}]"#,
    ),
    (
        "binance",
        "POST /sapi/v1/margin/order",
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=2",
    ),
    (
        "binance",
        "POST /sapi/v1/capital/withdraw/apply",
        "coin=USDT&network=TRX&address=T1&addressTag=7&amount=100",
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
    ("coinone", "POST /v2/order/limit_sell", r#"{"price":50000,"qty":"0.1","currency":"btc"}"#),
    (
        "coinone",
        "POST /v2.1/transaction/coin/withdrawal",
        r#"{"currency":"XRP","amount":"10","address":"r1","secondary_address":"123"}"#,
    ),
];

/// One pair of each exchange.
static PAIRS: LazyLock<BTreeMap<String, Credentials>> = LazyLock::new(|| {
    let mut pairs = BTreeMap::new();
    for vector in vectors() {
        let id = vector.exchange().to_owned();
        pairs.entry(id).or_insert_with_key(|id| vector.credentials(&builtin(id)));
    }
    pairs
});

impl Case {
    fn new(exchange: &str, endpoint: &str, headers: Vec<(String, String)>, body: &str) -> Case {
        let (method, target) = endpoint.split_once(' ').unwrap();
        let (method, target) = (method.to_owned(), target.to_owned());
        Case { exchange: exchange.to_owned(), method, target, headers, body: body.to_owned() }
    }

    /// The same with other amounts, prices, sides and addresses, and batches of another size.
    fn varied(&self, dice: &mut Dice) -> Case {
        let target = match self.target.split_once('?') {
            Some((path, query)) => format!("{path}?{}", rewritten(query, dice)),
            None => self.target.clone(),
        };
        Case {
            exchange: self.exchange.clone(),
            method: self.method.clone(),
            target,
            headers: self.headers.clone(),
            body: rewritten(&self.body, dice),
        }
    }

    fn read(&self, definition: &Definition) -> Result<Request, Refusal> {
        let headers: Vec<(&str, &[u8])> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        definition.request(Incoming {
            method: &self.method,
            group: None,
            target: &self.target,
            headers: &headers,
            body: self.body.as_bytes(),
            called: "",
        })
    }
}

fn sign(definition: &Definition, request: &Request) -> Option<Signed> {
    let nonce = definition.nonce_kind(request, &Options::default());
    let nonce = nonce.map(|kind| kind.text(1_700_000_000_000, [3; 16]));
    let stamp = Stamp { now_ms: 1_700_000_000_000, nonce };
    definition.sign(request, &upstream(definition, request)?, &PAIRS[definition.id()], &stamp).ok()
}

/// Which exchanges had a request that was read and compared, and what with.
static SEEN: Mutex<BTreeSet<(String, &str)>> = Mutex::new(BTreeSet::new());

/// Nothing, or how the two readings differ. A request that is refused is compared with nothing.
fn compare(case: &Case) -> Result<(), String> {
    let definition = builtin(&case.exchange);
    let Ok(request) = case.read(&definition) else { return Ok(()) };
    let Some(signed) = sign(&definition, &request) else { return Ok(()) };
    let kind = match request.reading() {
        Reading::Orders(orders) => {
            reparse::orders(&signed, orders)?;
            if orders.len() > 1 { "batch" } else { "order" }
        }
        Reading::Withdrawal(withdrawal) => {
            reparse::withdrawal(&signed, withdrawal)?;
            "withdrawal"
        }
        _ => return Ok(()),
    };
    SEEN.lock().unwrap().insert((case.exchange.clone(), kind));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases * 8, ..ProptestConfig::default() })]

    #[test]
    fn the_policy_sees_what_the_bytes_sent_say(at in any::<prop::sample::Index>(), seed in any::<u64>()) {
        let case = at.get(&CASES).varied(&mut Dice(seed | 1));
        if let Err(difference) = compare(&case) {
            prop_assert!(false, "{} {} {} {}: {difference}", case.exchange, case.method, case.target, case.body);
        }
    }
}

/// The property would hold of nothing as well.
#[test]
fn every_exchange_is_compared_with_orders_and_most_with_batches_and_withdrawals() {
    let mut dice = Dice(11);
    for case in CASES.iter() {
        for _ in 0..4 {
            let varied = case.varied(&mut dice);
            let compared = compare(&varied);
            assert_eq!(compared, Ok(()), "{} {} {}", varied.exchange, varied.target, varied.body);
        }
    }
    let seen = SEEN.lock().unwrap().clone();
    let count = |kind: &str| seen.iter().filter(|(_, own)| *own == kind).count();
    for definition in Exchanges::builtin().iter() {
        let id = definition.id();
        assert!(seen.contains(&(id.to_owned(), "order")), "{id} has no order in money.json: {seen:?}");
    }
    assert!(count("withdrawal") >= 15 && count("batch") >= 10, "{seen:?}");
}
