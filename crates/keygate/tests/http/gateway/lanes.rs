//! The lane of a key's nonces is handed on, whatever happens to the request that was in it.

use std::time::Duration;

use demo_exchange::Fault;
use exchange::{Options, Probe};
use futures_util::{FutureExt, poll};
use keygate::gateway::queue::{Place, Whose};
use serde_json::json;
use uuid::Uuid;

use crate::{
    api::{Api, Reply},
    bot::{Bot, now},
    world::{PRACTICE, World, key},
};

const OLD_BALANCE: &str = "/v2/account/balance";

async fn old_balance(bot: &Bot) -> Reply {
    bot.coinone(OLD_BALANCE, json!({"nonce": now() / 1000})).await
}

async fn only(world: &World, table: &str) -> Uuid {
    let statement = sqlx::AssertSqlSafe(format!("select id from {table}"));
    sqlx::query_scalar(statement).fetch_one(&mut world.superuser().await).await.unwrap()
}

#[tokio::test]
async fn request_that_goes_away_while_it_takes_a_nonce_shuts_no_replica_out() {
    let world = World::new().await;
    world.connect("kraken", "trade").await;
    let whose = Some(Whose { user: only(&world, "users").await, api_key: only(&world, "api_keys").await });
    let app = &world.server.app;
    let definition = app.exchanges.get("kraken").unwrap();
    let request = definition.probe(Probe::Balances, "", &key("kraken", "trade").api_key).unwrap();
    let other = world.second_server().await;
    let place = Place::new(definition, PRACTICE, &request, whose);
    for moments in 1.. {
        let mut turn = app.gate.queues.turn(app, place).await.unwrap();
        let options = Options::default();
        let done = {
            let mut stamp = Box::pin(turn.stamp(app, &options));
            let mut done = false;
            for _ in 0..moments {
                done = poll!(&mut stamp).is_ready();
                if done {
                    break;
                }
                tokio::time::sleep(Duration::from_micros(300)).await;
            }
            done
        };
        drop(turn);
        let theirs = other.app.gate.queues.turn(&other.app, place).await;
        let mut theirs = theirs.unwrap();
        let stamp = theirs.stamp(&other.app, &options).await;
        assert!(stamp.is_ok(), "the other replica is shut out after {moments} moments");
        if done {
            break;
        }
    }
}

#[tokio::test]
async fn lane_that_could_not_be_handed_on_at_once_is_handed_on_later() {
    let world = World::new().await;
    let bot = world.bot("coinone", "raw").await;
    old_balance(&bot).await.is(200);
    let user = only(&world, "users").await;
    let other = world.second_server().await;
    let there = bot.moved_to(&Api::new(&other));
    world.demo.forget_requests();
    world.fault(Fault::Delay { ms: 500 }, OLD_BALANCE);
    let own = bot.clone();
    let call = tokio::spawn(async move { old_balance(&own).await });
    while world.asked(OLD_BALANCE) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // the one connection of the lanes is taken for longer than anybody waits for it
    let busy = world.server.app.db.nonces(user).await.unwrap();
    tokio::time::sleep(Duration::from_millis(6500)).await;
    busy.rollback().await.unwrap();
    call.await.unwrap().is(200);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(there.coinone(OLD_BALANCE, json!({"nonce": now() / 1000})).map(|told| told.status).await == 200);
}
