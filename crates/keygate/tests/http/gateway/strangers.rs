//! Whoever shows no key shares the exchange's patience with those who do, and gets the smaller part of it.

use std::time::Duration;

use demo_exchange::{Fault, Switch};
use futures_util::future::join_all;
use serde_json::json;

use crate::{api::Reply, bot::now, world::World};

const TRADES: &str = "/api/v3/trades";

/// Market data that nobody has asked for yet.
async fn trades(world: &World, limit: usize) -> Reply {
    world.api.nobody().get(&format!("/x/binance{TRADES}?symbol=BTCUSDT&limit={limit}")).await
}

/// As much as strangers get within a minute of the exchange's budget: how many calls.
async fn all_there_is(world: &World) -> usize {
    while now() % 60_000 > 45_000 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut calls = 0;
    while trades(world, calls + 1).await.status == 200 {
        calls += 1;
        assert!(calls < 250, "there is no end");
    }
    trades(world, 999).await.binance(429, -1003, "queue");
    calls
}

#[tokio::test]
async fn market_data_of_strangers_keeps_no_order_waiting() {
    let world = World::with(|config| config.gateway.queue_wait_ms = 0).await;
    let bot = world.bot("binance", "trade").await;
    // weight 25 each, of 6000 a minute: they get a quarter
    let calls = all_there_is(&world).await;
    assert!((55..=62).contains(&calls), "{calls}");
    for _ in 0..20 {
        bot.order().await.is(200);
        bot.account().await.is(200);
    }
}

#[tokio::test]
async fn prices_are_asked_for_beside_strangers() {
    let world = World::with(|config| config.gateway.queue_wait_ms = 0).await;
    let bot = world.bot("binance", "trade").await;
    bot.limited(&world, json!({"max_daily_trade_volume_usd": "1000"})).await.is(200);
    all_there_is(&world).await;
    let asked = world.asked("/api/v3/ticker/price");
    bot.order().await.is(200);
    assert_eq!(world.asked("/api/v3/ticker/price"), asked + 1);
}

/// What the exchange counts for one is known before the next leaves.
#[tokio::test]
async fn strangers_ask_an_exchange_two_things_at_a_time() {
    let world = World::new().await;
    world.demo.fault(Switch {
        fault: Fault::Delay { ms: 700 },
        count: 6,
        path: TRADES.to_owned(),
        exchange: None,
    });
    let most = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        world.asked(TRADES)
    };
    let (replies, most) = tokio::join!(join_all((1..=6).map(|limit| trades(&world, limit))), most);
    assert_eq!(most, 2);
    // the last two came just in time, or were told to come back
    assert!(replies.iter().filter(|reply| reply.status == 200).count() >= 4);
}

/// Seats go to who came first: one network that asks for many things leaves room for the others.
#[tokio::test]
async fn one_network_does_not_fill_the_line_of_strangers() {
    let world = World::with(|config| config.gateway.queue_wait_ms = 5000).await;
    world.demo.fault(Switch {
        fault: Fault::Delay { ms: 1500 },
        count: 30,
        path: TRADES.to_owned(),
        exchange: None,
    });
    let begun = std::time::Instant::now();
    let quick = join_all((1..=30).map(|limit| {
        let call = trades(&world, limit);
        async move {
            let status = call.await.status;
            (status == 429 && begun.elapsed() < Duration::from_millis(1400)).then_some(())
        }
    }));
    let refused_at_once = quick.await.into_iter().flatten().count();
    assert_eq!(refused_at_once, 30 - 2 - 16);
}

#[tokio::test]
async fn strangers_who_wait_get_no_key_holder_refused() {
    let world = World::with(|config| config.gateway.queue_wait_ms = 300).await;
    let bot = world.bot("binance", "trade").await;
    world.demo.fault(Switch {
        fault: Fault::Delay { ms: 1000 },
        count: 2,
        path: TRADES.to_owned(),
        exchange: None,
    });
    let target = format!("/x/binance{TRADES}?symbol=BTCUSDT&limit=7");
    let holder = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Reply::of(bot.api.request("GET", &target).header("x-keygate-key", &bot.token)).await
    };
    let strangers = join_all([1, 2, 7].map(|limit| trades(&world, limit)));
    let (strangers, holder) = tokio::join!(strangers, holder);
    assert_eq!(strangers.last().map(|reply| reply.status), Some(429));
    holder.is(200);
}
