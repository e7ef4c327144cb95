//! What two readers could read differently where an exchange takes lists, repeats names or signs decoded text.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use std::{fs, path::Path};

use exchange::{Exchanges, Incoming, Part, Reading, Refusal, Request};
use support::builtin;

fn request(exchange: &str, endpoint: &str, body: &str) -> Result<Request, Refusal> {
    let (method, target) = endpoint.split_once(' ').unwrap();
    let headers: &[(&str, &[u8])] = match body.starts_with(['{', '[']) {
        true => &[("Content-Type", b"application/json")],
        false => &[],
    };
    builtin(exchange).request(Incoming {
        method,
        target,
        headers,
        body: body.as_bytes(),
        ..Incoming::default()
    })
}

#[test]
fn a_list_in_the_path_is_for_public_calls_alone() {
    let accepted = request("bitfinex", "GET /v2/conf/pub:list:currency,pub:map:currency:sym", "").unwrap();
    assert_eq!(accepted.path(), "/v2/conf/pub:list:currency,pub:map:currency:sym");
    for endpoint in ["POST /v2/auth/r/orders/tBTCUSD,tETHUSD", "POST /v2/auth/w/order/submit,update"] {
        assert_eq!(request("bitfinex", endpoint, "{}").unwrap_err().part, Part::Target, "{endpoint}");
    }
}

/// A batch: exchange, endpoint, what stands around the orders, and an order.
const BATCHES: &[(&str, &str, &str, &str)] = &[
    (
        "okx",
        "POST /api/v5/trade/batch-orders",
        "[*]",
        r#"{"instId":"BTC-USDT","tdMode":"cash","side":"sell","ordType":"limit","px":"2","sz":"1"}"#,
    ),
    (
        "bybit",
        "POST /v5/order/create-batch",
        r#"{"category":"spot","request":[*]}"#,
        r#"{"symbol":"BTCUSDT","side":"Sell","orderType":"Limit","qty":"1","price":"2"}"#,
    ),
    (
        "kucoin",
        "POST /api/v1/hf/orders/multi",
        r#"{"orderList":[*]}"#,
        r#"{"symbol":"BTC-USDT","side":"sell","type":"limit","size":"1","price":"2"}"#,
    ),
    (
        "bitget",
        "POST /api/v2/spot/trade/batch-orders",
        r#"{"orderList":[*]}"#,
        r#"{"symbol":"BTCUSDT","side":"sell","orderType":"limit","size":"1","price":"2","force":"gtc"}"#,
    ),
    (
        "bitget",
        "POST /api/v3/trade/place-batch",
        "[*]",
        r#"{"category":"SPOT","symbol":"BTCUSDT","side":"sell","orderType":"limit","qty":"1","price":"2"}"#,
    ),
    (
        "gate",
        "POST /api/v4/spot/batch_orders",
        "[*]",
        r#"{"currency_pair":"BTC_USDT","side":"sell","type":"limit","amount":"1","price":"2"}"#,
    ),
    (
        "kraken",
        "POST /0/private/AddOrderBatch",
        r#"{"pair":"XBTUSD","orders":[*]}"#,
        r#"{"type":"sell","ordertype":"limit","volume":"1","price":"2"}"#,
    ),
    (
        "htx",
        "POST /v1/order/batch-orders",
        "[*]",
        r#"{"account-id":"9","symbol":"btcusdt","type":"sell-limit","amount":"1","price":"2"}"#,
    ),
    (
        "bitfinex",
        "POST /v2/auth/w/order/multi",
        r#"{"ops":[*]}"#,
        r#"["on",{"symbol":"tBTCUSD","type":"EXCHANGE LIMIT","amount":"-1","price":"2"}]"#,
    ),
    (
        "bithumb",
        "POST /v2/orders/batch",
        r#"{"batch_orders":[*]}"#,
        r#"{"market":"KRW-BTC","side":"ask","order_type":"limit","volume":"1","price":"2"}"#,
    ),
    (
        "cryptocom",
        "POST /exchange/v1/private/create-order-list",
        r#"{"id":1,"method":"private/create-order-list","params":{"contingency_type":"LIST","order_list":[*]}}"#,
        r#"{"instrument_name":"BTC_USDT","side":"SELL","type":"LIMIT","quantity":"1","price":"2"}"#,
    ),
];

