//! What is exactly as much as a limit says passes, a cent more does not, and the refusal names both figures.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::spending::limited;
use crate::{api::Reply, bot::Bot, world::World};

const ORDER: &str = "/api/v3/order";
const WITHDRAW: &str = "/sapi/v1/capital/withdraw/apply";

/// A purchase of so many dollars that stays open.
async fn buy(bot: &Bot, dollars: &str) -> Reply {
    let price = dollars.parse::<Decimal>().unwrap() * Decimal::ONE_THOUSAND;
    let order = format!("symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price={price}");
    bot.binance("POST", ORDER, &order).await
}

async fn withdraw(bot: &Bot, dollars: &str) -> Reply {
    let out = format!("coin=USDT&amount={dollars}&address=0x52908400098527886E0F7030069857D2E4169EE7");
    bot.binance("POST", WITHDRAW, &out).await
}

async fn withdrawer(world: &World, limits: Value) -> Bot {
    let bot = world.bot("binance", "withdraw").await;
    bot.limited(world, limits).await.is(200);
    bot
}

#[track_caller]
fn refused(reply: &Reply, rule: &str, figures: &str) {
    let text = reply.binance(403, -1002, rule);
    assert!(text.contains(figures), "{text}");
}

#[tokio::test]
async fn one_order_or_withdrawal_of_exactly_its_limit_passes_and_a_cent_more_does_not() {
    let world = World::new().await;
    let bot =
        withdrawer(&world, json!({"max_trade_amount_usd": "50", "max_withdrawal_amount_usd": "50"})).await;
    let figures = "an order may be worth 50 USD at most, and this is up to 50.01 USD";
    refused(&buy(&bot, "50.01").await, "max-trade", figures);
    buy(&bot, "50").await.is(200);
    let figures = "a withdrawal may be worth 50 USD at most, and this is up to 50.01 USD";
    refused(&withdraw(&bot, "50.01").await, "max-withdrawal", figures);
    withdraw(&bot, "50").await.is(200);
    assert_eq!((world.asked(ORDER), world.asked(WITHDRAW)), (1, 1));
}

#[tokio::test]
async fn day_of_orders_is_filled_to_the_last_cent_and_no_further() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_daily_trade_volume_usd": "100"})).await;
    buy(&bot, "50").await.is(200);
    let figures = "this is up to 50.01 USD, and 50 of 100 USD are left today (UTC)";
    refused(&buy(&bot, "50.01").await, "max-daily-trades", figures);
    buy(&bot, "50").await.is(200);
    refused(&buy(&bot, "40").await, "max-daily-trades", "0 of 100 USD are left today (UTC)");
    assert_eq!(world.asked(ORDER), 2);
}

#[tokio::test]
async fn day_of_withdrawals_is_held_to_the_smaller_of_its_two_limits() {
    for (key, connection) in [("100", "900"), ("900", "100"), ("100", "100")] {
        let world = World::new().await;
        let limits = json!({"max_daily_withdrawal_usd": key, "daily_withdraw_limit": connection});
        let bot = withdrawer(&world, limits).await;
        withdraw(&bot, "60").await.is(200);
        let figures = "40 of 100 USD are left today (UTC)";
        refused(&withdraw(&bot, "40.01").await, "max-daily-withdrawals", figures);
        withdraw(&bot, "40").await.is(200);
        assert_eq!(world.asked(WITHDRAW), 2, "{key} {connection}");
    }
}

#[tokio::test]
async fn month_of_withdrawals_is_filled_to_the_last_cent_and_no_further() {
    let world = World::new().await;
    let limits = json!({"monthly_withdraw_limit": "100", "max_daily_withdrawal_usd": "1000"});
    let bot = withdrawer(&world, limits).await;
    withdraw(&bot, "60").await.is(200);
    let figures = "40 of 100 USD are left this month (UTC)";
    refused(&withdraw(&bot, "40.01").await, "max-monthly-withdrawals", figures);
    withdraw(&bot, "40").await.is(200);
    assert_eq!(world.asked(WITHDRAW), 2);
}

#[tokio::test]
async fn position_is_filled_to_the_last_cent_and_no_further() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    // two bitcoins at 60,000
    bot.limited(&world, json!({"max_position_size": "120100"})).await.is(200);
    buy(&bot, "50").await.is(200);
    let figures =
        "this may lead to 120100.01 USD of BTC, with what is held and what is being bought, and 120100 USD";
    refused(&buy(&bot, "50.01").await, "max-position", figures);
    buy(&bot, "50").await.is(200);
}

#[tokio::test]
async fn loss_that_reaches_the_limit_stops_orders_and_a_cent_less_does_not() {
    for (limit, almost, reached) in [
        (json!({"max_daily_loss": "100"}), "usd + 99.99", "usd + 0.01"),
        // of 100 that were there in the morning, 5 are gone
        (json!({"stop_loss_percentage": "5"}), "usd / 0.95 - 0.01", "usd + 0.02"),
    ] {
        let world = World::new().await;
        let bot = limited(&world, limit.clone()).await;
        buy(&bot, "50").await.is(200);
        world.execute(&format!("update keygate.day_worth set usd = {almost}")).await;
        buy(&bot, "50").await.is(200);
        world.execute(&format!("update keygate.day_worth set usd = {reached}")).await;
        refused(&buy(&bot, "50").await, "daily-loss", "USD); orders are refused until the next day (UTC)");
        assert_eq!(world.asked(ORDER), 2, "{limit}");
    }
}

#[tokio::test]
async fn refusal_without_dollars_names_what_is_not_allowed() {
    let world = World::new().await;
    let bot = limited(&world, json!({"allowed_symbols": ["ETH/USDT"]})).await;
    refused(&buy(&bot, "50").await, "symbol", "this connection may trade ETH/USDT only");
    bot.limited(&world, json!({"blocked_symbols": ["BTC/USDT"], "allowed_symbols": []})).await.is(200);
    refused(&buy(&bot, "50").await, "symbol", "this connection may trade no market");
    bot.limited(&world, json!({"can_trade": false})).await.is(200);
    refused(&buy(&bot, "50").await, "permission", "this key may not trade");
    refused(&withdraw(&bot, "50").await, "scope", "does not have the scope 'withdraw'");
    bot.limited(&world, json!({"max_requests_per_hour": 0})).await.is(200);
    let rate = bot.account().await.binance(429, -1003, "rate");
    assert!(rate.contains("in this hour are used up"), "{rate}");
    bot.limited(&world, json!({"allowed_ip_addresses": ["192.0.2.1"]})).await.is(200);
    refused(&bot.account().await, "address", "calls from 127.0.0.1 are not allowed");
}
