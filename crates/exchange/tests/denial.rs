//! Default deny: what no pattern lists is refused, also when it nearly is one, and no endpoint with a dangerous name
//! stands in a weak class.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use std::{fs, path::Path};

use exchange::{Class, Definition, Exchanges, Method};
use support::builtin;

fn class(exchange: &str, endpoint: &str) -> Option<Class> {
    let (method, path) = endpoint.split_once(' ').unwrap();
    builtin(exchange).classify(Method::parse(method).unwrap(), path)
}

/// Class, method and path of every endpoint of a table.
fn table(definition: &Definition) -> Vec<(String, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("exchanges").join(definition.id());
    let text = fs::read_to_string(root.join("endpoints.txt")).unwrap();
    let row = |line: &str| {
        let [class, method, path] = line.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{line}") };
        (class.to_owned(), method.to_owned(), path.to_owned())
    };
    text.lines().map(row).collect()
}

/// The prefix under which each exchange keeps its private calls.
const ROOTS: [(&str, &str); 17] = [
    ("binance", "/sapi/v1"),
    ("bitfinex", "/v2/auth"),
    ("bitget", "/api/v2"),
    ("bithumb", "/v1"),
    ("bitstamp", "/api/v2"),
    ("bybit", "/v5"),
    ("coinbase", "/api/v3/brokerage"),
    ("coinbaseexchange", ""),
    ("coinone", "/v2.1"),
    ("cryptocom", "/exchange/v1/private"),
    ("gate", "/api/v4"),
    ("htx", "/v1"),
    ("kraken", "/0/private"),
    ("kucoin", "/api/v1"),
    ("mexc", "/api/v3"),
    ("okx", "/api/v5"),
    ("upbit", "/v1"),
];

#[test]
fn an_unknown_path_is_refused_at_every_exchange() {
    assert_eq!(ROOTS.len(), Exchanges::builtin().iter().count());
    for (exchange, root) in ROOTS {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            for path in ["/something-new", "/something/quite-new", "/Withdrawals/new", "/withdraw/apply2"] {
                let endpoint = format!("{method} {root}{path}");
                assert_eq!(class(exchange, &endpoint), None, "{exchange} {endpoint}");
            }
        }
        for endpoint in
            ["GET /", "GET /unheard/of", "POST /unheard/of", "GET /private", "GET /bapi/v1/private"]
        {
            assert_eq!(class(exchange, endpoint), None, "{exchange} {endpoint}");
        }
        assert_eq!(class(exchange, &format!("GET {root}/")), None, "{exchange} {root}/");
        // where the definition says that no GET changes anything, it is a read: with a key that may read
        for path in ["", "/something-new", "/something/quite-new"] {
            let unknown = class(exchange, &format!("GET {root}{path}"));
            assert!([None, Some(Class::Read)].contains(&unknown), "{exchange} {root}{path}: {unknown:?}");
        }
    }
}

/// Every endpoint that moves something, with its last segment in capitals or with a slash more: refused or, where a
/// name of a market or an id stands there, of the same class.
#[test]
fn another_spelling_of_a_money_moving_path_is_never_weaker() {
    let mut tried = 0;
    for definition in Exchanges::builtin().iter() {
        for (_, method, path) in table(definition) {
            let method = Method::parse(&method).unwrap();
            let Some(own) = definition.classify(method, &path).filter(|class| class.moves_money()) else {
                continue;
            };
            let start = path.trim_end_matches('/').rfind('/').unwrap() + 1;
            let slash = path.strip_suffix('/').map_or(format!("{path}/"), str::to_owned);
            let capitals = format!("{}{}", &path[..start], path[start..].to_uppercase());
            for other in [capitals, path.to_uppercase(), path.to_lowercase(), slash] {
                let class = definition.classify(method, &other);
                assert!(class.is_none_or(|class| class == own), "{} {other}: {class:?}", definition.id());
                tried += 1;
            }
        }
    }
    assert!(tried > 4_000, "{tried}");
}

/// What moves money out or around, or makes keys, is named after it.
const DANGEROUS: &[&str] = &[
    "withdraw",
    "transfer",
    "giftcard",
    "subaccount",
    "sub-account",
    "sub_account",
    "subuser",
    "sub-user",
    "submember",
    "broker",
    "fiat",
    "apikey",
    "api-key",
    "api_key",
    "te-api",
    "token",
    "redeem",
    "listen",
    "push",
    "bullet",
    "address-book",
    "move",
];

