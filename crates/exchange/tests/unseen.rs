//! Orders that the list of open orders does not show.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use exchange::Incoming;
use support::builtin;

/// Whether the list leaves out what this call places.
fn is_left_out(id: &str, path: &str, body: &str) -> bool {
    let definition = builtin(id);
    let body = body.as_bytes();
    let request =
        definition.request(Incoming { method: "POST", target: path, body, ..Incoming::default() }).unwrap();
    definition.open_orders_miss(&request)
}

#[test]
fn orders_on_margin_are_named_where_the_list_is_of_the_spot_market() {
    let binance = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=2";
    for path in ["/sapi/v1/margin/order", "/papi/v1/margin/order"] {
        assert!(is_left_out("binance", path, binance), "{path}");
    }
    assert!(!is_left_out("binance", "/api/v3/order", binance));
    let order = r#"{"symbol":"BTCUSDT","side":"buy","orderType":"limit","baseSize":"1","price":"2","loanType":"normal"}"#;
    let batch = format!(r#"{{"symbol":"BTCUSDT","orderList":[{order}]}}"#);
    for kind in ["crossed", "isolated"] {
        assert!(is_left_out("bitget", &format!("/api/v2/margin/{kind}/place-order"), order), "{kind}");
        assert!(is_left_out("bitget", &format!("/api/v2/margin/{kind}/batch-place-order"), &batch), "{kind}");
    }
}

#[test]
fn orders_that_wait_for_a_trigger_at_kucoin_are_named() {
    let order = r#"{"symbol":"BTC-USDT","side":"buy","type":"limit","size":"1","price":"2","stopPrice":"3"}"#;
    for path in ["/api/v1/stop-order", "/api/v3/hf/margin/stop-order"] {
        assert!(is_left_out("kucoin", path, order), "{path}");
    }
    let pair =
        r#"{"symbol":"BTC-USDT","side":"buy","size":"1","price":"2","stopPrice":"3","limitPrice":"3"}"#;
    for path in ["/api/v3/oco/order", "/api/v3/hf/margin/oco-order"] {
        assert!(is_left_out("kucoin", path, pair), "{path}");
    }
    assert!(!is_left_out("kucoin", "/api/v1/hf/orders", &order.replace(r#","stopPrice":"3""#, "")));
}
