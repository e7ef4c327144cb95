//! Nobody gets past a limit: many connections, two replicas, mixed sizes, over midnight. As many reservations as
//! `PROOF_RESERVATIONS` says; a few in the ordinary run.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rust_decimal::Decimal;
use serde_json::json;
use sqlx::Row;

use super::spending::limited;
use crate::{bot::Bot, world::World};

const CONNECTIONS: usize = 64;
/// Dollars of a mean order.
const ORDER: usize = 52;
const PRICE: usize = 50_000;
/// Reservations a second, at least, where it is a measurement.
const FAST: f64 = 800.0;

/// What the connections share.
struct Run {
    clock: keygate::clock::Clock,
    taken: AtomicUsize,
    refused: AtomicUsize,
    throttled: AtomicBool,
    over: AtomicBool,
}

/// Orders the exchange took, counted now and then: it remembers the newest only.
#[derive(Default)]
struct Executed {
    last: u64,
    count: usize,
    /// What they are worth.
    usd: Decimal,
}

impl Executed {
    fn collect(&mut self, world: &World) {
        let requests = world.demo.requests();
        let first = requests.first().map_or(0, |request| request.number);
        assert!(first <= self.last + 1, "the exchange has forgotten requests nobody has looked at");
        let seen = self.last;
        for request in requests.iter().filter(|request| request.number > seen) {
            self.last = request.number;
            if request.target == "/api/v3/order" && request.status == Some(200) {
                self.count += 1;
                self.usd += quantity(&request.body) * Decimal::from(PRICE);
            }
        }
    }
}

fn quantity(order: &str) -> Decimal {
    let mut fields = form_urlencoded::parse(order.as_bytes());
    fields.find(|(name, _)| name == "quantity").unwrap().1.parse().unwrap()
}

