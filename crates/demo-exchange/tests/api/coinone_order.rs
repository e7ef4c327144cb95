//! Markets, orders, balances and withdrawals at Coinone.

use serde_json::{Value, json};

use crate::caller::{NOW, Reply, World, text};

fn order(fields: Value) -> Value {
    let mut order = json!({ "quote_currency": "KRW", "target_currency": "BTC", "side": "BUY", "type": "LIMIT",
                            "price": "79000000", "qty": "0.001", "post_only": false });
    for (name, value) in fields.as_object().unwrap() {
        match value {
            Value::Null => drop(order.as_object_mut().unwrap().remove(name)),
            _ => order[name] = value.clone(),
        }
    }
    order
}

async fn create(world: &World, fields: Value) -> Reply {
    world.coinone("upper", "/v2.1/order", order(fields)).await
}

async fn balance(world: &World, currency: &str) -> (String, String) {
    let asked = json!({ "currencies": [currency] });
    let told = world.coinone("upper", "/v2.1/account/balance", asked).await.ok();
    let one = &told["balances"][0];
    (text(&one["available"]), text(&one["limit"]))
}

fn named(id: &Value) -> Value {
    json!({ "order_id": id, "quote_currency": "KRW", "target_currency": "BTC" })
}

#[tokio::test]
async fn a_resting_order_locks_its_price_and_a_cancel_gives_it_back() {
    let world = World::new().await;
    let id = create(&world, json!({})).await.ok()["order_id"].clone();
    assert_eq!(balance(&world, "KRW").await, ("49921000".into(), "79000".into()));
    let pair = json!({ "quote_currency": "KRW", "target_currency": "BTC" });
    for (path, list) in [
        ("open_orders", "open_orders"),
        ("active_orders", "active_orders"),
        ("open_orders/all", "open_orders"),
    ] {
        let open = world.coinone("upper", &format!("/v2.1/order/{path}"), pair.clone()).await.ok();
        assert_eq!(open[list][0]["order_id"], id, "{path}");
    }
    for path in ["info", "detail"] {
        let told = world.coinone("upper", &format!("/v2.1/order/{path}"), named(&id)).await.ok();
        assert_eq!(told["order"]["status"], "LIVE");
    }
    let gone = world.coinone("upper", "/v2.1/order/cancel", named(&id)).await.ok();
    assert_eq!((text(&gone["canceled_qty"]), text(&gone["traded_qty"])), ("0.001".into(), "0".into()));
    assert_eq!(balance(&world, "KRW").await, ("50000000".into(), "0".into()));
    world.coinone("upper", "/v2.1/order/cancel", named(&id)).await.failed("117");
}

#[tokio::test]
async fn a_crossing_order_fills_from_the_ladder_less_the_fee() {
    let world = World::new().await;
    let id = create(&world, json!({ "price": "80020000", "qty": "0.1" })).await.ok()["order_id"].clone();
    let told = world.coinone("upper", "/v2.1/order/info", named(&id)).await.ok();
    assert_eq!(
        (text(&told["order"]["status"]), text(&told["order"]["average_executed_price"])),
        ("FILLED".into(), "80010000".into())
    );
    assert_eq!(text(&told["order"]["fee"]), "0.0002");
    assert_eq!(balance(&world, "KRW").await, ("41999000".into(), "0".into()));
    assert_eq!(balance(&world, "BTC").await, ("0.5998".into(), "0".into()));
    world.coinone("upper", "/v2.1/order/cancel", named(&id)).await.failed("116");
    let done = world.coinone("upper", "/v2.1/order/complete_orders/all", json!({ "size": 10 })).await.ok();
    assert_eq!(
        (text(&done["completed_orders"][0]["fee_currency"]), &done["completed_orders"][0]["order_id"]),
        ("BTC".into(), &id)
    );
}

#[tokio::test]
async fn market_orders_buy_by_amount_and_sell_by_quantity() {
    let world = World::new().await;
    let buy = json!({ "type": "MARKET", "amount": "50000", "price": null, "qty": null, "post_only": null });
    create(&world, buy).await.ok();
    assert_eq!(balance(&world, "BTC").await.0, "0.50062368");
    let sell = json!({ "type": "MARKET", "side": "SELL", "qty": "0.1", "price": null, "post_only": null });
    create(&world, sell).await.ok();
    assert_eq!(balance(&world, "BTC").await.0, "0.40062368");
    assert_eq!(balance(&world, "KRW").await, ("57933002.1508".into(), "0".into()));
}

