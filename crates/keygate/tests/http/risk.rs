//! The score of a call and what follows from it. A caller's address comes from a proxy that the server trusts, so that one
//! machine can be anywhere.

use keygate::config::Config;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Row};
use time::Duration;

use crate::{
    api::{Api, Reply},
    bot::{BUY, Bot},
    world::{OWNER, World},
};

mod geoip;
mod honey;
mod keys;
mod records;
mod signals;
mod suspension;

/// In Berlin, of operator 64500; see `tests/geoip/make.py`.
const HOME: &str = "192.0.2.7";
/// In Sydney, of operator 64501.
const SYDNEY: &str = "198.51.100.1";

/// Behind a proxy, with files that say where addresses are.
fn with_files(config: &mut Config) {
    behind_a_proxy(config);
    let file = |name: &str| format!("{}/tests/geoip/{name}.mmdb", env!("CARGO_MANIFEST_DIR")).into();
    config.geoip.city = file("city");
    config.geoip.asn = file("asn");
    config.geoip.anonymous = file("anonymous");
}

fn behind_a_proxy(config: &mut Config) {
    config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
}

/// Whoever has a pair, somewhere, with some program.
#[derive(Clone)]
struct Holder<'w> {
    world: &'w World,
    bot: Bot,
    from: String,
    agent: String,
}

impl<'w> Holder<'w> {
    /// A bot at home.
    async fn new(world: &'w World, key: &str) -> Holder<'w> {
        Holder::of(world, world.bot("binance", key).await)
    }

    fn of(world: &'w World, bot: Bot) -> Holder<'w> {
        Holder { world, bot, from: HOME.to_owned(), agent: "ccxt/4.5".to_owned() }
    }

    /// The same pair in other hands.
    fn at(&self, from: &str) -> Holder<'w> {
        Holder { from: from.to_owned(), ..self.clone() }
    }

    fn with(&self, agent: &str) -> Holder<'w> {
        Holder { agent: agent.to_owned(), ..self.clone() }
    }

    async fn call(&self, method: &str, path: &str, params: &str) -> Reply {
        let params = self.bot.signed(params, self.world.clock.now_ms());
        let request = self.bot.binance_request(method, path, &params);
        Reply::of(request.header("x-forwarded-for", &self.from).header("user-agent", &self.agent)).await
    }

    async fn account(&self) -> Reply {
        self.call("GET", "/api/v3/account", "").await
    }

    async fn order(&self) -> Reply {
        self.call("POST", "/api/v3/order", BUY).await
    }

    async fn cancel(&self, order: &Value) -> Reply {
        self.call("DELETE", "/api/v3/order", &format!("symbol=BTCUSDT&orderId={}", order["orderId"])).await
    }

    async fn withdraw(&self) -> Reply {
        let out = "coin=USDT&network=ETH&address=0x000000000000000000000000000000000000dEaD&amount=20";
        self.call("POST", "/sapi/v1/capital/withdraw/apply", out).await
    }

    /// A pair that is settled: used, and known as it is used.
    async fn settled(self) -> Holder<'w> {
        self.account().await.is(200);
        self.world.flush().await;
        self
    }
}

/// Score and reasons of the last call on record.
async fn last(world: &World) -> (i32, Vec<String>) {
    world.flush().await;
    let row = sqlx::query(
        "select risk_score, suspicious_reasons, is_suspicious from api_key_usage_audit
         where access_key_id is not null and endpoint <> 'management' order by chain_seq desc limit 1",
    )
    .fetch_one(&mut world.superuser().await)
    .await
    .unwrap();
    let (score, suspicious): (i32, bool) = (row.get("risk_score"), row.get("is_suspicious"));
    assert_eq!(suspicious, score >= 40);
    (score, row.get::<Option<Vec<String>>, _>("suspicious_reasons").unwrap_or_default())
}

#[track_caller]
fn is(found: (i32, Vec<String>), score: i32, reasons: &[&str]) {
    assert_eq!(
        (found.0, found.1.as_slice()),
        (score, reasons.iter().map(|own| (*own).to_owned()).collect::<Vec<_>>().as_slice())
    );
}

async fn alerts(api: &Api) -> Vec<String> {
    let alerts = api.get("/api/v1/alerts").await.is(200);
    let kinds = alerts.as_array().unwrap().iter().map(|alert| alert["kind"].as_str().unwrap().to_owned());
    kinds.collect()
}

async fn suspensions(api: &Api) -> Value {
    api.get("/api/v1/suspensions").await.is(200)
}

/// The owner signs in anew: tokens live for five minutes of the clock.
async fn owner(world: &World) -> Api {
    world.sign_in(OWNER).await
}

async fn later(world: &World, by: Duration) {
    world.flush().await;
    world.advance(by);
    // the cache of accounts is believed while notices arrive, by this clock
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
}

async fn one<T>(world: &World, select: &str) -> T
where
    T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    world.flush().await;
    let statement = AssertSqlSafe(select.to_owned());
    sqlx::query_scalar(statement).fetch_one(&mut world.superuser().await).await.unwrap()
}

async fn honey(world: &World, bot: &Value) -> Bot {
    let path = format!("/api/v1/bots/{}/access-keys", bot["id"].as_str().unwrap());
    Bot::of(&world.api, bot, &world.api.post(&path, json!({"honey": true})).await.is(201))
}