/// Orders of 5 to 100 dollars, until the run is over.
async fn trade(bot: Bot, run: Arc<Run>) {
    while !run.over.load(Ordering::Relaxed) {
        let [size] = seal::random::array::<1>();
        let quantity = Decimal::new(i64::from(size % 20) + 1, 4);
        let id = uuid::Uuid::from_bytes(seal::random::array()).simple();
        let order = format!(
            "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=IOC&quantity={quantity}&price={PRICE}&newClientOrderId={id}"
        );
        let signed = bot.signed(&order, run.clock.now_ms());
        let reply = crate::api::Reply::of(bot.binance_request("POST", "/api/v3/order", &signed)).await;
        match (reply.status, reply.header("keygate-problem")) {
            (200, _) => drop(run.taken.fetch_add(1, Ordering::Relaxed)),
            (403, Some("max-daily-trades")) => {
                run.refused.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            // the exchange takes so many orders in ten seconds
            (429, Some("queue")) => {
                run.throttled.store(true, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            // signed before the clock moved, read after it: here or at the exchange
            (400, _) if reply.body["code"] == -1021 => {}
            // it moved while one was on its way from its decision to the exchange
            (502, Some("unavailable")) => {}
            (status, problem) => panic!("{status} {problem:?} {}", reply.text),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_day_is_overrun_by_many_connections_on_two_replicas_over_midnight() {
    let measured = std::env::var("PROOF_RESERVATIONS").ok().map(|count| count.parse().unwrap());
    let wanted = measured.unwrap_or(1_000);
    // nobody waits for the exchange's own budget, which is not what is measured: the clock is moved past it instead
    let world = World::rich_with(|config| config.gateway.queue_wait_ms = 0).await;
    let second = world.second_server().await;
    let limit = limit_of_a_day(wanted);
    let limits = json!({"max_daily_trade_volume_usd": limit.to_string(), "max_requests_per_minute": null,
        "max_requests_per_hour": null, "max_requests_per_day": null});
    let bot = limited(&world, limits).await;
    let there = bot.moved_to(&world.api.moved_to(&second));
    let run = Arc::new(Run {
        clock: world.clock.clone(),
        taken: AtomicUsize::new(0),
        refused: AtomicUsize::new(0),
        throttled: AtomicBool::new(false),
        over: AtomicBool::new(false),
    });
    let (started, mut executed) = (Instant::now(), Executed::default());
    let trading: Vec<_> = (0..CONNECTIONS)
        .map(|number| {
            tokio::spawn(trade(if number % 2 == 0 { bot.clone() } else { there.clone() }, run.clone()))
        })
        .collect();
    while run.taken.load(Ordering::Relaxed) < wanted && !trading.iter().any(|task| task.is_finished()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
        if run.throttled.swap(false, Ordering::Relaxed) {
            world.advance(time::Duration::seconds(10));
        }
        if run.refused.load(Ordering::Relaxed) >= CONNECTIONS / 2 {
            executed.collect(&world);
            world.advance(until_midnight(&world));
            run.refused.store(0, Ordering::Relaxed);
        }
    }
    run.over.store(true, Ordering::Relaxed);
    for task in trading {
        task.await.unwrap();
    }
    let (taken, took) = (run.taken.load(Ordering::Relaxed), started.elapsed().as_secs_f64());
    for app in [&world.server.app, &second.app] {
        app.gate.ledger.flush().await;
    }
    executed.collect(&world);
    let (days, speed) = (compare(&world, limit, &executed).await, taken as f64 / took);
    println!("{taken} reservations in {days} days, {speed:.0} a second");
    assert!(taken >= wanted && days > wanted * ORDER / limit / 2);
    assert!(measured.is_none() || speed >= FAST, "{speed:.0} a second is too slow");
    second.stop().await;
}

/// A hundred orders a day, or what makes less than a year of them: then the bot's key expires.
fn limit_of_a_day(wanted: usize) -> usize {
    (wanted * ORDER / 250).max(100 * ORDER)
}

/// So much that a few orders come before midnight and the rest after it.
fn until_midnight(world: &World) -> time::Duration {
    let now = world.clock.now();
    let midnight = (now + time::Duration::days(1)).replace_time(time::Time::MIDNIGHT);
    midnight - now - time::Duration::milliseconds(20)
}

/// Window, reservations and the exchange's own list say the same, day by day and to the last digit.
async fn compare(world: &World, limit: usize, executed: &Executed) -> usize {
    let mut superuser = world.superuser().await;
    let days = "select w.starts_at, w.used, coalesce(sum(r.usd) filter (where r.state <> 'rejected'), 0) as reserved
        from keygate.spend_window w left join keygate.reservation r on date_trunc('day', r.made_at, 'UTC') = w.starts_at
        where w.kind = 'trade-day' group by 1, 2";
    let days = sqlx::query(days).fetch_all(&mut superuser).await.unwrap();
    for day in &days {
        let (used, reserved): (Decimal, Decimal) = (day.get("used"), day.get("reserved"));
        assert!(used <= Decimal::from(limit), "{used} is over the limit");
        assert_eq!(used, reserved);
    }
    let open = world.count("keygate.reservation where state in ('reserved', 'sent', 'unknown')").await;
    assert_eq!(open, 0, "nothing is left open");
    let confirmed = world.count("keygate.reservation where state = 'confirmed'").await;
    assert_eq!(usize::try_from(confirmed).unwrap(), executed.count);
    let sum = "select coalesce(sum(usd), 0) from keygate.reservation where state = 'confirmed'";
    let sum: Decimal = sqlx::query_scalar(sum).fetch_one(&mut superuser).await.unwrap();
    assert_eq!(sum, executed.usd, "what is set aside is not what the exchange took");
    days.len()
}

/// Withdrawals of a little over 50 dollars, all at once and on two replicas.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_day_of_withdrawals_is_overrun_by_many_at_once() {
    let world = World::rich().await;
    let second = world.second_server().await;
    let bot = world.bot("binance", "withdraw").await;
    bot.limited(&world, json!({"max_daily_withdrawal_usd": "500"})).await.is(200);
    let there = bot.moved_to(&world.api.moved_to(&second));
    // five refusals would be a sign of a thief: the key would stand still
    let calls = (0..13).map(|turn| {
        let bot = if turn % 2 == 0 { bot.clone() } else { there.clone() };
        let out = format!(
            "coin=USDT&network=TRX&address=demo-address&amount=50.{:02}&withdrawOrderId=own{turn}",
            turn + 1
        );
        tokio::spawn(async move { bot.binance("POST", "/sapi/v1/capital/withdraw/apply", &out).await })
    });
    let mut passed = 0;
    for call in calls.collect::<Vec<_>>() {
        let reply = call.await.unwrap();
        match reply.status {
            200 => passed += 1,
            _ => drop(reply.binance(403, -1002, "max-daily-withdrawals")),
        }
    }
    assert_eq!(passed, 9, "nine of a little over 50 fit into 500");
    second.app.gate.ledger.flush().await;
    world.flush().await;
    let mut superuser = world.superuser().await;
    let used = "select coalesce(sum(used), 0) from keygate.spend_window where kind = 'withdraw-day'";
    let used: Decimal = sqlx::query_scalar(used).fetch_one(&mut superuser).await.unwrap();
    let held = "select coalesce(sum(usd), 0) from keygate.reservation where state = 'confirmed'";
    let held: Decimal = sqlx::query_scalar(held).fetch_one(&mut superuser).await.unwrap();
    let history = bot.binance("GET", "/sapi/v1/capital/withdraw/history", "coin=USDT").await.is(200);
    let amounts = history.as_array().unwrap().iter().map(|own| own["amount"].as_str().unwrap());
    let left: Decimal = amounts.map(|amount| amount.parse::<Decimal>().unwrap()).sum();
    assert!(used <= Decimal::from(500) && (used, held) == (left, left), "{used} {held} {left}");
    second.stop().await;
}
