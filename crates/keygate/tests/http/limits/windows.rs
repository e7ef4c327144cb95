//! Windows are the clock's, in UTC: what was used in one counts in no other.

use demo_exchange::Fault;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, Time};

use crate::{
    api::Reply,
    bot::{BUY, Bot},
    world::World,
};

const ORDER: &str = "/api/v3/order";
const WITHDRAW: &str = "/sapi/v1/capital/withdraw/apply";
const OUT: &str = "coin=USDT&amount=50&address=0x52908400098527886E0F7030069857D2E4169EE7";

async fn call(world: &World, bot: &Bot, method: &str, path: &str, params: &str) -> Reply {
    let params = bot.signed(params, world.clock.now_ms());
    Reply::of(bot.binance_request(method, path, &params)).await
}

async fn order(world: &World, bot: &Bot) -> Reply {
    call(world, bot, "POST", ORDER, BUY).await
}

async fn withdraw(world: &World, bot: &Bot) -> Reply {
    call(world, bot, "POST", WITHDRAW, OUT).await
}

async fn limited(world: &World, key: &str, limits: Value) -> Bot {
    let bot = world.bot("binance", key).await;
    bot.limited(world, limits).await.is(200);
    bot
}

/// Moves the clock to this time, or to what is left of the way if a little has passed meanwhile.
fn at(world: &World, moment: OffsetDateTime) {
    world.advance(moment - world.clock.now() + Duration::milliseconds(1));
}

fn next_midnight(world: &World) -> OffsetDateTime {
    (world.clock.now() + Duration::DAY).replace_time(Time::MIDNIGHT)
}

/// The first day of a month, `months` after this one.
fn month(world: &World, months: u8) -> OffsetDateTime {
    let mut first = next_midnight(world);
    for _ in 0..months {
        let within = first.replace_day(1).unwrap() + Duration::days(32);
        first = within.replace_day(1).unwrap();
    }
    first
}

#[tokio::test]
async fn day_of_orders_and_of_withdrawals_ends_at_midnight_utc() {
    let world = World::new().await;
    let limits = json!({"max_daily_trade_volume_usd": "50", "max_daily_withdrawal_usd": "50"});
    let bot = limited(&world, "withdraw", limits).await;
    let midnight = next_midnight(&world) + Duration::DAY;
    at(&world, midnight - Duration::minutes(1));
    for refused in [false, true] {
        for (reply, rule) in [
            (order(&world, &bot).await, "max-daily-trades"),
            (withdraw(&world, &bot).await, "max-daily-withdrawals"),
        ] {
            match refused {
                true => drop(reply.binance(403, -1002, rule)),
                false => drop(reply.is(200)),
            }
        }
    }
    at(&world, midnight);
    order(&world, &bot).await.is(200);
    withdraw(&world, &bot).await.is(200);
    order(&world, &bot).await.binance(403, -1002, "max-daily-trades");
    withdraw(&world, &bot).await.binance(403, -1002, "max-daily-withdrawals");
}

#[tokio::test]
async fn month_of_withdrawals_ends_with_the_month_and_with_no_day_before() {
    let world = World::new().await;
    let bot = limited(&world, "withdraw", json!({"monthly_withdraw_limit": "50"})).await;
    let (first, next) = (month(&world, 1), month(&world, 2));
    at(&world, first + Duration::days(9));
    withdraw(&world, &bot).await.is(200);
    for moment in [first + Duration::days(10), next - Duration::minutes(1)] {
        at(&world, moment);
        withdraw(&world, &bot).await.binance(403, -1002, "max-monthly-withdrawals");
    }
    at(&world, next);
    withdraw(&world, &bot).await.is(200);
    withdraw(&world, &bot).await.binance(403, -1002, "max-monthly-withdrawals");
}

/// What was set aside yesterday is given back to yesterday.
#[tokio::test]
async fn order_of_yesterday_that_never_arrived_makes_no_room_today() {
    let world = World::new().await;
    let bot = limited(&world, "trade", json!({"max_daily_trade_volume_usd": "50"})).await;
    let midnight = next_midnight(&world) + Duration::DAY;
    at(&world, midnight - Duration::minutes(1));
    world.fault(Fault::DropBefore, ORDER);
    order(&world, &bot).await.binance(504, -1007, "outcome-unknown");
    world.flush().await;
    at(&world, midnight + Duration::minutes(5));
    order(&world, &bot).await.is(200);
    keygate::gateway::reconcile::round(&world.server.app).await.unwrap();
    assert_eq!(world.count("keygate.reservation where state = 'rejected'").await, 1);
    order(&world, &bot).await.binance(403, -1002, "max-daily-trades");
    let days = "select array_agg(used order by starts_at) from keygate.spend_window where kind = 'trade-day'";
    let used: Vec<Decimal> = sqlx::query_scalar(days).fetch_one(&mut world.superuser().await).await.unwrap();
    assert_eq!(used, [Decimal::ZERO, Decimal::from(50)]);
}

#[tokio::test]
async fn requests_come_back_when_their_minute_hour_or_day_of_the_clock_ends() {
    for (limit, seconds) in
        [("max_requests_per_minute", 60), ("max_requests_per_hour", 3600), ("max_requests_per_day", 86_400)]
    {
        let world = World::new().await;
        let bot = limited(&world, "trade", json!({limit: 2})).await;
        // a third into a window, so that it does not end by itself
        let passed = world.clock.now().unix_timestamp() % seconds;
        world.advance(Duration::seconds(seconds - passed + seconds / 3));
        let account = || call(&world, &bot, "GET", "/api/v3/account", "");
        account().await.is(200);
        account().await.is(200);
        let late = account().await;
        late.binance(429, -1003, "rate");
        let wait: i64 = late.header("retry-after").unwrap().parse().unwrap();
        assert!(wait <= seconds * 2 / 3 && wait >= seconds * 2 / 3 - 30, "{limit}: {wait}");
        world.advance(Duration::seconds(wait - wait / 3));
        account().await.binance(429, -1003, "rate");
        world.advance(Duration::seconds(wait / 3 + 1));
        account().await.is(200);
    }
}
