//! A stop that is committed while a call waits holds for the call, wherever it waits.

use demo_exchange::Fault;
use serde_json::json;
use sqlx::PgConnection;
use time::Duration;

use super::PANIC;
use crate::{
    api::Reply,
    bot::Bot,
    world::{World, connect},
};

const ORDER: &str = "/api/v3/order";
const BUY: &str = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=30000";

/// Until a call waits for the chain of its user.
async fn somebody_waits(world: &World) {
    let waits = "select exists (select from pg_stat_activity
        where wait_event_type = 'Lock' and datname = current_database() and query like '%fresh_signers%')";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut world.superuser().await).await.unwrap() {
        pause(10).await;
    }
}

async fn pause(ms: u64) {
    tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
}

async fn ordered(world: &World, bot: &Bot) -> Reply {
    Reply::of(bot.binance_request("POST", ORDER, &bot.signed(BUY, world.clock.now_ms()))).await
}

/// With the chains of a user locked, as whoever writes to them locks them.
async fn locked(world: &World, email: &str) -> PgConnection {
    let mut other = world.superuser().await;
    sqlx::raw_sql("begin").execute(&mut other).await.unwrap();
    sqlx::query("select from keygate.audit_head h join users u on u.id = h.user_id where u.email = $1 for update of h")
        .bind(email)
        .execute(&mut other)
        .await
        .unwrap();
    other
}

fn orders_sent(world: &World) -> usize {
    world.demo.requests().iter().filter(|own| own.method == "POST" && own.target.starts_with(ORDER)).count()
}

#[tokio::test]
async fn no_order_goes_on_record_behind_a_stop_it_has_waited_for() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.account().await.is(200);
    world.flush().await;
    let mut stopping = locked(&world, crate::world::OWNER).await;
    let stop = "insert into keygate.panic (id, user_id, started_at, started_by)
        select gen_random_uuid(), id, now(), id from users; ";
    sqlx::raw_sql(stop).execute(&mut stopping).await.unwrap();
    let commit = async {
        somebody_waits(&world).await;
        sqlx::raw_sql("commit").execute(&mut stopping).await.unwrap();
    };
    let (reply, ()) = tokio::join!(ordered(&world, &bot), commit);
    reply.binance(403, -1002, "panic");
    assert_eq!(orders_sent(&world), 0);
}

#[tokio::test]
async fn order_of_anybody_that_waits_while_the_site_is_stopped_is_refused() {
    let world = World::new().await;
    let uma = world.user("uma@example.com").await;
    let bot = Bot::make(&uma, &connect(&uma, "binance", "trade").await, json!(null)).await;
    bot.account().await.is(200);
    world.flush().await;
    world.execute("alter function keygate.open_calls set lock_timeout = '30s'").await;
    let mut other = locked(&world, "uma@example.com").await;
    let stop = async {
        somebody_waits(&world).await;
        // it answers when the order that waits is settled
        let stopped = tokio::spawn(Reply::of(world.api.request("POST", PANIC).json(&json!({"site": true}))));
        let is_stopped = "select exists (select from keygate.panic)";
        while !sqlx::query_scalar::<_, bool>(is_stopped).fetch_one(&mut other).await.unwrap() {
            pause(10).await;
        }
        sqlx::raw_sql("rollback").execute(&mut other).await.unwrap();
        stopped.await.unwrap().is(200);
    };
    let (reply, ()) = tokio::join!(ordered(&world, &bot), stop);
    reply.binance(403, -1002, "panic");
    assert_eq!(orders_sent(&world), 0);
}

#[tokio::test]
async fn nothing_leaves_after_a_stop_however_long_it_has_waited() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.account().await.is(200);
    for is_order in [false, true] {
        // its clock is asked anew
        world.advance(Duration::hours(2));
        let owner = world.sign_in(crate::world::OWNER).await;
        let asked = (world.asked("/api/v3/account"), orders_sent(&world));
        world.fault(Fault::Delay { ms: 1500 }, "/api/v3/time");
        let times = world.asked("/api/v3/time");
        let stop = async {
            while world.asked("/api/v3/time") == times {
                pause(10).await;
            }
            owner.post(PANIC, json!({})).await.is(200);
            world.advance(Duration::seconds(1));
        };
        let call = async {
            match is_order {
                true => ordered(&world, &bot).await,
                false => {
                    let params = bot.signed("", world.clock.now_ms());
                    Reply::of(bot.binance_request("GET", "/api/v3/account", &params)).await
                }
            }
        };
        let (reply, ()) = tokio::join!(call, stop);
        assert_eq!(reply.header("keygate-problem"), Some("panic"), "{}", reply.text);
        assert_eq!((world.asked("/api/v3/account"), orders_sent(&world)), asked);
        owner.post(super::RESUME, json!({"password": crate::world::PASSWORD})).await.is(200);
    }
    let open = "keygate.reservation where state <> 'rejected'";
    world.flush().await;
    assert_eq!(world.count(open).await, 0, "what did not leave counts no more");
}

#[tokio::test]
async fn somebody_whose_records_are_locked_holds_up_nobody_else() {
    let world = World::new().await;
    let uma = world.user("uma@example.com").await;
    let hers = Bot::make(&uma, &connect(&uma, "binance", "trade").await, json!(null)).await;
    let mine = world.bot("binance", "trade").await;
    hers.account().await.is(200);
    mine.account().await.is(200);
    world.flush().await;
    let mut other = locked(&world, "uma@example.com").await;
    let soon = std::time::Duration::from_secs(9);
    let behind = async {
        somebody_waits(&world).await;
        ordered(&world, &mine).await
    };
    let both = async { tokio::join!(ordered(&world, &hers), ordered(&world, &mine), behind) };
    let (first, second, third) = tokio::time::timeout(soon, both).await.expect("while it is locked still");
    first.binance(502, -1001, "unavailable");
    second.is(200);
    third.is(200);
    sqlx::raw_sql("rollback").execute(&mut other).await.unwrap();
    ordered(&world, &hers).await.is(200);
}
