//! Endpoints whose amounts nobody reads, and that are decided on for what they say all the same: a class, a leverage. What
//! the exchange could understand otherwise is refused.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use exchange::{Class, Incoming, Leverage, Part, Refusal, Request};
use support::builtin;

fn read(exchange: &str, endpoint: &str, body: &str) -> Result<Request, Refusal> {
    let (method, target) = endpoint.split_once(' ').unwrap();
    let incoming = Incoming { method, target, body: body.as_bytes(), ..Incoming::default() };
    builtin(exchange).request(incoming)
}

#[track_caller]
fn refused(exchange: &str, endpoint: &str, body: &str, part: Part, field: &str) {
    let refusal = read(exchange, endpoint, body).unwrap_err();
    assert_eq!((refusal.part, refusal.field.as_str()), (part, field), "{exchange} {endpoint} {body}");
}

/// The exchange looks at the body, where nothing says what the query promises.
#[test]
fn a_query_beside_a_body_decides_nothing() {
    for (exchange, endpoint, body, field) in [
        ("okx", "POST /api/v5/account/set-auto-loan?autoLoan=false", "{}", "autoLoan"),
        ("okx", "POST /api/v5/account/set-auto-loan?autoLoan=false", "", "autoLoan"),
        ("okx", "POST /api/v5/account/borrow-repay?side=repay", r#"{"ccy":"USDT","amt":"9"}"#, "side"),
        ("okx", "POST /api/v5/account/set-leverage?lever=1", r#"{"instId":"BTC-USDT"}"#, "lever"),
        ("okx", "POST /api/v5/asset/transfer?type=0", r#"{"ccy":"USDT","amt":"1"}"#, "type"),
        ("kucoin", "POST /api/v3/accounts/universal-transfer?type=INTERNAL", r#"{"amount":"1"}"#, "type"),
        ("gate", "POST /api/v4/unified/loans?type=repay", r#"{"currency":"USDT","amount":"9"}"#, "type"),
        ("mexc", "POST /api/v1/private/order/create?openType=1&leverage=1", r#"{"vol":1}"#, "openType"),
    ] {
        refused(exchange, endpoint, body, Part::Query, field);
    }
}

#[test]
fn a_body_beside_a_query_decides_nothing_where_the_query_counts() {
    let leverage = "POST /api/v4/futures/usdt/positions/BTC_USDT/leverage?leverage=0";
    refused("gate", leverage, r#"{"cross_leverage_limit":"1"}"#, Part::Body, "");
    let alone = read("gate", &format!("{leverage}&cross_leverage_limit=9"), "").unwrap();
    assert_eq!(alone.leverage(), Leverage::Sets(9.into()), "as ccxt sends it");
}

/// In a list no name is found, so what must not be there would not be found either.
#[test]
fn a_list_decides_nothing() {
    for (exchange, endpoint, body) in [
        ("okx", "POST /api/v5/asset/transfer", r#"[{"ccy":"USDT","amt":"1","type":"1","subAcct":"s"}]"#),
        ("okx", "POST /api/v5/account/set-auto-loan", r#"[{"autoLoan":true}]"#),
        ("bitfinex", "POST /v2/auth/w/transfer", r#"[{"amount":"1","email_dst":"a@b.example"}]"#),
        ("bybit", "POST /v5/position/set-leverage", r#"[{"buyLeverage":"1"}]"#),
    ] {
        refused(exchange, endpoint, body, Part::Body, "");
    }
}

#[test]
fn a_name_in_other_letters_is_not_taken_for_one_that_is_absent() {
    for (exchange, endpoint, body, field) in [
        ("okx", "POST /api/v5/asset/transfer", r#"{"ccy":"USDT","amt":"1","TYPE":"1"}"#, "TYPE"),
        ("okx", "POST /api/v5/asset/transfer", r#"{"ccy":"USDT","amt":"1","subacct":"s"}"#, "subacct"),
        ("bitfinex", "POST /v2/auth/w/transfer", r#"{"amount":"1","Email_Dst":"a@b.example"}"#, "Email_Dst"),
        (
            "kucoin",
            "POST /api/v3/accounts/universal-transfer",
            r#"{"type":"INTERNAL","amount":"1","touserid":"7"}"#,
            "touserid",
        ),
        ("mexc", "POST /api/v1/private/order/create", r#"{"Leverage":1,"openType":1}"#, "Leverage"),
        ("binance", "POST /fapi/v1/leverage", "symbol=BTCUSDT&Leverage=125", "Leverage"),
        (
            "cryptocom",
            "POST /exchange/v1/private/change-account-leverage",
            r#"{"id":1,"method":"private/change-account-leverage","params":{"account_id":"a","Leverage":"20"}}"#,
            "Leverage",
        ),
    ] {
        refused(exchange, endpoint, body, Part::Body, field);
    }
}

/// As ccxt writes them.
#[test]
fn the_calls_of_real_clients_are_decided_on_as_ever() {
    let class = |exchange: &str, endpoint: &str, body: &str| read(exchange, endpoint, body).unwrap().class();
    let transfer = r#"{"ccy":"USDT","amt":"1","type":"0","from":"6","to":"18"}"#;
    assert_eq!(class("okx", "POST /api/v5/asset/transfer", transfer), Class::Transfer);
    let to_another = r#"{"ccy":"USDT","amt":"1","type":"1","from":"6","to":"6","subAcct":"s"}"#;
    assert_eq!(class("okx", "POST /api/v5/asset/transfer", to_another), Class::Subaccount);
    let internal = r#"{"currency":"USDT","amount":"1","fromAccountType":"MAIN","toAccountType":"TRADE","type":"INTERNAL","clientOid":"c"}"#;
    assert_eq!(class("kucoin", "POST /api/v3/accounts/universal-transfer", internal), Class::Transfer);
    let wallets = r#"{"from":"exchange","to":"margin","currency":"UST","amount":"1"}"#;
    assert_eq!(class("bitfinex", "POST /v2/auth/w/transfer", wallets), Class::Transfer);
    let leverage =
        |exchange: &str, endpoint: &str, body: &str| read(exchange, endpoint, body).unwrap().leverage();
    let sets = r#"{"lever":"3","mgnMode":"cross","instId":"BTC-USDT"}"#;
    assert_eq!(leverage("okx", "POST /api/v5/account/set-leverage", sets), Leverage::Sets(3.into()));
    let sets = "symbol=BTCUSDT&leverage=3";
    assert_eq!(leverage("binance", "POST /fapi/v1/leverage", sets), Leverage::Sets(3.into()));
    assert_eq!(
        leverage("binance", &format!("POST /fapi/v1/leverage?{sets}"), ""),
        Leverage::Sets(3.into()),
        "where both places count, either will do"
    );
    let swap = "POST /api/v4/flash_swap/orders?sell_currency=USDT";
    assert_eq!(
        leverage("gate", swap, r#"{"sell_amount":"1"}"#),
        Leverage::None,
        "decided on for nothing it says"
    );
}

/// What stands beside a list of orders may be about all of them.
#[test]
fn a_member_beside_a_list_of_orders_is_known_or_refused_at_every_level() {
    let list = |around: &str, beside: &str| {
        let order =
            r#"{"instrument_name":"BTC_USDT","side":"BUY","type":"LIMIT","price":"1","quantity":"2"}"#;
        format!(
            r#"{{"id":1,"method":"private/create-order-list"{around},"params":{{"contingency_type":"LIST"{beside},"order_list":[{order}]}}}}"#
        )
    };
    let endpoint = "POST /exchange/v1/private/create-order-list";
    assert!(read("cryptocom", endpoint, &list("", "")).is_ok());
    refused("cryptocom", endpoint, &list("", r#","spot_margin":"MARGIN""#), Part::Body, "spot_margin");
    refused("cryptocom", endpoint, &list("", r#","order":{"side":"BUY"}"#), Part::Body, "order");
    refused("cryptocom", endpoint, &list(r#","spot_margin":"MARGIN""#, ""), Part::Body, "spot_margin");
}
