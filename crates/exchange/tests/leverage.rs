//! The leverage an order names, and the exchange does not heed.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use std::{fs, path::Path};

use exchange::{Definition, Incoming, Leverage, Request};
use serde_json::{Value, json};
use support::builtin;

fn post(definition: &Definition, path: &str, body: &Value) -> Request {
    let body = body.to_string();
    definition
        .request(Incoming { method: "POST", target: path, body: body.as_bytes(), ..Incoming::default() })
        .unwrap()
}

fn file(id: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("exchanges").join(id);
    fs::read_to_string(folder.join("exchange.toml")).unwrap()
}

fn with(mut body: Value, more: Value) -> Value {
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[test]
fn leverage_of_an_order_does_not_count_where_it_is_set_elsewhere() {
    let perpetual = json!({"instrument_name": "BTCUSD-PERP", "side": "BUY", "type": "LIMIT", "price": "1",
        "quantity": "2", "leverage": "1"});
    let cryptocom = |more| {
        let params = with(perpetual.clone(), more);
        json!({"id": 1, "method": "private/create-order", "params": params})
    };
    let kucoin = json!({"symbol": "XBTUSDTM", "side": "buy", "type": "limit", "size": "1", "price": "2", "leverage": "1"});
    let mexc = json!({"symbol": "BTC_USDT", "vol": 1, "leverage": 1});
    let unified = json!({"symbol": "XBTUSDTM", "side": "BUY", "orderType": "LIMIT", "size": "1", "sizeUnit": "UNIT",
        "price": "2", "tradeType": "FUTURES", "leverage": "1"});
    for (id, path, body) in [
        ("kucoin", "/api/v1/orders", with(kucoin.clone(), json!({"marginMode": "CROSS"}))),
        ("kucoin", "/api/v1/orders", kucoin),
        ("kucoin", "/api/ua/v1/classic/order/place", with(unified, json!({"marginMode": "CROSS"}))),
        ("cryptocom", "/exchange/v1/private/create-order", cryptocom(json!({}))),
        ("cryptocom", "/exchange/v1/private/create-order", cryptocom(json!({"exec_inst": ["POST_ONLY"]}))),
        (
            "htx",
            "/v5/trade/order",
            json!({"contract_code": "BTC-USDT", "side": "buy", "type": "market", "volume": "1", "lever_rate": 1}),
        ),
        ("mexc", "/api/v1/private/order/create", mexc.clone()),
        ("mexc", "/api/v1/private/order/create", with(mexc.clone(), json!({"openType": 2}))),
    ] {
        assert_eq!(post(&builtin(id), path, &body).leverage(), Leverage::Unknown, "{id} {body}");
    }
    let isolated = cryptocom(json!({"exec_inst": ["ISOLATED_MARGIN"]}));
    for (id, path, body) in [
        ("cryptocom", "/exchange/v1/private/create-order", isolated),
        ("mexc", "/api/v1/private/order/create", with(mexc, json!({"openType": 1}))),
    ] {
        assert_eq!(
            post(&builtin(id), path, &body).leverage(),
            Leverage::Borrows(Some(1.into())),
            "{id} {body}"
        );
    }
}

/// Bitfinex heeds `lev` of derivatives alone.
#[test]
fn leverage_of_an_ordinary_margin_order_is_not_believed() {
    let read = |symbol: &str| {
        let order = json!({"type": "LIMIT", "symbol": symbol, "price": "2", "amount": "1", "lev": 1});
        post(&builtin("bitfinex"), "/v2/auth/w/order/submit", &order).leverage()
    };
    assert_eq!((read("tBTCUSD"), read("tDOGE:USD")), (Leverage::Borrows(None), Leverage::Borrows(None)));
    assert_eq!(read("tBTCF0:USTF0"), Leverage::Borrows(Some(1.into())));
}

/// A definition that says nothing of when it counts.
#[test]
fn what_is_unknown_or_borrows_wins_over_a_leverage_an_order_names() {
    let coinbase = Definition::parse(&file("coinbase")).unwrap();
    let read = |product: &str, more| {
        let order = json!({"client_order_id": "u1", "product_id": product, "side": "BUY", "leverage": "1",
            "order_configuration": {"limit_limit_gtc": {"base_size": "1", "limit_price": "2"}}});
        post(&coinbase, "/api/v3/brokerage/orders", &with(order, more)).leverage()
    };
    assert_eq!(read("BTC-PERP-INTX", json!({})), Leverage::Unknown);
    assert_eq!(read("BTC-USD", json!({"margin_type": "CROSS"})), Leverage::Borrows(None));
    assert_eq!(read("BTC-USD", json!({})), Leverage::Borrows(Some(1.into())));
}

/// Whoever writes a definition is told.
#[test]
fn conditions_of_a_leverage_that_is_nowhere_are_refused() {
    let text = file("mexc").replace("value = \"leverage\"\n", "");
    let error = Definition::parse(&text).err().unwrap();
    assert!(error.reason.contains("value_when says when value counts"), "{error}");
}
