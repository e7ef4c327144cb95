//! The queue of records that may be a moment late, while it is full: orders do not wait for it, and reads are not lost.

use std::{net::Ipv4Addr, time::Duration};

use keygate::gateway::record::Used;
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::ACCOUNT;
use crate::{
    api::Reply,
    bot::Bot,
    world::{World, connect},
};

async fn account(bot: &Bot) -> Reply {
    Reply::of(bot.api.request("GET", ACCOUNT).header("x-keygate-key", &bot.token)).await
}

/// Until a statement waits for somebody else's lock.
async fn until_stuck(database: &mut PgConnection) {
    let stuck = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    for _ in 0..1000 {
        if sqlx::query_scalar::<_, i64>(stuck).fetch_one(&mut *database).await.unwrap() > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("nothing waits");
}

/// Takes every place in the queue.
async fn fill(world: &World, bot: &Bot) {
    let of = "select user_id, id, api_key_id from exchange_connections where id = $1::uuid";
    let (user, connection, api_key): (Uuid, Uuid, Uuid) =
        sqlx::query_as(of).bind(&bot.connection).fetch_one(&mut world.superuser().await).await.unwrap();
    let access_key = bot.access_key.parse().unwrap();
    let used = Used { access_key, connection, api_key, address: Ipv4Addr::LOCALHOST.into() };
    for _ in 0..20_000 {
        world.server.app.gate.records.touch(user, used);
    }
}

#[tokio::test]
async fn full_queue_of_records_keeps_no_order_waiting_and_loses_no_read() {
    let world = World::new().await;
    let (mine, uma) = (world.bot("binance", "trade").await, world.user("uma@example.com").await);
    let theirs = Bot::make(&uma, &connect(&uma, "binance", "ed25519").await, Value::Null).await;
    account(&mine).await.is(200);
    account(&theirs).await.is(200);
    world.flush().await;
    world.advance(time::Duration::seconds(2));
    let mut superuser = world.superuser().await;
    let mut lock = superuser.begin().await.unwrap();
    let row = "select from access_keys where id = $1::uuid for no key update";
    sqlx::query(row).bind(&theirs.access_key).execute(&mut *lock).await.unwrap();
    account(&theirs).await.is(200);
    until_stuck(&mut world.superuser().await).await;
    fill(&world, &theirs).await;

    let read = tokio::spawn({
        let mine = mine.clone();
        async move { account(&mine).await.status }
    });
    let order = tokio::time::timeout(Duration::from_secs(30), mine.order()).await;
    order.expect("an order waits for times of last use").is(200);
    assert_eq!(world.count("api_key_usage_audit where phase = 'outcome' and success").await, 1);
    assert!(!read.is_finished(), "a read found a place in the queue");
    lock.rollback().await.unwrap();
    assert_eq!(read.await.unwrap(), 200);
    world.flush().await;
    let reads = "api_key_usage_audit where class = 'read' and success";
    assert_eq!(world.count(reads).await, 4, "each read is on record");
}
