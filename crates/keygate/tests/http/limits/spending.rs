//! Dollars: what an order is worth, what a day may hold, and what nobody can say.

use demo_exchange::Fault;
use rust_decimal::Decimal;
use serde_json::json;

use crate::{api::Reply, bot::Bot, world::World};

/// 0.001 BTC for 50,000: worth 50 dollars at most.
const BUY: &str = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=50000";

pub async fn limited(world: &World, limits: serde_json::Value) -> Bot {
    let bot = world.bot("binance", "trade").await;
    bot.limited(world, limits).await.is(200);
    bot
}

pub async fn used_today(world: &World) -> Decimal {
    world.server.app.gate.ledger.flush().await;
    let used = "select coalesce(sum(used), 0) from keygate.spend_window where kind = 'trade-day'";
    sqlx::query_scalar(used).fetch_one(&mut world.superuser().await).await.unwrap()
}

/// What the reservations say the window should hold.
async fn reserved(world: &World) -> Decimal {
    let sum = "select coalesce(sum(usd), 0) from keygate.reservation where state <> 'rejected'";
    sqlx::query_scalar(sum).fetch_one(&mut world.superuser().await).await.unwrap()
}

#[tokio::test]
async fn day_holds_what_its_limit_says_and_not_a_cent_more() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_daily_trade_volume_usd": "120"})).await;
    bot.order().await.is(200);
    bot.order().await.is(200);
    let reply = bot.order().await;
    reply.binance(403, -1002, "max-daily-trades");
    assert!(reply.text.contains("20 of 120 USD are left today"), "{}", reply.text);
    assert_eq!(used_today(&world).await, Decimal::from(100));
    assert_eq!(reserved(&world).await, Decimal::from(100));
    world.advance(time::Duration::days(1));
    assert_eq!(world.count("keygate.reservation where state = 'confirmed'").await, 2);
}

#[tokio::test]
async fn many_orders_at_once_do_not_overrun_the_day() {
    let world = World::new().await;
    let second = world.second_server().await;
    let bot = limited(&world, json!({"max_daily_trade_volume_usd": "500"})).await;
    let there = bot.moved_to(&world.api.moved_to(&second));
    let orders = (0..40).map(|turn| {
        let bot = if turn % 2 == 0 { bot.clone() } else { there.clone() };
        let order = format!(
            "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price={}",
            50_000 + turn
        );
        tokio::spawn(async move { bot.binance("POST", "/api/v3/order", &order).await.status })
    });
    let mut passed = 0;
    for order in orders.collect::<Vec<_>>() {
        passed += i64::from(order.await.unwrap() == 200);
    }
    assert_eq!(passed, 9, "nine orders of a little over 50 fit into 500");
    second.app.gate.ledger.flush().await;
    assert!(used_today(&world).await <= Decimal::from(500));
    assert_eq!(used_today(&world).await, reserved(&world).await);
    assert_eq!(world.count("keygate.reservation").await, passed);
    second.stop().await;
}

#[tokio::test]
async fn refused_order_gives_back_what_was_set_aside() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_daily_trade_volume_usd": "120"})).await;
    for _ in 0..5 {
        let refused = bot.binance("POST", "/api/v3/order", &BUY.replace("GTC", "NEVER")).await;
        assert_eq!(refused.status, 400, "{}", refused.text);
    }
    assert_eq!(used_today(&world).await, Decimal::ZERO);
    assert_eq!(world.count("keygate.reservation where state = 'rejected'").await, 5);
}

#[tokio::test]
async fn lost_answer_holds_what_was_set_aside() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_daily_trade_volume_usd": "120"})).await;
    world.fault(Fault::DropAfter, "/api/v3/order");
    bot.order().await.binance(504, -1007, "outcome-unknown");
    assert_eq!(used_today(&world).await, Decimal::from(50));
    assert_eq!(world.count("keygate.reservation where state = 'unknown' and ask_at is not null").await, 1);
}

#[tokio::test]
async fn order_at_the_market_sets_aside_the_market_and_its_band() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_daily_trade_volume_usd": "1000000"})).await;
    let ticker = bot.api.get("/x/binance/api/v3/ticker/price?symbol=BTCUSDT").await.is(200);
    let price: Decimal = ticker["price"].as_str().unwrap().parse().unwrap();
    bot.binance("POST", "/api/v3/order", "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.001").await.is(200);
    let worst = price * Decimal::new(105, 5);
    let used = used_today(&world).await;
    assert!((used - worst).abs() < worst / Decimal::from(1000), "{used} is not 5 % over {price}");
}

#[tokio::test]
async fn what_has_no_price_is_refused_when_dollars_are_limited() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_daily_trade_volume_usd": "1000"})).await;
    world.demo.fault(demo_exchange::Switch {
        fault: Fault::Status { status: 503 },
        count: 1000,
        path: "/api/v3/ticker/price".to_owned(),
        exchange: None,
    });
    bot.order().await.binance(403, -1002, "no-price");
    bot.binance("POST", "/api/v3/order", &BUY.replace("BTCUSDT", "NOSUCHUSDT"))
        .await
        .binance(403, -1002, "no-price");
    let margin = bot.binance("POST", "/sapi/v1/margin/order", &format!("{BUY}&isIsolated=TRUE")).await;
    assert_eq!(margin.status, 403, "{}", margin.text);
    assert_eq!(world.asked("/api/v3/order"), 0);
}

/// Its prices are asked for anew once they are no longer fresh; those from before count for nothing.
#[tokio::test]
async fn price_that_is_older_than_ten_seconds_is_none() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_daily_trade_volume_usd": "1000"})).await;
    let order = async || {
        let signed = bot.signed(BUY, world.clock.now_ms());
        Reply::of(bot.binance_request("POST", "/api/v3/order", &signed)).await
    };
    order().await.is(200);
    world.demo.fault(demo_exchange::Switch {
        fault: Fault::Status { status: 503 },
        count: 1000,
        path: "/api/v3/ticker/price".to_owned(),
        exchange: None,
    });
    order().await.is(200);
    world.advance(time::Duration::seconds(11));
    // an answer that everybody may ask for is kept for half a second
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    order().await.binance(403, -1002, "no-price");
    assert_eq!(used_today(&world).await, Decimal::from(100));
}

#[tokio::test]
async fn cancel_is_never_blocked_by_a_limit_that_is_used_up() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_daily_trade_volume_usd": "50"})).await;
    let order = bot.order().await.is(200);
    bot.order().await.binance(403, -1002, "max-daily-trades");
    let cancel = format!("symbol=BTCUSDT&orderId={}", order["orderId"]);
    bot.binance("DELETE", "/api/v3/order", &cancel).await.is(200);
    assert_eq!(used_today(&world).await, Decimal::from(50));
}

#[tokio::test]
async fn markets_are_held_to_the_lists_of_the_connection() {
    let world = World::new().await;
    let bot = limited(
        &world,
        json!({"allowed_symbols": ["BTC/USDT", "ETH/USDT"], "blocked_symbols": ["ETH/USDT"]}),
    )
    .await;
    bot.order().await.is(200);
    let other = |symbol| BUY.replace("BTCUSDT", symbol);
    let reply = bot.binance("POST", "/api/v3/order", &other("XRPUSDT")).await;
    reply.binance(403, -1002, "symbol");
    assert!(reply.text.contains("this connection may trade BTC/USDT, ETH/USDT only"), "{}", reply.text);
    bot.binance("POST", "/api/v3/order", &other("ETHUSDT")).await.binance(403, -1002, "symbol");
}
