//! A server in this process with a database, a data directory and a pretend exchange of its own, all on one
//! clock that tests move.

use std::path::Path;

use demo_exchange::{Config as DemoConfig, Credential, DemoExchange, Fault, Key, Running, Switch};
use keygate::{
    clock::Clock,
    config::{Config, Flags},
    db::{Scratch, Sizes},
    error::Fatal,
    http::Listener,
    start::{Server, Store, start_with},
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};
use tempfile::TempDir;
use time::Duration;

use crate::{api::Api, bot::Bot};

pub struct World {
    pub server: Server,
    pub demo: Running,
    pub clock: Clock,
    pub scratch: Scratch,
    /// Nobody, or the owner in a world that is set up.
    pub api: Api,
    data: TempDir,
}

pub const OWNER: &str = "owner@example.com";
pub const PASSWORD: &str = "seven unrelated words stand here";
pub const PRACTICE: &str = "practice";

impl World {
    /// Set up, with the owner signed in.
    pub async fn new() -> World {
        World::with(|_| {}).await
    }

    pub async fn with(configure: impl FnOnce(&mut Config)) -> World {
        World::fresh(configure).await.set_up().await
    }

    async fn set_up(mut self) -> World {
        let link = self.server.setup_link.clone().unwrap();
        let token = link.split_once('#').unwrap().1;
        let input = json!({"token": token, "email": OWNER, "name": "Olga", "password": PASSWORD});
        let tokens = self.api.post("/api/v1/auth/setup", input).await.is(201);
        self.api = self.api.with_token(tokens["access_token"].as_str().unwrap());
        self
    }

    /// Where money is no object, and the exchange counts no requests.
    pub async fn rich() -> World {
        World::rich_with(|_| {}).await
    }

    pub async fn rich_with(configure: impl FnOnce(&mut Config)) -> World {
        let mut exchanges = DemoConfig::demo().unlimited();
        for account in exchanges.exchanges.values_mut().flat_map(|venue| &mut venue.accounts) {
            account.balances.values_mut().for_each(|balance| *balance = 1_000_000_000_000_i64.into());
        }
        World::on(exchanges, configure).await.set_up().await
    }

    /// Where the pretend exchanges are set up otherwise.
    pub async fn where_exchanges(configure: impl FnOnce(&mut DemoConfig)) -> World {
        let mut exchanges = DemoConfig::demo();
        configure(&mut exchanges);
        World::on(exchanges, |config| config.gateway.queue_wait_ms = 0).await.set_up().await
    }

    /// Not set up yet.
    pub async fn fresh(configure: impl FnOnce(&mut Config)) -> World {
        World::on(DemoConfig::demo(), configure).await
    }

    async fn on(exchanges: DemoConfig, configure: impl FnOnce(&mut Config)) -> World {
        let clock = Clock::default();
        let hand = clock.clone();
        let time = demo_exchange::Clock::new(move || hand.now_ms());
        let demo = DemoExchange::new(exchanges, time).start().await.unwrap();
        let (scratch, data) = (Scratch::new().await.unwrap(), tempfile::tempdir().unwrap());
        let mut config = config(data.path(), &demo);
        configure(&mut config);
        let server = serve(&scratch, config, clock.clone()).await;
        let api = Api::new(&server);
        World { server, demo, clock, scratch, api, data }
    }

    /// Another instance on the same database, as behind a load balancer.
    pub async fn second_server(&self) -> Server {
        self.replica(|_| {}).await
    }

    /// The same with settings of its own.
    pub async fn replica(&self, configure: impl FnOnce(&mut Config)) -> Server {
        let mut config = config(self.data.path(), &self.demo);
        configure(&mut config);
        serve(&self.scratch, config, self.clock.clone()).await
    }

    /// Another instance with this data directory, on another database.
    pub async fn start_on(&self, scratch: &Scratch) -> Result<Server, Fatal> {
        start(scratch, config(self.data.path(), &self.demo), self.clock.clone()).await
    }

    /// A further user, made by the owner and signed in.
    pub async fn user(&self, email: &str) -> Api {
        let input = json!({"email": email, "name": "Uma", "password": PASSWORD, "your_password": PASSWORD});
        self.api.post("/api/v1/admin/users", input).await.is(201);
        self.sign_in(email).await
    }

    pub async fn sign_in(&self, email: &str) -> Api {
        let input = json!({"email": email, "password": PASSWORD});
        let tokens = self.api.nobody().post("/api/v1/auth/login", input).await.is(200);
        self.api.with_token(tokens["access_token"].as_str().unwrap())
    }

    /// Adds a connection with a key of the pretend exchange that may do what the key may do.
    pub async fn connect(&self, exchange: &str, key: &str) -> Value {
        connect(&self.api, exchange, key).await
    }

    /// A bot on a new connection, with a virtual pair.
    pub async fn bot(&self, exchange: &str, key: &str) -> Bot {
        let connection = self.connect(exchange, key).await;
        Bot::make(&self.api, &connection, Value::Null).await
    }

