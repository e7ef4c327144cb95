//! Orders at Binance: what fills, what rests, what is refused and in which words.

use serde_json::Value;

use crate::caller::{FORM, Reply, World, sign, text};

const ORDER: &str = "/api/v3/order";
const OPEN: &str = "/api/v3/openOrders";

/// A resting bid far below the market.
const REST: &str = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=50000";

async fn place(world: &World, params: &str) -> Value {
    world.binance("trade", "POST", ORDER, params).await.ok()
}

async fn refuse(world: &World, params: &str, code: i64) -> String {
    world.binance("trade", "POST", ORDER, params).await.refused(400, code)
}

#[tokio::test]
async fn a_resting_order_locks_its_price_and_a_cancel_gives_it_back() {
    let world = World::new().await;
    let order = place(&world, &format!("{REST}&newClientOrderId=mine")).await;
    assert_eq!((text(&order["status"]), text(&order["clientOrderId"])), ("NEW".into(), "mine".into()));
    assert_eq!(world.balance("trade", "USDT").await, ("99950.00000000".into(), "50.00000000".into()));
    let id = &order["orderId"];
    let found = world.binance("trade", "GET", ORDER, &format!("symbol=BTCUSDT&orderId={id}")).await.ok();
    assert_eq!(found["status"], "NEW");
    let open = world.binance("trade", "GET", OPEN, "symbol=BTCUSDT").await.ok();
    assert_eq!(open[0]["orderId"], *id);
    let gone = world.binance("trade", "DELETE", ORDER, "symbol=BTCUSDT&origClientOrderId=mine").await.ok();
    assert_eq!((text(&gone["status"]), text(&gone["origClientOrderId"])), ("CANCELED".into(), "mine".into()));
    assert_eq!(world.balance("trade", "USDT").await, ("100000.00000000".into(), "0.00000000".into()));
    assert_eq!(world.binance("trade", "GET", OPEN, "").await.ok().as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_market_order_fills_from_the_ladder_less_the_fee() {
    let world = World::new().await;
    let order = place(&world, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.6").await;
    assert_eq!(text(&order["status"]), "FILLED");
    assert_eq!(text(&order["cummulativeQuoteQty"]), "36007.00000000");
    let fills = order["fills"].as_array().unwrap();
    assert_eq!(
        (text(&fills[0]["price"]), text(&fills[0]["qty"])),
        ("60010.00000000".into(), "0.50000000".into())
    );
    assert_eq!(
        (text(&fills[1]["price"]), text(&fills[1]["qty"])),
        ("60020.00000000".into(), "0.10000000".into())
    );
    assert_eq!(
        (text(&fills[0]["commission"]), text(&fills[0]["commissionAsset"])),
        ("0.00050000".into(), "BTC".into())
    );
    assert_eq!(world.balance("trade", "BTC").await.0, "2.59940000");
    assert_eq!(world.balance("trade", "USDT").await.0, "63993.00000000");
    let trades = world.binance("trade", "GET", "/api/v3/myTrades", "symbol=BTCUSDT").await.ok();
    assert_eq!(trades.as_array().unwrap().len(), 2);
    assert_eq!(world.public("/api/v3/ticker/price?symbol=BTCUSDT").await.ok()["price"], "60020.00000000");
}

#[tokio::test]
async fn a_market_order_in_quote_spends_no_more_than_asked() {
    let world = World::new().await;
    let order = place(&world, "symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=100").await;
    assert_eq!((text(&order["executedQty"]), text(&order["status"])), ("0.00166000".into(), "FILLED".into()));
    assert_eq!(text(&order["origQuoteOrderQty"]), "100.00000000");
    assert_eq!(world.balance("trade", "USDT").await, ("99900.38340000".into(), "0.00000000".into()));
}

#[tokio::test]
async fn what_cannot_fill_at_once_rests_expires_or_is_refused_as_ordered() {
    let world = World::new().await;
    let big = "symbol=BTCUSDT&side=SELL&type=LIMIT&quantity=0.7&price=59990";
    let order = place(&world, &format!("{big}&timeInForce=FOK")).await;
    assert_eq!(
        (text(&order["status"]), text(&order["executedQty"])),
        ("EXPIRED".into(), "0.00000000".into())
    );
    let order = place(&world, &format!("{big}&timeInForce=IOC")).await;
    assert_eq!(
        (text(&order["status"]), text(&order["executedQty"])),
        ("EXPIRED".into(), "0.50000000".into())
    );
    world.advance(1000);
    let order = place(&world, &format!("{big}&timeInForce=GTC")).await;
    assert_eq!(
        (text(&order["status"]), text(&order["executedQty"])),
        ("PARTIALLY_FILLED".into(), "0.50000000".into())
    );
    assert_eq!(world.balance("trade", "BTC").await, ("0.80000000".into(), "0.20000000".into()));
    let maker = "symbol=BTCUSDT&side=BUY&type=LIMIT_MAKER&quantity=0.1";
    let msg = refuse(&world, &format!("{maker}&price=60010"), -2010).await;
    assert_eq!(msg, "Order would immediately match and take.");
    assert_eq!(place(&world, &format!("{maker}&price=59000")).await["type"], "LIMIT_MAKER");
}

#[tokio::test]
async fn the_answer_says_as_much_as_asked_for() {
    let world = World::new().await;
    let ack = place(&world, &format!("{REST}&newOrderRespType=ACK")).await;
    assert!(ack.get("status").is_none() && ack.get("fills").is_none(), "{ack}");
    let result = place(&world, &format!("{REST}&newOrderRespType=RESULT")).await;
    assert!(result.get("status").is_some() && result.get("fills").is_none(), "{result}");
    refuse(&world, &format!("{REST}&newOrderRespType=LOTS"), -1130).await;
}

#[tokio::test]
async fn a_test_order_is_checked_but_not_placed() {
    let world = World::new().await;
    let path = "/api/v3/order/test";
    assert_eq!(world.binance("trade", "POST", path, REST).await.ok(), serde_json::json!({}));
    world.binance("trade", "POST", path, &REST.replace("0.001", "0.00000001")).await.refused(400, -1013);
    assert_eq!(world.balance("trade", "USDT").await.1, "0.00000000");
}

#[tokio::test]
async fn filters_refuse_what_the_symbol_does_not_allow() {
    let world = World::new().await;
    let with = |from: &str, to: &str| REST.replace(from, to);
    for (params, filter) in [
        (with("0.001", "0.000001"), "LOT_SIZE"),
        (with("0.001", "0.0000150"), "LOT_SIZE"),
        (with("0.001", "9001"), "LOT_SIZE"),
        (with("=50000", "=50000.001"), "PRICE_FILTER"),
        (with("=50000", "=0.00"), "PRICE_FILTER"),
        (with("=50000", "=300000.01"), "PERCENT_PRICE_BY_SIDE"),
        (with("=50000", "=11999"), "PERCENT_PRICE_BY_SIDE"),
        (with("0.001", "0.00009"), "NOTIONAL"),
        (with("0.001", "9000"), "NOTIONAL"),
        ("symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=4.99".to_owned(), "NOTIONAL"),
    ] {
        let msg = refuse(&world, &params, -1013).await;
        assert_eq!(msg, format!("Filter failure: {filter}"), "{params}");
    }
    let msg = refuse(&world, &with("0.001", "0.001000001"), -1111).await;
    assert_eq!(msg, "Parameter 'quantity' has too much precision.");
    for text in ["-1", "1e3", "0x1", ".5", "1.", "%2B1", "123456789012345678901"] {
        let msg = refuse(&world, &with("0.001", text), -1100).await;
        assert!(msg.starts_with("Illegal characters found in parameter 'quantity'"), "{text}: {msg}");
    }
    assert_eq!(world.balance("trade", "USDT").await.1, "0.00000000");
}

#[tokio::test]
async fn wrong_words_are_named() {
    let world = World::new().await;
    let with = |from: &str, to: &str| REST.replace(from, to);
    let market = "symbol=BTCUSDT&side=BUY&type=MARKET";
    for (params, code, msg) in [
        (with("BTCUSDT", "BTCEUR"), -1121, "Invalid symbol."),
        (with("BUY", "HOLD"), -1117, "Invalid side."),
        (with("=LIMIT", "=MAYBE"), -1116, "Invalid orderType."),
        (with("GTC", "FOREVER"), -1115, "Invalid timeInForce."),
        (with("=LIMIT", "=STOP_LOSS_LIMIT"), -1014, "Unsupported order combination."),
        (
            with("&timeInForce=GTC", ""),
            -1102,
            "Mandatory parameter 'timeInForce' was not sent, was empty/null, or malformed.",
        ),
        (
            with("&price=50000", ""),
            -1102,
            "Mandatory parameter 'price' was not sent, was empty/null, or malformed.",
        ),
        (
            with("symbol=BTCUSDT&", ""),
            -1102,
            "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.",
        ),
        (format!("{REST}&stopPrice=1"), -1106, "Parameter 'stopPrice' sent when not required."),
        (format!("{REST}&quoteOrderQty=1"), -1106, "Parameter 'quoteOrderQty' sent when not required."),
        (format!("{market}&quantity=1&price=1"), -1106, "Parameter 'price' sent when not required."),
        (with("=LIMIT", "=LIMIT_MAKER"), -1106, "Parameter 'timeInForce' sent when not required."),
        (
            format!("{market}&quantity=1&quoteOrderQty=1"),
            -1128,
            "Combination of optional parameters invalid.",
        ),
        (
            market.to_owned(),
            -1102,
            "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!",
        ),
    ] {
        assert_eq!(refuse(&world, &params, code).await, msg, "{params}");
    }
    let msg = refuse(&world, &format!("{REST}&newClientOrderId=a%20b"), -1100).await;
    assert!(msg.starts_with("Illegal characters found in parameter 'newClientOrderId'"), "{msg}");
    refuse(&world, &format!("{REST}&newClientOrderId={}", "x".repeat(37)), -1100).await;
}

#[tokio::test]
async fn money_that_is_not_there_cannot_be_ordered_with() {
    let world = World::new().await;
    let poor = "Account has insufficient balance for requested action.";
    for params in [
        REST.replace("0.001", "3"),
        REST.replace("BUY", "SELL").replace("0.001", "2.00001"),
        "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=2".to_owned(),
        "symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=100000.01".to_owned(),
        "symbol=ETHUSDT&side=SELL&type=MARKET&quoteOrderQty=90000".to_owned(),
    ] {
        assert_eq!(refuse(&world, &params, -2010).await, poor, "{params}");
    }
    assert_eq!(world.balance("trade", "USDT").await, ("100000.00000000".into(), "0.00000000".into()));
}

#[tokio::test]
async fn many_orders_at_once_never_spend_the_same_money() {
    let world = World::with(demo_exchange::Config::demo().unlimited()).await;
    let order = REST.replace("0.001", "0.4");
    let calls = (0..16).map(|_| world.binance("trade", "POST", ORDER, &order));
    let mut statuses = Vec::new();
    for call in join(calls).await {
        statuses.push(call.status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 5);
    assert_eq!(world.balance("trade", "USDT").await, ("0.00000000".into(), "100000.00000000".into()));
}

/// Runs the calls at the same time.
async fn join<F: Future<Output = Reply>>(calls: impl Iterator<Item = F>) -> Vec<Reply> {
    let mut calls: Vec<_> = calls.map(Box::pin).collect();
    let mut replies = Vec::new();
    std::future::poll_fn(|context| {
        calls.retain_mut(|call| match call.as_mut().poll(context) {
            std::task::Poll::Ready(reply) => {
                replies.push(reply);
                false
            }
            std::task::Poll::Pending => true,
        });
        if calls.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    replies
}

#[tokio::test]
async fn a_client_id_is_free_again_only_when_its_order_is_done() {
    let world = World::new().await;
    let named = format!("{REST}&newClientOrderId=once");
    place(&world, &named).await;
    assert_eq!(refuse(&world, &named, -2010).await, "Duplicate order sent.");
    world.binance("trade", "DELETE", ORDER, "symbol=BTCUSDT&origClientOrderId=once").await.ok();
    place(&world, &named).await;
}

#[tokio::test]
async fn an_order_that_is_done_or_foreign_cannot_be_cancelled() {
    let world = World::new().await;
    let id = place(&world, REST).await["orderId"].clone();
    let named = format!("symbol=BTCUSDT&orderId={id}");
    let msg = world.binance("withdraw", "DELETE", ORDER, &named).await.refused(400, -2011);
    assert_eq!(msg, "Unknown order sent.");
    let msg = world.binance("withdraw", "GET", ORDER, &named).await.refused(400, -2013);
    assert_eq!(msg, "Order does not exist.");
    world.binance("trade", "GET", ORDER, &format!("symbol=ETHUSDT&orderId={id}")).await.refused(400, -2013);
    world.binance("trade", "GET", ORDER, "symbol=BTCUSDT").await.refused(400, -1102);
    world.binance("trade", "DELETE", ORDER, &named).await.ok();
    world.binance("trade", "DELETE", ORDER, &named).await.refused(400, -2011);
    world.binance("trade", "DELETE", OPEN, "symbol=BTCUSDT").await.refused(400, -2011);
}

#[tokio::test]
async fn all_open_orders_of_a_symbol_are_cancelled_together() {
    let world = World::new().await;
    let eth =
        place(&world, &REST.replace("BTC", "ETH").replace("50000", "2500").replace("0.001", "0.01")).await;
    place(&world, REST).await;
    place(&world, REST).await;
    let gone = world.binance("trade", "DELETE", OPEN, "symbol=BTCUSDT").await.ok();
    assert_eq!(gone.as_array().unwrap().len(), 2);
    let left = world.binance("trade", "GET", OPEN, "").await.ok();
    assert_eq!(left.as_array().unwrap().len(), 1);
    assert_eq!(left[0]["orderId"], eth["orderId"]);
    let all = world.binance("trade", "GET", "/api/v3/allOrders", "symbol=BTCUSDT").await.ok();
    assert_eq!(all.as_array().unwrap().len(), 2);
    assert!(all.as_array().unwrap().iter().all(|order| order["status"] == "CANCELED"));
}

#[tokio::test]
async fn an_account_has_a_limit_of_open_orders() {
    let world = World::with(demo_exchange::Config::demo().unlimited()).await;
    let small = REST.replace("0.001", "0.0005");
    for _ in 0..200 {
        place(&world, &small).await;
    }
    assert_eq!(refuse(&world, &small, -1013).await, "Filter failure: MAX_NUM_ORDERS");
}

#[tokio::test]
async fn a_cancel_may_carry_its_parameters_in_a_form_body() {
    let world = World::new().await;
    let id = place(&world, REST).await["orderId"].clone();
    let key = world.binance_key("trade");
    let params = world.timed(&format!("orderId={id}&symbol=BTCUSDT"));
    let body = format!("{params}&signature={}", sign(&key, params.as_bytes()));
    let request =
        world.request("DELETE", ORDER).header("content-type", FORM).header("x-mbx-apikey", key.api_key);
    assert_eq!(Reply::of(request.body(body)).await.ok()["status"], "CANCELED");
}

#[tokio::test]
async fn a_moved_price_fills_what_it_crosses() {
    let world = World::new().await;
    let id = place(&world, REST).await["orderId"].clone();
    assert!(world.exchange.set_price("binance", "BTCUSDT", 49_000.into()));
    let order = world.binance("trade", "GET", ORDER, &format!("symbol=BTCUSDT&orderId={id}")).await.ok();
    assert_eq!(
        (text(&order["status"]), text(&order["cummulativeQuoteQty"])),
        ("FILLED".into(), "50.00000000".into())
    );
}
