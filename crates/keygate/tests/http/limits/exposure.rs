//! What depends on the account: borrowed money, the position in one asset.

use demo_exchange::Fault;
use rust_decimal::Decimal;
use serde_json::json;
use time::Duration;

use super::spending::limited;
use crate::{
    api::{Reply, text},
    bot::Bot,
    world::World,
};

const ORDER: &str = "/api/v3/order";
/// Worth 50 dollars, and far below the market: it stays open.
const LOW: &str = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=50000";

/// Dollars' worth of the bitcoins of the account.
pub(super) async fn bitcoins(bot: &Bot) -> Decimal {
    let ticker = bot.api.get("/x/binance/api/v3/ticker/price?symbol=BTCUSDT").await.is(200);
    let price: Decimal = text(&ticker["price"]).parse().unwrap();
    let account = bot.account().await.is(200);
    let own = account["balances"].as_array().unwrap().iter().find(|own| own["asset"] == "BTC");
    let amount = |part: &str| own.map_or(Decimal::ZERO, |own| text(&own[part]).parse().unwrap());
    price * (amount("free") + amount("locked"))
}

/// A bot that may buy so many more dollars of bitcoins than it has.
async fn with_room(world: &World, room: i64) -> Bot {
    let bot = world.bot("binance", "trade").await;
    let limit = bitcoins(&bot).await + Decimal::from(room);
    bot.limited(world, json!({"max_position_size": limit.round_dp(2).to_string()})).await.is(200);
    bot
}

/// A call by the world's clock, which tests move.
async fn call(world: &World, bot: &Bot, method: &str, params: &str) -> Reply {
    Reply::of(bot.binance_request(method, ORDER, &bot.signed(params, world.clock.now_ms()))).await
}

pub(super) async fn buy(world: &World, bot: &Bot) -> Reply {
    call(world, bot, "POST", LOW).await
}

pub(super) fn refused(reply: &Reply, rule: &str) {
    reply.binance(403, -1002, rule);
}

#[tokio::test]
async fn what_borrows_more_than_is_allowed_never_reaches_the_exchange() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_leverage": "2"})).await;
    let set = |times: u32| format!("symbol=BTCUSDT&leverage={times}");
    let above = bot.binance("POST", "/fapi/v1/leverage", &set(3)).await;
    refused(&above, "max-leverage");
    assert!(above.text.contains("may be 2 at most, and this is 3"), "{}", above.text);
    let borrows = format!("{LOW}&sideEffectType=MARGIN_BUY");
    refused(&bot.binance("POST", "/sapi/v1/margin/order", &borrows).await, "max-leverage");
    refused(&bot.binance("POST", "/fapi/v1/order", LOW).await, "max-leverage");
    let within = bot.binance("POST", "/fapi/v1/leverage", &set(2)).await;
    assert!(!within.text.contains("max-leverage"), "{}", within.text);
    let order = bot.order().await.is(200);
    let cancel = format!("symbol=BTCUSDT&orderId={}", order["orderId"]);
    bot.binance("DELETE", ORDER, &cancel).await.is(200);
    assert_eq!(world.asked("/sapi/v1/margin/order") + world.asked("/fapi/v1/order"), 0);
}

#[tokio::test]
async fn loan_is_borrowed_money_and_what_earns_is_not() {
    let world = World::new().await;
    let bot = world.bot("binance", "withdraw").await;
    bot.limited(&world, json!({"max_leverage": "1"})).await.is(200);
    let (loan, earn) = ("/sapi/v2/loan/flexible/borrow", "/sapi/v1/simple-earn/flexible/subscribe");
    refused(
        &bot.binance("POST", loan, "loanCoin=USDT&collateralCoin=BTC&loanAmount=1").await,
        "max-leverage",
    );
    refused(&bot.binance("POST", "/sapi/v1/margin/loan", "asset=USDT&amount=1").await, "max-leverage");
    let earns = bot.binance("POST", earn, "productId=BTC001&amount=1").await;
    assert!(!earns.text.contains("max-leverage"), "{}", earns.text);
    assert_eq!((world.asked(loan), world.asked(earn)), (0, 1));
}