fn batch(around: &str, items: &[&str]) -> String {
    around.replace('*', &items.join(","))
}

/// The first amount of one in an order, and what stands instead.
fn with_amount(order: &str, other: &str) -> String {
    [r#""1""#, r#""-1""#]
        .iter()
        .find(|own| order.contains(**own))
        .map(|own| order.replacen(own, other, 1))
        .unwrap()
}

#[test]
fn every_order_of_a_batch_is_read() {
    for (exchange, endpoint, around, order) in BATCHES {
        let other = with_amount(order, if *exchange == "bitfinex" { r#""-5""# } else { r#""5""# });
        let read = request(exchange, endpoint, &batch(around, &[order, &other])).unwrap();
        let Reading::Orders(orders) = read.reading() else { panic!("{exchange}: {:?}", read.reading()) };
        let amounts: Vec<_> = orders.iter().map(|order| order.quantity.unwrap().to_string()).collect();
        assert_eq!(amounts, ["1", "5"], "{exchange} {endpoint}");
    }
}

#[test]
fn one_bad_order_refuses_the_whole_batch() {
    for (exchange, endpoint, around, order) in BATCHES {
        let second = |bad: &str| request(exchange, endpoint, &batch(around, &[order, bad])).unwrap_err();
        let unknown = order.replacen(r#":"#, r#":"x","hidden_extra":"#, 1);
        assert_eq!(second(&unknown).part, Part::Body, "{exchange}: an unknown member");
        for amount in ["1e3", r#""+1""#, r#""01""#, r#"["1"]"#, r#"{"1":"1"}"#, r#"" 1""#] {
            assert_eq!(second(&with_amount(order, amount)).part, Part::Body, "{exchange} {amount}");
        }
        assert_eq!(
            second(&order.replacen("\"side\"", "\"SIDE\"", 1).replacen("\"type\"", "\"TYPE\"", 1)).part,
            Part::Body
        );
        let twice =
            format!("{},{}", &order[..order.rfind('}').unwrap()], &order[order.find('{').unwrap() + 1..]);
        assert_eq!(second(&twice).reason, "given twice", "{exchange}");
    }
}

#[test]
fn a_batch_without_orders_or_with_something_else_in_it_is_no_order() {
    for (exchange, endpoint, around, order) in BATCHES {
        assert!(request(exchange, endpoint, &batch(around, &[])).is_err(), "{exchange}: empty");
        for stranger in ["1", r#""order""#, "null", "[]", "{}"] {
            let read = request(exchange, endpoint, &batch(around, &[order, stranger]));
            let harmless = read.is_err() || matches!(read.unwrap().reading(), Reading::Unpriceable(_));
            assert!(harmless, "{exchange} {stranger}");
        }
    }
}

/// The names a definition allows to stand several times.
fn repeatable(exchange: &str) -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("exchanges").join(exchange).join("exchange.toml");
    let file: toml::Table = fs::read_to_string(file).unwrap().parse().unwrap();
    let names = file["request"].get("repeatable").and_then(|names| names.as_array().cloned());
    names.unwrap_or_default().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// A private read with a query, and a call that moves money and takes one.
const QUERIES: &[(&str, &str, &str)] = &[
    ("binance", "GET /api/v3/allOrders", "DELETE /api/v3/order"),
    ("bitget", "GET /api/v2/spot/account/assets", "POST /api/v2/spot/wallet/transfer"),
    ("bithumb", "GET /v1/orders", "DELETE /v2/order"),
    ("bitstamp", "GET /api/v2/trade_history/", "POST /api/v2/transfer-to-main/"),
    ("bybit", "GET /v5/order/realtime", "GET /v5/user/del-submember"),
    ("coinbase", "GET /api/v3/brokerage/orders/historical/batch", "DELETE /api/v3/brokerage/cfm/sweeps"),
    ("coinbaseexchange", "GET /orders", "DELETE /orders"),
    ("gate", "GET /api/v4/spot/orders", "DELETE /api/v4/spot/orders"),
    ("htx", "GET /v1/order/orders", "POST /v1/account/transfer"),
    ("kucoin", "GET /api/v1/hf/orders/active", "DELETE /api/v1/hf/orders"),
    ("mexc", "GET /api/v3/allOrders", "DELETE /api/v3/order"),
    ("okx", "GET /api/v5/trade/orders-pending", "POST /api/v5/asset/transfer"),
    ("upbit", "GET /v1/orders/uuids", "DELETE /v1/orders/uuids"),
];

#[test]
fn a_name_is_repeated_only_where_it_is_declared_and_nothing_moves() {
    for (exchange, read, moving) in QUERIES {
        let declared = repeatable(exchange);
        for name in declared.iter().map(String::as_str).chain(["limit", "symbol", "orders[]"]) {
            let query = format!("?{name}=1&{name}=2");
            let allowed = declared.iter().any(|own| own == name);
            assert_eq!(
                request(exchange, &format!("{read}{query}"), "").is_ok(),
                allowed,
                "{exchange} {read} {name}"
            );
            let refusal = request(exchange, &format!("{moving}{query}"), "").unwrap_err();
            assert_eq!(refusal.reason, "given twice", "{exchange} {moving} {name}");
            // the same name in other letters is another name to some servers
            let capitals = format!("?{name}=1&{}=2", name.to_uppercase());
            assert!(request(exchange, &format!("{read}{capitals}"), "").is_err(), "{exchange} {capitals}");
        }
    }
}

#[test]
fn no_parameter_that_says_how_much_or_where_to_is_repeatable() {
    for definition in Exchanges::builtin().iter() {
        for name in repeatable(definition.id()) {
            let money = ["amount", "price", "size", "qty", "quantity", "symbol", "side", "address", "volume"];
            assert!(
                !money.contains(&name.to_lowercase().trim_end_matches("[]")),
                "{} {name}",
                definition.id()
            );
        }
    }
}

/// `a=1%26b%3D2` and `a=1&b=2` are one text to who signs the decoded query.
#[test]
fn where_the_decoded_query_is_signed_a_value_cannot_hold_another_parameter() {
    for (exchange, read, moving) in [
        ("bybit", "GET /v5/order/realtime", "GET /v5/user/del-submember"),
        ("kucoin", "GET /api/v1/hf/orders/active", "DELETE /api/v1/hf/orders"),
        ("bitget", "GET /api/v2/spot/account/assets", "POST /api/v2/spot/wallet/transfer"),
        ("gate", "GET /api/v4/spot/orders", "DELETE /api/v4/spot/orders"),
        ("upbit", "GET /v1/orders/uuids", "DELETE /v1/order"),
    ] {
        for value in ["1%26b%3D2", "1%26", "1%3D2", "%3d"] {
            let refusal = request(exchange, &format!("{moving}?symbol={value}"), "").unwrap_err();
            assert_eq!(
                (refusal.part, refusal.reason),
                (Part::Query, "& and = cannot stand in a value here"),
                "{exchange} {value}"
            );
        }
        // page cursors of reads are base64
        assert!(request(exchange, &format!("{read}?cursor=abc%3D%3D"), "").is_ok(), "{exchange}");
        assert!(request(exchange, &format!("{read}?cursor=abc=="), "").is_ok(), "{exchange}");
    }
}

/// Upbit signs a JSON body as `name=value&...` too.
#[test]
fn where_a_body_is_signed_as_a_query_a_value_cannot_hold_another_parameter() {
    let order = |identifier: &str| {
        let body = format!(
            r#"{{"market":"KRW-BTC","side":"bid","ord_type":"limit","volume":"1","price":"2","identifier":{identifier}}}"#
        );
        request("upbit", "POST /v1/orders", &body)
    };
    for memo in [r#""a-1""#, r#""1&2=3""#, r#""a&b""#, r#""a=b""#] {
        assert!(order(memo).is_ok(), "{memo}");
    }
    for value in
        [r#""a&time_in_force=ioc""#, r#""a\u0026x=b""#, r#"["a&identifier[]=b"]"#, r#"{"x":"a&b=1"}"#]
    {
        let refusal = order(value).unwrap_err();
        assert_eq!((refusal.part, refusal.field.as_str()), (Part::Body, "identifier"), "{value}");
    }
    for (exchange, endpoint) in
        [("upbit", "POST /v1/orders/cancel_and_new"), ("bithumb", "POST /v1/withdraws/krw")]
    {
        let refusal = request(exchange, &format!("{endpoint}?a=1"), r#"{"b":"2"}"#).unwrap_err();
        assert_eq!(refusal.part, Part::Query, "{exchange}: only one of both is signed");
    }
}
