//! One exchange that stalls is the trouble of its own callers.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{
    ORDER, READ, Scene,
    proxy::{Fault, Proxy, Step},
};
use crate::{bot::Bot, world::World};

const STALLED: Fault = Fault { carried_out: true, script: |_| vec![Step::Silence] };

/// How long each of so many reads of an account took.
async fn reads(bot: &Bot, count: usize) -> Vec<Duration> {
    let mut took = Vec::with_capacity(count);
    for _ in 0..count {
        let began = Instant::now();
        bot.coinone("/v2.1/account/balance/all", json!({})).await.is(200);
        took.push(began.elapsed());
    }
    took.sort_unstable();
    took
}

async fn scene() -> (Scene, Bot) {
    let mut proxy = None;
    let world = World::rich_with(|config| {
        let own = Proxy::before(&config.demo.origin, &["binance", "coinone"]);
        config.demo.origin = own.url();
        config.gateway.timeout_ms = 3000;
        proxy = Some(own);
    })
    .await;
    let bot = world.bot("binance", "trade").await;
    let limits =
        json!({"max_requests_per_minute": null, "max_requests_per_hour": null, "max_requests_per_day": null});
    bot.limited(&world, limits.clone()).await.is(200);
    let other = world.bot("coinone", "raw").await;
    other.limited(&world, limits).await.is(200);
    (Scene { world, proxy: proxy.unwrap(), bot }, other)
}

/// `PROOF_FAULT_READS` makes it a measurement: then nobody else's slowest hundredth may take twice as long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_are_served_while_one_exchange_stalls() {
    let measured = std::env::var("PROOF_FAULT_READS").ok().map(|count| count.parse().unwrap());
    let count: usize = measured.unwrap_or(20);
    let (scene, other) = scene().await;
    let before = reads(&other, count).await;
    let began = Instant::now();
    let mut during = Vec::new();
    let stalled = async {
        let waiting = (0..40).map(|at| {
            let id = format!("stalled-{}-", 500 + at);
            let kind = if at % 2 == 0 { &ORDER } else { &READ };
            scene.proxy.arm((kind.params)(&id).rsplit('&').next().unwrap(), STALLED);
            let scene = &scene;
            async move { scene.call(kind, &id).await.status }
        });
        futures_util::future::join_all(waiting).await
    };
    let others = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        while during.len() < count && began.elapsed() < Duration::from_secs(2) {
            during.extend(reads(&other, 1).await);
        }
    };
    let (statuses, ()) = tokio::join!(stalled, others);
    assert!(statuses.iter().all(|status| *status == 504), "{statuses:?}");
    assert!(during.len() >= count.min(20), "only {} others were served", during.len());
    during.sort_unstable();
    let slowest = |took: &[Duration]| took[(took.len() * 99 / 100).min(took.len() - 1)];
    println!("p99 of others: {:?} before, {:?} while it stalls", slowest(&before), slowest(&during));
    if measured.is_some() {
        assert!(slowest(&during) <= slowest(&before) * 2 + Duration::from_millis(5));
    }
}
