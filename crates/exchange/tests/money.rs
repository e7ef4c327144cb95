//! What requests ask for in terms of money.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use exchange::{Incoming, Order, Reading, Refusal, Side, Symbol, Withdrawal};
use serde_json::Value;
use support::{Message, builtin, vector};

fn read(exchange: &str, endpoint: &str, body: &str) -> Result<Reading, Refusal> {
    let (method, target) = endpoint.split_once(' ').unwrap();
    let incoming = Incoming { method, target, body: body.as_bytes(), ..Incoming::default() };
    builtin(exchange).request(incoming).map(|request| request.reading().clone())
}

fn market(name: &str) -> Symbol {
    Symbol::Market(name.to_owned())
}

fn pair(base: &str, quote: &str) -> Symbol {
    Symbol::Pair { base: base.to_owned(), quote: quote.to_owned() }
}

fn order(reading: Reading) -> Order {
    match reading {
        Reading::Orders(orders) if orders.len() == 1 => orders[0].clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_limit_order_is_read_with_its_exact_numbers() {
    let request = Message::of(vector("sv-binance-default-03").signed()).parse(&builtin("binance")).unwrap();
    let expected = Order {
        symbol: market("BTCUSDT"),
        side: Side::Buy,
        kind: "LIMIT".to_owned(),
        quantity: Some("0.01".parse().unwrap()),
        price: Some("25000.5".parse().unwrap()),
        quote_amount: None,
    };
    assert_eq!(*request.reading(), Reading::Orders(vec![expected]));
}

#[test]
fn an_order_is_read_alike_from_query_and_body() {
    let text = "symbol=BTCUSDT&side=SELL&type=MARKET&quantity=3";
    let in_body = read("binance", "POST /api/v3/order", text).unwrap();
    assert_eq!(in_body, read("binance", &format!("POST /api/v3/order?{text}"), "").unwrap());
    let order = order(in_body);
    assert_eq!((order.side, order.price), (Side::Sell, None), "a market order has no price");
}

#[test]
fn a_market_purchase_names_what_it_spends() {
    let read = |exchange, endpoint, body| order(read(exchange, endpoint, body).unwrap());
    let binance =
        read("binance", "POST /api/v3/order", "symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=50");
    assert_eq!((binance.quantity, binance.quote_amount), (None, Some(50.into())));
    let body =
        r#"{"side":"BUY","quote_currency":"KRW","target_currency":"eth","type":"MARKET","amount":"50000"}"#;
    let coinone = read("coinone", "POST /v2.1/order", body);
    assert_eq!((coinone.symbol, coinone.quote_amount), (pair("ETH", "KRW"), Some(50_000.into())));
}

#[test]
fn the_highest_price_an_order_names_counts() {
    let body =
        "symbol=BTCUSDT&side=SELL&type=STOP_LOSS_LIMIT&quantity=1&price=90&stopPrice=100&timeInForce=GTC";
    assert_eq!(order(read("binance", "POST /api/v3/order", body).unwrap()).price, Some(100.into()));
    let body = "symbol=BTCUSDT&side=SELL&quantity=2&aboveType=LIMIT_MAKER&abovePrice=120&belowType=STOP_LOSS_LIMIT&belowStopPrice=95&belowPrice=94";
    let oco = order(read("binance", "POST /api/v3/orderList/oco", body).unwrap());
    assert_eq!((oco.kind.as_str(), oco.quantity, oco.price), ("OCO", Some(2.into()), Some(120.into())));
}

#[test]
fn coinone_v2_has_its_side_in_the_path_and_trades_in_won() {
    let body = r#"{"price":50000,"qty":"0.1","currency":"btc"}"#;
    let buy = order(read("coinone", "POST /v2/order/limit_buy", body).unwrap());
    let sell = order(read("coinone", "POST /v2/order/limit_sell", body).unwrap());
    assert_eq!((buy.symbol, buy.side, buy.price), (pair("BTC", "KRW"), Side::Buy, Some(50_000.into())));
    assert_eq!(sell.side, Side::Sell);
}

#[test]
fn a_name_in_another_script_is_still_the_market() {
    let body = "symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT&side=BUY&type=LIMIT&quantity=1&price=1";
    assert_eq!(order(read("binance", "POST /api/v3/order", body).unwrap()).symbol, market("币安人生USDT"));
}

#[test]
fn a_conditional_futures_order_is_read() {
    let body = "algoType=CONDITIONAL&symbol=BTCUSDT&side=SELL&type=STOP_MARKET&quantity=2&triggerPrice=50000";
    let stop = order(read("binance", "POST /fapi/v1/algoOrder", body).unwrap());
    assert_eq!((stop.side, stop.quantity, stop.price), (Side::Sell, Some(2.into()), Some(50_000.into())));
}

#[test]
fn an_order_whose_price_the_exchange_sets_cannot_be_priced() {
    let spot = "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=90&timeInForce=GTC";
    let algo = "algoType=CONDITIONAL&symbol=BTCUSDT&side=BUY&type=STOP&quantity=2&triggerPrice=50000";
    for (endpoint, body, set) in [
        ("POST /api/v3/order", spot, "pegPriceType=PRIMARY_PEG"),
        ("POST /api/v3/order/cancelReplace", spot, "pegPriceType=MARKET_PEG"),
        ("POST /fapi/v1/order", spot, "priceMatch=QUEUE"),
        ("POST /papi/v1/um/order", spot, "priceMatch=OPPONENT_5"),
        ("POST /fapi/v1/algoOrder", algo, "priceMatch=OPPONENT"),
    ] {
        assert!(matches!(read("binance", endpoint, body), Ok(Reading::Orders(_))), "{endpoint}");
        let reading = read("binance", endpoint, &format!("{body}&{set}"));
        assert!(matches!(reading, Ok(Reading::Unpriceable(_))), "{endpoint} {set}: {reading:?}");
    }
    let own = read("binance", "POST /fapi/v1/order", &format!("{spot}&priceMatch=NONE")).unwrap();
    assert_eq!(order(own).price, Some(90.into()));
}

#[test]
fn an_id_that_is_longer_than_the_exchanges_are_is_refused() {
    let id = |length: usize| {
        let id = "a".repeat(length);
        let body = format!("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&newClientOrderId={id}");
        read("binance", "POST /api/v3/order", &body)
    };
    assert!(id(36).is_ok());
    for length in [37, 4096] {
        assert_eq!(id(length).unwrap_err().field, "newClientOrderId", "{length}");
    }
}

#[test]
fn a_cancellation_names_its_market_if_it_has_one() {
    let cancel = |symbol: Option<Symbol>| Ok(Reading::Cancel { symbols: symbol.into_iter().collect() });
    assert_eq!(
        read("binance", "DELETE /api/v3/order?symbol=btcusdt&orderId=1", ""),
        cancel(Some(market("BTCUSDT")))
    );
    assert_eq!(
        read("binance", "DELETE /api/v3/order", "symbol=BTCUSDT&orderId=1"),
        cancel(Some(market("BTCUSDT")))
    );
    let batch = "DELETE /fapi/v1/batchOrders?symbol=BTCUSDT&orderidlist=%5B1%2C2%5D";
    assert_eq!(read("binance", batch, ""), cancel(Some(market("BTCUSDT"))), "as ccxt writes it");
    let body = r#"{"order_id":"1","quote_currency":"KRW","target_currency":"BTC"}"#;
    assert_eq!(read("coinone", "POST /v2.1/order/cancel", body), cancel(Some(pair("BTC", "KRW"))));
    let body = r#"{"order_id":"1","price":1e-05,"qty":0.1,"is_ask":0,"currency":"BTC"}"#;
    assert_eq!(read("coinone", "POST /v2/order/cancel", body), cancel(Some(pair("BTC", "KRW"))));
    assert_eq!(read("coinone", "POST /v2.1/order/cancel/all", "{}"), cancel(None));
}

#[test]
fn a_withdrawal_is_read_with_asset_amount_and_destination() {
    let body = "coin=USDT&network=TRX&address=T1&addressTag=7&amount=100&withdrawOrderId=w@1";
    let binance = Withdrawal {
        asset: "USDT".to_owned(),
        amount: 100.into(),
        address: "T1".to_owned(),
        tag: Some("7".to_owned()),
        network: Some("TRX".to_owned()),
    };
    let reading = read("binance", "POST /sapi/v1/capital/withdraw/apply", body).unwrap();
    assert_eq!(reading, Reading::Withdrawal(binance));
    let body = r#"{"currency":"XRP","amount":"10","address":"r1","secondary_address":"123"}"#;
    let Reading::Withdrawal(coinone) =
        read("coinone", "POST /v2.1/transaction/coin/withdrawal", body).unwrap()
    else {
        panic!("not read");
    };
    assert_eq!(
        (coinone.asset.as_str(), coinone.amount, coinone.tag.as_deref()),
        ("XRP", 10.into(), Some("123"))
    );
}

#[test]
fn what_cannot_be_priced_says_so() {
    for (endpoint, body) in [
        ("POST /dapi/v1/batchOrders", r#"timestamp=1&batchOrders=[{"symbol":"BTCUSDT","side":"BUY"}]"#),
        ("POST /api/v3/orderList/oto", "symbol=BTCUSDT"),
        ("POST /dapi/v1/order", "symbol=BTCUSD_PERP&side=BUY&type=MARKET&quantity=1"),
        ("POST /sapi/v1/convert/acceptQuote", "quoteId=1"),
        ("POST /fapi/v1/order", "symbol=BTCUSDT&side=SELL&type=STOP_MARKET&stopPrice=1&closePosition=true"),
        ("POST /api/v3/order", "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&quoteOrderQty=1"),
        ("POST /sapi/v1/asset/transfer", "type=MAIN_UMFUTURE&asset=USDT&amount=1"),
        ("POST /sapi/v1/localentity/withdraw/apply", "coin=USDT"),
        ("GET /sapi/v1/sub-account/list", ""),
    ] {
        let reading = read("binance", endpoint, body).unwrap();
        assert!(matches!(reading, Reading::Unpriceable(_)), "{endpoint}: {reading:?}");
    }
}

#[test]
fn reads_move_nothing() {
    for endpoint in ["GET /api/v3/account", "GET /api/v3/ticker/price", "POST /sapi/v3/asset/getUserAsset"] {
        assert_eq!(read("binance", endpoint, "").unwrap(), Reading::NotMoney);
    }
}

#[test]
fn a_parameter_an_endpoint_is_not_known_to_have_is_refused_where_money_moves() {
    let refused = |exchange, endpoint, body: &str| read(exchange, endpoint, body).unwrap_err().field;
    let order = "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=1";
    assert_eq!(refused("binance", "POST /api/v3/order", &format!("{order}&leverage=20")), "leverage");
    assert_eq!(refused("binance", "DELETE /api/v3/order?symbol=A&foo=1", ""), "foo");
    assert_eq!(refused("coinone", "POST /v2.1/order/cancel", r#"{"to":"x"}"#), "to");
    let signing = format!("timestamp=1&{order}&recvWindow=5000&signature=ab");
    assert!(
        read("binance", "POST /api/v3/order", &signing).is_ok(),
        "what signing needs is known everywhere"
    );
    assert!(read("binance", "GET /api/v3/account?whatever=1", "").is_ok(), "a read may have anything");
}

#[test]
fn a_money_field_is_a_plain_value() {
    let order = |qty: &str| {
        let body = format!(
            r#"{{"side":"BUY","quote_currency":"KRW","target_currency":"BTC","type":"MARKET","amount":"1","qty":{qty}}}"#
        );
        read("coinone", "POST /v2.1/order", &body)
    };
    assert!(matches!(order("null"), Ok(Reading::Orders(_))), "null is what clients send for no value");
    for qty in ["[5]", "{\"x\":5}", "true"] {
        assert_eq!(order(qty).unwrap_err().field, "qty", "{qty}");
    }
    let tag = r#"{"currency":"XRP","amount":"10","address":"r1","secondary_address":{"x":1}}"#;
    assert_eq!(
        read("coinone", "POST /v2.1/transaction/coin/withdrawal", tag).unwrap_err().field,
        "secondary_address"
    );
}

/// Coinone looks at the payload alone: a market named in the query would be decided on and not traded.
#[test]
fn parameters_in_the_query_of_a_payload_are_refused() {
    let refusal = read(
        "coinone",
        "POST /v2.1/order/cancel?target_currency=BTC&quote_currency=KRW",
        r#"{"order_id":"1"}"#,
    );
    assert_eq!(refusal.unwrap_err().part, exchange::Part::Query);
    assert!(read("coinone", "GET /public/v2/ticker_new/KRW?additional_data=true", "").is_ok());
}

/// Every parameter that ccxt and python-binance put into the orders of the vectors is known.
#[test]
fn the_orders_of_real_clients_are_read() {
    for vector in support::vectors()
        .iter()
        .filter(|vector| vector.0["tags"].as_array().unwrap().contains(&"trade".into()))
    {
        let request = Message::of(vector.signed()).parse(&builtin(vector.exchange())).unwrap();
        assert!(matches!(request.reading(), Reading::Orders(_)), "{}: {:?}", vector.id(), request.reading());
    }
}

/// The requests of every exchange's `money.json`.
#[test]
fn every_request_of_the_tables_is_read_as_it_says() {
    let (mut count, mut wrong) = (0, Vec::new());
    for definition in exchange::Exchanges::builtin().iter() {
        for case in support::files_of(definition.id(), "money.json") {
            let (method, target) = case["endpoint"].as_str().unwrap().split_once(' ').unwrap();
            let headers = case["headers"].as_object().cloned().unwrap_or_default();
            let headers: Vec<(&str, &[u8])> = headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str().unwrap().as_bytes()))
                .collect();
            let body = case["body"].as_str().unwrap_or_default().as_bytes();
            let group = case["group"].as_str();
            let read =
                definition.request(Incoming { method, group, target, headers: &headers, body, called: "" });
            let read = read.map(|request| request.reading().clone());
            if !as_expected(&read, &case["reads"]) {
                wrong.push(format!("{} {case}: {read:?}", definition.id()));
            }
            count += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 400, "{count}");
}

fn as_expected(read: &Result<Reading, Refusal>, expected: &Value) -> bool {
    match (read, expected) {
        (Err(refusal), expected) if expected["refused"].is_string() => expected["refused"] == refusal.field,
        (Ok(Reading::Unpriceable(_)), expected) => expected["unpriceable"] == true,
        (Ok(Reading::Orders(orders)), expected) => {
            let same = |(own, other): (&Order, &Value)| {
                let side = if own.side == Side::Buy { "buy" } else { "sell" };
                named(&own.symbol, &other["symbol"])
                    && other["side"] == side
                    && other["type"] == own.kind
                    && amount(own.quantity, &other["quantity"])
                    && amount(own.price, &other["price"])
                    && amount(own.quote_amount, &other["quote_amount"])
            };
            let others = expected["orders"].as_array();
            others.is_some_and(|others| others.len() == orders.len() && orders.iter().zip(others).all(same))
        }
        (Ok(Reading::Cancel { symbols }), expected) => {
            let Some(cancel) = expected.get("cancel") else { return false };
            match (symbols.as_slice(), &cancel["symbol"]) {
                ([], symbol) => symbol.is_null(),
                (symbols, symbol) => symbols.iter().all(|own| named(own, symbol)),
            }
        }
        (Ok(Reading::Withdrawal(own)), expected) => {
            let other = &expected["withdrawal"];
            let text = |own: &Option<String>, other: &Value| own.as_deref() == other.as_str();
            other["asset"].as_str().is_some_and(|asset| asset.to_uppercase() == own.asset)
                && amount(Some(own.amount), &other["amount"])
                && other["address"] == own.address
                && text(&own.tag, &other["tag"])
                && text(&own.network, &other["network"])
        }
        _ => false,
    }
}

fn amount(own: Option<rust_decimal::Decimal>, other: &Value) -> bool {
    own == other.as_str().map(|text| text.parse().unwrap())
}

fn named(own: &Symbol, other: &Value) -> bool {
    match own {
        Symbol::Market(name) => *other == **name,
        Symbol::Pair { base, quote } => other["base"] == **base && other["quote"] == **quote,
    }
}

/// The names in which clients ask for the market of bitcoin, and some that are other markets.
#[test]
fn a_market_is_the_same_in_every_spelling_and_no_other() {
    let market = |id: &str, name: &str, quote: &str| {
        builtin(id).is_market(&Symbol::Market(name.to_owned()), "BTC", quote)
    };
    for (id, name, quote) in [
        ("binance", "BTCUSDT", "USDT"),
        ("htx", "btcusdt", "USDT"),
        ("okx", "BTC-USDT", "USDT"),
        ("gate", "BTC_USDT", "USDT"),
        ("upbit", "KRW-BTC", "KRW"),
        ("bithumb", "KRW-BTC", "KRW"),
        ("bitfinex", "tBTCUSD", "USD"),
        ("bitfinex", "tBTCUST", "USDT"),
        ("kraken", "XXBTZUSD", "USD"),
        ("kraken", "XBTUSDT", "USDT"),
        ("kraken", "XBT/USD", "USD"),
    ] {
        assert!(market(id, name, quote), "{id} {name}");
    }
    for (id, name, quote) in [
        ("okx", "BTC-USDT-SWAP", "USDT"),
        ("okx", "BTC-USD", "USDT"),
        ("upbit", "BTC-KRW", "KRW"),
        ("kraken", "XETHZUSD", "USD"),
        ("kraken", "XBTUSD.d", "USD"),
        ("bitfinex", "tBTCF0:USTF0", "USDT"),
        ("coinbase", "BTCUSDT", "USDT"),
    ] {
        assert!(!market(id, name, quote), "{id} {name}");
    }
}
