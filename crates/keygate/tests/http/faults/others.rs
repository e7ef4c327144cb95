//! Calls that stall are the trouble of their own account: not of another exchange, nor of another account at the same one.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{
    ORDER, READ, Scene,
    proxy::{Fault, Proxy, Step},
};
use crate::{bot::Bot, world::World};

const STALLED: Fault = Fault { carried_out: true, script: |_| vec![Step::Silence] };

/// Somebody else, and how to read their account.
struct Other {
    name: &'static str,
    bot: Bot,
    is_beside: bool,
}

impl Other {
    /// How long each of so many reads took, until the end.
    async fn reads(&self, count: usize, until: Instant) -> Vec<Duration> {
        let mut took = Vec::with_capacity(count);
        while took.len() < count && Instant::now() < until {
            let began = Instant::now();
            match self.is_beside {
                true => self.bot.account().await.is(200),
                false => self.bot.coinone("/v2.1/account/balance/all", json!({})).await.is(200),
            };
            took.push(began.elapsed());
        }
        took.sort_unstable();
        took
    }
}

async fn scene() -> (Scene, [Other; 2]) {
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
    let elsewhere = world.bot("coinone", "raw").await;
    let beside = world.bot("binance", "withdraw").await;
    for other in [&elsewhere, &beside] {
        other.limited(&world, limits.clone()).await.is(200);
    }
    let others = [
        Other { name: "another exchange", bot: elsewhere, is_beside: false },
        Other { name: "another account", bot: beside, is_beside: true },
    ];
    (Scene { world, proxy: proxy.unwrap(), bot }, others)
}

/// Orders and reads of one account, none of which is answered.
async fn stall(scene: &Scene) {
    let waiting = (0..40).map(|at| async move {
        let (id, kind) = (format!("stalled-{}-", 500 + at), if at % 2 == 0 { &ORDER } else { &READ });
        scene.proxy.arm((kind.params)(&id).rsplit('&').next().unwrap(), STALLED);
        scene.call(kind, &id).await.status
    });
    let statuses = futures_util::future::join_all(waiting).await;
    assert!(statuses.iter().all(|status| *status == 504), "{statuses:?}");
}

/// `PROOF_FAULT_READS` makes it a measurement: then nobody else's slowest hundredth may take twice as long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_are_served_while_calls_of_one_account_stall() {
    let measured = std::env::var("PROOF_FAULT_READS").ok().map(|count| count.parse().unwrap());
    let count: usize = measured.unwrap_or(20);
    let (scene, others) = scene().await;
    let both = async |until: Instant| {
        let [elsewhere, beside] = &others;
        tokio::join!(elsewhere.reads(count, until), beside.reads(count, until))
    };
    let before = both(Instant::now() + Duration::from_secs(60)).await;
    let end = Instant::now() + Duration::from_secs(2);
    let during = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        both(end).await
    };
    let ((), during) = tokio::join!(stall(&scene), during);
    for (other, before, during) in [(&others[0], before.0, during.0), (&others[1], before.1, during.1)] {
        assert!(during.len() >= count.min(20), "{}: only {} were served", other.name, during.len());
        let slowest = |took: &[Duration]| took[(took.len() * 99 / 100).min(took.len() - 1)];
        let (before, during) = (slowest(&before), slowest(&during));
        println!("p99 of {}: {before:?} before, {during:?} while it stalls", other.name);
        assert!(measured.is_none() || during <= before * 2 + Duration::from_millis(5), "{}", other.name);
    }
}