    /// Another pair of the same bot, soon after the sign-in.
    pub async fn bot_beside(&self, bot: &Bot) -> Bot {
        let path = format!("/api/v1/bots/{}/access-keys", bot.id);
        let made = self.api.post(&path, json!({})).await.is(201);
        Bot::of(&self.api, &json!({"id": bot.id, "connection_id": bot.connection}), &made)
    }

    pub fn fault(&self, fault: Fault, path: &str) {
        self.demo.fault(Switch { fault, count: 1, path: path.to_owned(), exchange: None });
    }

    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// A connection that sees every row.
    pub async fn superuser(&self) -> PgConnection {
        self.scratch.superuser().await.unwrap()
    }

    /// One number, counted behind the server's back, once what moved money is settled.
    pub async fn count(&self, from: &str) -> i64 {
        self.server.app.gate.ledger.flush().await;
        let statement = AssertSqlSafe(format!("select count(*) from {from}"));
        sqlx::query_scalar(statement).fetch_one(&mut self.superuser().await).await.unwrap()
    }

    pub async fn execute(&self, statement: &str) {
        sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&mut self.superuser().await).await.unwrap();
    }

    /// Nobody knows any more what became of the orders and withdrawals, and the exchange cannot be asked. The request of one.
    pub async fn lose_answers(&self) -> String {
        self.flush().await;
        self.server.app.gate.ledger.flush().await;
        let lost =
            "update keygate.reservation set state = 'unknown', question = null returning request_id::text";
        sqlx::query_scalar(lost).fetch_one(&mut self.superuser().await).await.unwrap()
    }

    /// Everything queued is written.
    pub async fn flush(&self) {
        self.server.app.gate.ledger.flush().await;
        self.server.app.gate.records.flush().await;
    }

    /// Nothing of a connection is stored anywhere.
    pub async fn nothing_stored(&self) {
        for table in ["api_keys", "exchange_connections", "api_key_permissions", "bot_configs"] {
            assert_eq!(self.count(table).await, 0, "{table}");
        }
    }

    /// How often the exchange was asked for paths that begin like this.
    pub fn asked(&self, path: &str) -> usize {
        self.demo.requests().iter().filter(|request| request.target.starts_with(path)).count()
    }
}

/// A key of the pretend exchange by its name.
pub fn key(exchange: &str, name: &str) -> Key {
    let venue = DemoConfig::demo().exchanges.remove(exchange).unwrap();
    let mut keys = venue.accounts.into_iter().flat_map(|account| account.keys);
    keys.find(|key| key.name == name).unwrap()
}

/// What its owner keeps secret: text, or a PEM block.
pub fn secret(key: &Key) -> String {
    match &key.credential {
        Credential::Hmac(text) | Credential::HmacUpper(text) => text.clone(),
        Credential::Ec(_) | Credential::Ed25519(_) | Credential::Rsa(_) => {
            key.private.as_ref().unwrap().to_text()
        }
    }
}

/// The body that adds a connection with this key.
pub fn new_connection(exchange: &str, name: &str) -> Value {
    let key = key(exchange, name);
    let mut connection = json!({"exchange": exchange, "environment": PRACTICE, "name": name,
        "api_key": key.api_key, "secret": secret(&key), "permissions": {"trade": true}});
    if let Some(passphrase) = &key.passphrase {
        connection["passphrase"] = json!(passphrase);
    }
    connection
}

pub async fn connect(api: &Api, exchange: &str, key: &str) -> Value {
    let mut input = new_connection(exchange, key);
    if key == "withdraw" {
        input["accept_withdraw"] = json!(true);
        input["permissions"] = json!({"trade": true, "withdraw": true, "transfer": true});
    }
    api.post("/api/v1/connections", input).await.is(201)
}

/// Every secret half the pretend exchange gave out; none may ever be answered.
pub fn secrets() -> Vec<String> {
    let keys = DemoConfig::demo()
        .exchanges
        .into_values()
        .flat_map(|venue| venue.accounts)
        .flat_map(|account| account.keys);
    keys.map(|key| match &key.private {
        Some(private) => private.body[private.body.len() - 32..].to_owned(),
        None => secret(&key),
    })
    .collect()
}

fn config(data: &Path, demo: &Running) -> Config {
    let flags = Flags {
        data_dir: Some(data.to_owned()),
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        ..Flags::default()
    };
    let mut config = Config::load(&flags).unwrap();
    config.demo.origin = demo.url();
    config
}

async fn serve(scratch: &Scratch, config: Config, clock: Clock) -> Server {
    start(scratch, config, clock).await.unwrap()
}

async fn start(scratch: &Scratch, config: Config, clock: Clock) -> Result<Server, Fatal> {
    let listener = Listener::bind(&config.listen).await.unwrap();
    let sizes = Sizes { app: 4, gateway: 4, jobs: 1, admin: 1 };
    let store = Store { settings: scratch.settings().with_sizes(sizes), cluster: None };
    start_with(config, clock, false, listener, store).await
}