#[tokio::test]
async fn what_is_wrong_with_an_order_has_its_number() {
    let world = World::new().await;
    let market = json!({ "type": "MARKET", "price": null, "qty": null, "post_only": null });
    let selling = json!({ "type": "MARKET", "side": "SELL", "price": null, "qty": null, "post_only": null });
    for (fields, code) in [
        (json!({ "qty": "0.7", "side": "SELL" }), "103"),
        (json!({ "qty": "1" }), "103"),
        (json!({ "side": "HOLD" }), "107"),
        (json!({ "side": null }), "107"),
        (json!({ "price": "lots" }), "107"),
        (json!({ "price": "-1" }), "107"),
        (json!({ "target_currency": "DOGE" }), "108"),
        (json!({ "quote_currency": "USD" }), "109"),
        (json!({ "price": null }), "161"),
        (json!({ "qty": null }), "162"),
        (json!({ "post_only": null }), "163"),
        (market, "165"),
        (selling, "162"),
        (json!({ "type": "STOP_LIMIT" }), "166"),
        (json!({ "post_only": true, "price": "80010000" }), "300"),
        (json!({ "qty": "0.0001", "price": "1000000" }), "306"),
        (json!({ "price": "2000000000" }), "308"),
        (json!({ "qty": "0.00001" }), "309"),
        (json!({ "price": "79000001" }), "310"),
        (json!({ "qty": "0.001000001" }), "311"),
        (json!({ "user_order_id": "Upper" }), "314"),
    ] {
        create(&world, fields).await.failed(code);
    }
    assert_eq!(balance(&world, "KRW").await, ("50000000".into(), "0".into()));
}

#[tokio::test]
async fn orders_are_found_by_either_id_but_not_by_both() {
    let world = World::new().await;
    let id = create(&world, json!({ "user_order_id": "mine" })).await.ok()["order_id"].clone();
    create(&world, json!({ "user_order_id": "mine" })).await.failed("312");
    let by = |fields: Value| world.coinone("upper", "/v2.1/order/info", fields);
    let pair = json!({ "quote_currency": "KRW", "target_currency": "BTC" });
    let mut own = pair.clone();
    own["user_order_id"] = json!("mine");
    assert_eq!(by(own.clone()).await.ok()["order"]["order_id"], id);
    by(pair).await.failed("313");
    own["order_id"] = id.clone();
    by(own).await.failed("313");
    by(named(&json!("00000000-0000-4000-8000-000000000000"))).await.failed("104");
    world.coinone("raw", "/v2.1/order/info", named(&id)).await.failed("104");
    let elsewhere = json!({ "order_id": id, "quote_currency": "KRW", "target_currency": "ETH" });
    by(elsewhere).await.failed("104");
}