#[tokio::test]
async fn purchase_may_not_lead_to_more_than_the_position() {
    let world = World::new().await;
    let bot = with_room(&world, 120).await;
    bot.order().await.is(200);
    bot.order().await.is(200);
    let over = bot.order().await;
    refused(&over, "max-position");
    assert!(over.text.contains("USD of BTC"), "{}", over.text);
    let sale = "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=0.001&price=70000";
    bot.binance("POST", ORDER, sale).await.is(200);
    assert_eq!(world.count("keygate.reservation where buys = 'BTC'").await, 2);
}

#[tokio::test]
async fn open_purchases_still_count_at_the_next_look_and_not_once_they_are_taken_back() {
    let world = World::new().await;
    let bot = with_room(&world, 120).await;
    let order = bot.order().await.is(200);
    bot.order().await.is(200);
    world.flush().await;
    for _ in 0..2 {
        world.advance(Duration::seconds(60));
        refused(&buy(&world, &bot).await, "max-position");
    }
    let cancel = format!("symbol=BTCUSDT&orderId={}", order["orderId"]);
    call(&world, &bot, "DELETE", &cancel).await.is(200);
    world.advance(Duration::seconds(60));
    buy(&world, &bot).await.is(200);
}

#[tokio::test]
async fn many_purchases_at_once_on_two_replicas_do_not_pass_the_position() {
    let world = World::new().await;
    let second = world.second_server().await;
    let bot = with_room(&world, 510).await;
    let there = bot.moved_to(&world.api.moved_to(&second));
    let orders = (0..40).map(|turn| {
        let bot = if turn % 2 == 0 { bot.clone() } else { there.clone() };
        let order = LOW.replace("50000", &(50_000 + turn).to_string());
        tokio::spawn(async move { bot.binance("POST", ORDER, &order).await.status })
    });
    let mut passed = 0;
    for order in orders.collect::<Vec<_>>() {
        passed += i64::from(order.await.unwrap() == 200);
    }
    assert_eq!(passed, 10, "ten orders of a little over 50 fit into 510");
    second.app.gate.ledger.flush().await;
    assert_eq!(world.count("keygate.reservation").await, passed);
    second.stop().await;
}

#[tokio::test]
async fn looks_are_shared_and_never_older_than_ten_seconds() {
    let world = World::new().await;
    let bot = with_room(&world, 10_000).await;
    let before = world.asked("/api/v3/account");
    for _ in 0..5 {
        bot.order().await.is(200);
    }
    assert_eq!(world.asked("/api/v3/account"), before + 1);
    world.advance(Duration::seconds(11));
    buy(&world, &bot).await.is(200);
    assert_eq!(world.asked("/api/v3/account"), before + 2);
}

#[tokio::test]
async fn order_that_was_placed_elsewhere_has_no_known_worth() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.order().await.is(200);
    bot.limited(&world, json!({"max_position_size": "100000000"})).await.is(200);
    let reply = bot.order().await;
    refused(&reply, "max-position");
    assert!(reply.text.contains("an open order about BTC whose worth is not known"), "{}", reply.text);
}

/// A list of twenty may have been cut off; what it does show still counts.
#[tokio::test]
async fn many_small_orders_hide_no_large_one_of_unknown_worth() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let small = LOW.replace("quantity=0.001", "quantity=0.0002");
    bot.order().await.is(200);
    for _ in 0..20 {
        bot.binance("POST", ORDER, &small).await.is(200);
    }
    bot.limited(&world, json!({"max_position_size": "100000000"})).await.is(200);
    refused(&bot.order().await, "max-position");
}

#[tokio::test]
async fn clock_that_is_set_back_lets_nobody_buy_by_an_old_look() {
    let world = World::new().await;
    let bot = with_room(&world, 120).await;
    buy(&world, &bot).await.is(200);
    world.advance(-Duration::seconds(20));
    buy(&world, &bot).await.is(200);
    refused(&buy(&world, &bot).await, "max-position");
}

/// What such a purchase leads to is in no balance, so it would be forgotten once it is settled.
#[tokio::test]
async fn contract_is_not_bought_where_a_position_is_limited() {
    let world = World::new().await;
    let bot = with_room(&world, 1000).await;
    refused(&bot.binance("POST", "/fapi/v1/order", LOW).await, "max-position");
    bot.binance("POST", ORDER, LOW).await.is(200);
}

