//! Amounts whose unit the exchange may understand otherwise than an order says it, and orders that bring others.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use exchange::{Definition, Incoming, Order, Reading, Request};
use serde_json::{Value, json};
use support::builtin;

fn post(definition: &Definition, path: &str, body: &Value) -> Request {
    let body = body.to_string();
    definition
        .request(Incoming { method: "POST", target: path, body: body.as_bytes(), ..Incoming::default() })
        .unwrap()
}

fn with(mut body: Value, more: Value) -> Value {
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// The order of Bybit's spot market at the market, with this side, unit and more.
fn at_bybit(side: &str, unit: Value, more: Value) -> Reading {
    let order =
        json!({"category": "spot", "symbol": "BTCUSDT", "side": side, "orderType": "Market", "qty": "100"});
    let unit = if unit.is_null() { json!({}) } else { json!({"marketUnit": unit}) };
    post(&builtin("bybit"), "/v5/order/create", &with(with(order, unit), more)).reading().clone()
}

fn amounts(reading: &Reading) -> (Option<u32>, Option<u32>) {
    let Reading::Orders(orders) = reading else { panic!("{reading:?}") };
    let [Order { quantity, quote_amount, .. }] = orders.as_slice() else { panic!("{orders:?}") };
    let number = |amount: &Option<rust_decimal::Decimal>| amount.map(|own| own.to_string().parse().unwrap());
    (number(quantity), number(quote_amount))
}

/// Classic accounts leave it aside.
#[test]
fn sale_with_market_unit_quote_counts_in_both_units() {
    assert_eq!(amounts(&at_bybit("Sell", json!("quoteCoin"), json!({}))), (Some(100), Some(100)));
    assert_eq!(amounts(&at_bybit("Buy", json!("baseCoin"), json!({}))), (Some(100), Some(100)));
}

#[test]
fn the_unit_a_side_has_anyway_is_believed() {
    for unit in [json!("quoteCoin"), Value::Null] {
        assert_eq!(amounts(&at_bybit("Buy", unit, json!({}))), (None, Some(100)));
    }
    for unit in [json!("baseCoin"), Value::Null] {
        assert_eq!(amounts(&at_bybit("Sell", unit, json!({}))), (Some(100), None));
    }
}

#[test]
fn order_with_a_trigger_in_another_unit_than_its_sides_is_unpriceable() {
    for trigger in [
        json!({"triggerPrice": "60000"}),
        json!({"orderFilter": "StopOrder"}),
        json!({"orderFilter": "tpslOrder"}),
        json!({"orderFilter": "TPSLORDER"}),
    ] {
        for (side, unit) in [("Sell", "quoteCoin"), ("Buy", "baseCoin")] {
            let reading = at_bybit(side, json!(unit), trigger.clone());
            assert!(matches!(reading, Reading::Unpriceable(_)), "{side} {unit} {trigger}: {reading:?}");
        }
        assert!(
            matches!(at_bybit("Sell", json!("baseCoin"), trigger.clone()), Reading::Orders(_)),
            "{trigger}"
        );
    }
}

#[test]
fn limit_order_in_the_quote_asset_is_unpriceable_where_only_market_orders_have_it() {
    let order = json!({"tradeType": "SPOT", "symbol": "BTC-USDT", "side": "BUY", "size": "100", "sizeUnit": "QUOTECCY"});
    let read = |more| post(&builtin("kucoin"), "/api/ua/v1/unified/order/place", &with(order.clone(), more));
    let limit = read(json!({"orderType": "LIMIT", "price": "2"}));
    assert!(matches!(limit.reading(), Reading::Unpriceable(_)), "{:?}", limit.reading());
    assert_eq!(amounts(read(json!({"orderType": "MARKET"})).reading()), (None, Some(100)));
}

#[test]
fn order_that_brings_others_is_unpriceable() {
    let order = json!({"client_order_id": "u1", "product_id": "BTC-USD", "side": "BUY",
        "order_configuration": {"limit_limit_gtc": {"base_size": "1", "limit_price": "2"}}});
    let attached = json!({"attached_order_configuration": {"trigger_bracket_gtc": {"limit_price": "3"}}});
    for path in ["/api/v3/brokerage/orders", "/api/v3/brokerage/orders/preview"] {
        let alone = post(&builtin("coinbase"), path, &order);
        assert!(matches!(alone.reading(), Reading::Orders(_)), "{path}");
        let both = post(&builtin("coinbase"), path, &with(order.clone(), attached.clone()));
        assert!(matches!(both.reading(), Reading::Unpriceable(_)), "{path}: {:?}", both.reading());
    }
}