#[tokio::test]
async fn all_open_orders_of_a_pair_are_cancelled_together() {
    let world = World::new().await;
    create(&world, json!({})).await.ok();
    create(&world, json!({})).await.ok();
    create(&world, json!({ "target_currency": "XRP", "price": "700", "qty": "10" })).await.ok();
    let pair = json!({ "quote_currency": "KRW", "target_currency": "BTC" });
    assert_eq!(world.coinone("upper", "/v2.1/order/cancel/all", pair).await.ok()["canceled_count"], 2);
    let left = world.coinone("upper", "/v2.1/order/active_orders", json!({})).await.ok();
    assert_eq!(left["active_orders"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_old_api_trades_on_the_same_floor() {
    let world = World::new().await;
    let sell = json!({ "currency": "btc", "price": 81_000_000, "qty": "0.1" });
    let id = world.coinone("raw", "/v2/order/limit_sell", sell).await.ok()["orderId"].clone();
    let open = world.coinone("raw", "/v2/order/limit_orders", json!({ "currency": "btc" })).await.ok();
    assert_eq!((&open["limitOrders"][0]["orderId"], &open["errorCode"]), (&id, &json!("0")));
    let told = world
        .coinone("raw", "/v2/order/query_order", json!({ "order_id": id, "currency": "btc" }))
        .await
        .ok();
    assert_eq!((text(&told["status"]), text(&told["side"])), ("live".into(), "ask".into()));
    let balance = world.coinone("raw", "/v2/account/balance", json!({})).await.ok();
    assert_eq!(balance["btc"], json!({ "avail": "0.4", "balance": "0.5" }));
    let cancel = json!({ "order_id": id, "currency": "btc", "price": 81_000_000, "qty": 0.1 });
    let with_side = |asks: u8| {
        let mut fields = cancel.clone();
        fields["is_ask"] = json!(asks);
        fields
    };
    world.coinone("raw", "/v2/order/cancel", cancel.clone()).await.failed("107");
    world.coinone("raw", "/v2/order/cancel", with_side(0)).await.failed("104");
    world.coinone("raw", "/v2/order/cancel", with_side(1)).await.ok();
    let bought = json!({ "currency": "btc", "price": 80_010_000, "qty": "0.1" });
    world.coinone("raw", "/v2/order/limit_buy", bought).await.ok();
    let done = world.coinone("raw", "/v2/order/complete_orders", json!({ "currency": "btc" })).await.ok();
    assert_eq!(text(&done["completeOrders"][0]["type"]), "bid");
}

#[tokio::test]
async fn coins_go_to_registered_addresses_only() {
    let world = World::new().await;
    let path = "/v2.1/transaction/coin/withdrawal";
    let before = world.exchange.supply("coinone", "XRP");
    let out = |fields: Value| {
        let mut out = json!({ "currency": "XRP", "amount": "10", "address": "demo-registered-address",
                              "secondary_address": "7" });
        out.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        world.coinone("withdraw", path, out)
    };
    out(json!({ "address": "elsewhere" })).await.failed("154");
    out(json!({ "address": null })).await.failed("152");
    out(json!({ "currency": "DOGE" })).await.failed("108");
    out(json!({ "amount": "10001" })).await.failed("157");
    out(json!({ "amount": "0.0001" })).await.failed("202");
    out(json!({ "amount": null })).await.failed("107");
    out(json!({})).await.ok();
    let told = world.coinone("withdraw", "/v2.1/transaction/coin/history", json!({})).await.ok();
    assert_eq!(
        (told["transactions"].as_array().unwrap().len(), text(&told["transactions"][0]["amount"])),
        (1, "10".into())
    );
    let book = world.coinone("withdraw", &format!("{path}/address_book"), json!({})).await.ok();
    assert_eq!(book["address_books"], json!([{ "address": "demo-registered-address" }]));
    let balances = world.coinone("withdraw", "/v2.1/account/balance/all", json!({})).await.ok();
    let xrp = balances["balances"].as_array().unwrap().iter().find(|one| one["currency"] == "XRP").unwrap();
    assert_eq!(xrp["available"], "9990");
    assert_eq!(world.exchange.supply("coinone", "XRP"), before);
}

#[tokio::test]
async fn markets_tickers_and_books_are_public() {
    let world = World::new().await;
    let read = |target: &'static str| async { world.public(target).await.ok() };
    assert_eq!(read("/public/v2/currencies").await["currencies"].as_array().unwrap().len(), 5);
    assert_eq!(read("/public/v2/currencies/btc").await["currencies"][0]["symbol"], "BTC");
    assert_eq!(read("/public/v2/markets/KRW").await["markets"].as_array().unwrap().len(), 4);
    assert_eq!(read("/public/v2/markets/KRW/ETH").await["markets"][0]["price_unit"], "1000");
    let tickers = read("/public/v2/ticker_new/KRW").await;
    assert_eq!(tickers["tickers"].as_array().unwrap().len(), 4);
    assert_ne!(tickers["tickers"][0]["id"], tickers["tickers"][1]["id"]);
    let one = read("/public/v2/ticker_new/KRW/BTC").await;
    assert_eq!((text(&one["tickers"][0]["last"]), &one["server_time"]), ("80000000".into(), &json!(NOW)));
    let book = read("/public/v2/orderbook/KRW/BTC?size=5").await;
    assert_eq!(book["asks"][0], json!({ "price": "80010000", "qty": "0.2" }));
    assert_eq!(book["bids"].as_array().unwrap().len(), 5);
    assert_eq!(read("/public/v2/trades/KRW/BTC").await["transactions"], json!([]));
    assert_eq!(
        read("/public/v2/chart/KRW/BTC?interval=1m&size=3").await["chart"].as_array().unwrap().len(),
        3
    );
    assert_eq!(read("/public/v2/range_units").await["range_price_units"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn public_questions_about_nothing_are_refused() {
    let world = World::new().await;
    world.public("/public/v2/currencies/DOGE").await.failed("108");
    world.public("/public/v2/ticker_new/KRW/DOGE").await.failed("108");
    world.public("/public/v2/ticker_new/USD").await.failed("109");
    world.public("/public/v2/orderbook/KRW/BTC?size=7").await.failed("107");
    world.public("/public/v2/trades/KRW/BTC?size=0").await.failed("107");
    world.public("/public/v2/chart/KRW/BTC?interval=7m").await.failed("107");
}

#[tokio::test]
async fn fees_are_told_per_pair() {
    let world = World::new().await;
    let all = world.coinone("raw", "/v2.1/account/trade_fee", json!({})).await.ok();
    assert_eq!(all["fee_rates"].as_array().unwrap().len(), 4);
    let one = world.coinone("raw", "/v2.1/account/trade_fee/KRW/BTC", json!({})).await.ok();
    assert_eq!(one["fee_rate"]["taker_fee_rate"], "0.002");
}