#[tokio::test]
async fn account_that_cannot_be_seen_buys_nothing() {
    let world = World::new().await;
    for limit in ["max_position_size", "max_daily_loss"] {
        let bot = world.bot("binance", "trade").await;
        bot.limited(&world, json!({limit: "100000000"})).await.is(200);
        world.demo.fault(demo_exchange::Switch {
            fault: Fault::Status { status: 503 },
            count: 1,
            path: "/api/v3/account".to_owned(),
            exchange: None,
        });
        refused(&bot.order().await, "no-balances");
        assert_eq!(world.asked(ORDER), 0);
        let delete = format!("/api/v1/connections/{}", bot.connection);
        world
            .execute(&format!("delete from keygate.day_worth where connection_id = '{}'", bot.connection))
            .await;
        let _ = Reply::of(world.api.request("DELETE", &delete)).await;
        world.demo.clear_faults();
    }
}

/// A list of twenty may be cut off, and who knows what stands behind its end.
#[tokio::test]
async fn everything_bought_today_counts_where_open_orders_cannot_all_be_listed() {
    let world = World::rich().await;
    let bot = with_room(&world, 225).await;
    let mut orders = Vec::new();
    for turn in 0..22 {
        let order = format!("{}&newClientOrderId=own-{turn}", LOW.replace("0.001", "0.0002"));
        orders.push(call(&world, &bot, "POST", &order).await.is(200)["orderId"].to_string());
    }
    world.flush().await;
    let take_back = async |id: &String| {
        call(&world, &bot, "DELETE", &format!("symbol=BTCUSDT&orderId={id}")).await.is(200);
    };
    take_back(&orders[0]).await;
    take_back(&orders[1]).await;
    world.advance(Duration::seconds(60));
    let small = LOW.replace("0.001", "0.0002");
    refused(&call(&world, &bot, "POST", &small).await, "max-position");
    // the list of nineteen is whole again, and what was taken back is gone
    take_back(&orders[2]).await;
    world.advance(Duration::seconds(60));
    call(&world, &bot, "POST", &small).await.is(200);
}

/// A day begins, and what rests goes on resting.
#[tokio::test]
async fn what_was_bought_before_midnight_still_counts_where_orders_cannot_all_be_listed() {
    let world = World::rich().await;
    let bot = with_room(&world, 225).await;
    let seconds = world.clock.now().unix_timestamp().rem_euclid(86_400);
    world.advance(Duration::seconds((86_400 - 600 - seconds).rem_euclid(86_400)));
    for turn in 0..22 {
        let order = format!("{}&newClientOrderId=own-{turn}", LOW.replace("0.001", "0.0002"));
        call(&world, &bot, "POST", &order).await.is(200);
    }
    world.flush().await;
    world.advance(Duration::minutes(15));
    refused(&call(&world, &bot, "POST", &LOW.replace("0.001", "0.0002")).await, "max-position");
}

/// It would be in no list while it waits for its trigger.
#[tokio::test]
async fn order_that_no_list_shows_buys_nothing_where_a_position_is_limited() {
    let world = World::new().await;
    let bot = world.bot("okx", "trade").await;
    bot.limited(&world, json!({"max_position_size": "100000000"})).await.is(200);
    let order = |side: &str| {
        json!({"instId": "BTC-USDT", "tdMode": "cash", "side": side, "ordType": "trigger", "sz": "0.001",
            "triggerPx": "50000", "orderPx": "50000"})
    };
    let placed = async |side: &str| {
        let request = bot.api.request("POST", "/x/okx/api/v5/trade/order-algo");
        Reply::of(request.header("x-keygate-key", &bot.token).json(&order(side))).await
    };
    let bought = placed("buy").await;
    assert_eq!(bought.header("keygate-problem"), Some("max-position"), "{}", bought.text);
    assert_ne!(placed("sell").await.header("keygate-problem"), Some("max-position"));
    assert_eq!(world.asked("/api/v5/trade/order-algo"), 1);
}

#[tokio::test]
async fn what_keygate_asks_of_an_account_is_on_record() {
    let world = World::new().await;
    let bot = with_room(&world, 120).await;
    bot.order().await.is(200);
    world.flush().await;
    for path in ["/api/v3/account", "/api/v3/openOrders"] {
        let own = format!("api_key_usage_audit where access_key_id is null and endpoint = '{path}'");
        assert_eq!(world.count(&own).await, 1, "{path}");
        assert!(world.count(&format!("exchange_api_calls where endpoint = '{path}'")).await >= 1);
    }
}