/// Endpoints of a weak class that have a dangerous word in them, and why they may.
const HARMLESS: &[(&str, &[&str])] = &[
    (
        "asks about withdrawals and transfers",
        &[
            "bitfinex POST /v2/auth/r/", // r: read
            "bitstamp POST /api/v2/fees/withdrawal/",
            "bitstamp POST /api/v2/withdrawal-requests/",
            "bitstamp POST /api/v2/withdrawal/status/",
            "coinone POST /v2.1/transaction/coin/withdrawal/limit",
            "cryptocom POST /exchange/v1/private/fiat/fiat-deposit-",
            "cryptocom POST /exchange/v1/private/fiat/fiat-get-bank-accounts",
            "cryptocom POST /exchange/v1/private/fiat/fiat-transaction-",
            "cryptocom POST /exchange/v1/private/fiat/fiat-withdraw-history",
            "cryptocom POST /exchange/v1/private/get-withdrawal-history",
            "htx POST /api/v1/contract_transfer_limit",
            "htx POST /swap-api/v1/swap_transfer_limit",
            "kraken POST /0/private/WithdrawAddresses",
            "kraken POST /0/private/WithdrawInfo",
            "kraken POST /0/private/WithdrawMethods",
            "kraken POST /0/private/WithdrawStatus",
        ],
    ),
    (
        "takes a withdrawal back",
        &[
            "bitget POST /api/v2/spot/wallet/cancel-withdrawal",
            "bitget POST /api/v3/account/cancel-withdrawal",
            "bithumb DELETE /v1/withdraws/coin",
            "bybit POST /v5/asset/withdraw/cancel",
            "gate DELETE /api/v4/withdrawals/",
            "htx POST /v1/dw/withdraw-virtual/",
            "kraken POST /0/private/WithdrawCancel",
            "kucoin DELETE /api/v1/withdrawals/",
            "mexc DELETE /api/v3/capital/withdraw",
            "okx POST /api/v5/asset/cancel-withdrawal",
            "okx POST /api/v5/fiat/cancel-withdrawal",
            "upbit DELETE /v1/withdraws/coin",
        ],
    ),
    (
        "moves from a position or a bot to the account it belongs to",
        &[
            "kucoin POST /api/v1/copy-trade/futures/position/margin/withdraw-margin",
            "okx POST /api/v5/tradingBot/grid/withdraw-income",
        ],
    ),
    ("hands out a token for what anybody may see", &["kucoin POST /api/v1/bullet-public"]),
    ("says what a key may do", &["kraken POST /0/private/GetApiKeyInfo"]),
    ("deletes a report", &["kraken POST /0/private/RemoveExport"]),
    ("no longer lets somebody copy trades", &["bitget POST /api/v2/copy/"]),
    ("trades leveraged tokens", &["bybit POST /v5/spot-lever-token/"]),
    ("buys and sells for money that is at the exchange", &["okx POST /api/v5/fiat/buy-sell/"]),
    ("is named after the exchange's brokerage, not after a broker", &["coinbase POST /api/v3/brokerage/"]),
];

/// A second opinion that knows no pattern: what changes something and is named after moving money out or around, or
/// after keys, stands in a weak class only with a reason.
#[test]
fn no_dangerous_word_is_a_read_or_a_trade() {
    let excused =
        |line: &str| HARMLESS.iter().any(|(_, starts)| starts.iter().any(|start| line.starts_with(start)));
    let mut seen = 0;
    for definition in Exchanges::builtin().iter() {
        for (class, method, path) in table(definition).iter().filter(|(_, method, _)| method != "GET") {
            let name = path.to_lowercase();
            if DANGEROUS.iter().any(|word| name.contains(word)) {
                let line = format!("{} {method} {path}", definition.id());
                let weak = ["read", "public", "trade"].contains(&class.as_str());
                assert!(!weak || excused(&line), "{class} {line}");
                seen += 1;
            }
        }
    }
    assert!(seen > 400, "{seen}");
}

#[test]
fn every_excuse_of_a_dangerous_word_is_needed() {
    let exchanges = Exchanges::builtin();
    let rows = exchanges.iter().flat_map(|definition| {
        let row = |(class, method, path): (String, String, String)| {
            (class, format!("{} {method} {path}", definition.id()))
        };
        table(definition).into_iter().map(row).collect::<Vec<_>>()
    });
    let rows: Vec<_> = rows.collect();
    for start in HARMLESS.iter().flat_map(|(_, starts)| starts.iter()) {
        let weak = |(class, line): &&(String, String)| {
            line.starts_with(start) && ["read", "public", "trade"].contains(&class.as_str())
        };
        assert!(rows.iter().any(|row| weak(&row)), "{start}");
    }
}
