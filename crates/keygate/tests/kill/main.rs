//! `kill -9` of the service, fifty times in the middle of a stream of orders. Afterwards the books of the bot,
//! of the service and of the exchange are compared.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

#[allow(dead_code, reason = "shared with the search for leaks, which uses the rest")]
mod spawned_keygate;

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use demo_exchange::{Clock, Config, DemoExchange, Running};
use serde_json::json;
use spawned_keygate::{Service, answer, now_ms, sign};

const KILLS: usize = 50;
const BOTS: usize = 3;

/// What a bot knows of an order: the id of its request, its own name for it, and whether it was confirmed.
struct Order {
    request: String,
    name: String,
    confirmed: bool,
}

/// A program that orders and orders, whatever happens to the gate.
struct Bot {
    http: reqwest::Client,
    base: String,
    key: String,
    secret: String,
    orders: Arc<Mutex<Vec<Order>>>,
    stop: Arc<AtomicBool>,
}

impl Bot {
    async fn run(self, number: usize) {
        for count in 0.. {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let name = format!("kill{number}x{count}");
            let request = uuid::Uuid::from_bytes(seal::random::array()).to_string();
            let confirmed = self.order(&name, &request).await;
            self.orders.lock().unwrap().push(Order { request, name, confirmed });
            if !confirmed {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    async fn order(&self, name: &str, request: &str) -> bool {
        let params = format!(
            "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.00011&price=50000\
             &newClientOrderId={name}&timestamp={}",
            now_ms()
        );
        let body = format!("{params}&signature={}", sign(&self.secret, &params));
        let call = self.http.post(format!("{}/x/binance/api/v3/order", self.base)).body(body);
        let call = call.header("content-type", "application/x-www-form-urlencoded");
        answer(call.header("x-mbx-apikey", &self.key).header("x-request-id", request)).await.0 == 200
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_in_the_middle_of_orders_loses_no_record_and_claims_nothing_that_did_not_happen() {
    let clock = Clock::new(now_ms);
    let demo = DemoExchange::new(Config::demo().unlimited(), clock).start().await.unwrap();
    let (mut service, token) = Service::new(&demo.url()).await;
    let (key, secret, _) = service.bot(&token, connection()).await;
    // each life takes a share of the minute's requests with it
    let unlimited = "update api_key_permissions set max_requests_per_minute = 1000000,
        max_requests_per_hour = 1000000, max_requests_per_day = 1000000";
    sqlx::raw_sql(unlimited).execute(&mut service.superuser().await).await.unwrap();
    let (orders, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
    let running: Vec<_> = (0..BOTS)
        .map(|number| {
            let (http, base) = (service.http.clone(), service.base.clone());
            let (key, secret) = (key.clone(), secret.clone());
            tokio::spawn(
                Bot { http, base, key, secret, orders: orders.clone(), stop: stop.clone() }.run(number),
            )
        })
        .collect();
    for _ in 0..KILLS {
        let moment = u64::from(seal::random::array::<1>()[0]);
        tokio::time::sleep(Duration::from_millis(100 + moment)).await;
        service.kill();
        tokio::task::block_in_place(|| service.start());
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    stop.store(true, Ordering::Relaxed);
    for bot in running {
        bot.await.unwrap();
    }
    let orders = std::mem::take(&mut *orders.lock().unwrap());
    the_record_is_whole(&service);
    compare(&service, &demo, &orders).await;
    everything_still_opens(&service, &key, &secret).await;
}

/// Every record is a link of its chain, and every checkpoint was true, whatever moment it ended in.
fn the_record_is_whole(service: &Service) {
    let mut verify = std::process::Command::new(env!("CARGO_BIN_EXE_keygate"));
    let verified =
        verify.arg("--data-dir").arg(service.data_dir()).args(["audit", "verify"]).output().unwrap();
    println!("{}", String::from_utf8_lossy(&verified.stderr));
    assert!(verified.status.success(), "{verified:?}");
}

/// The three books: what the bot was told, what is recorded, what the exchange carried out.
async fn compare(service: &Service, demo: &Running, orders: &[Order]) {
    let intents = requests(service, "phase = 'intent'").await;
    let done = requests(service, "phase = 'outcome' and success").await;
    let executed: Vec<String> = demo
        .requests()
        .iter()
        .filter(|request| request.target == "/api/v3/order" && request.status == Some(200))
        .map(|request| between(&request.body, "newClientOrderId=", "&"))
        .collect();
    let at_the_exchange: HashSet<&str> = executed.iter().map(String::as_str).collect();
    let names: HashMap<&str, &str> =
        orders.iter().map(|order| (order.name.as_str(), order.request.as_str())).collect();
    let confirmed = orders.iter().filter(|order| order.confirmed).count();
    println!(
        "{confirmed} of {} orders confirmed, {} intents, {} outcomes, {} executed",
        orders.len(),
        intents.len(),
        done.len(),
        executed.len()
    );
    assert!(confirmed > KILLS, "too few orders to mean anything: {confirmed}");

    assert_eq!(at_the_exchange.len(), executed.len(), "an order was sent twice");
    for order in orders.iter().filter(|order| order.confirmed) {
        assert!(intents.contains(&order.request), "{}: confirmed without an intent", order.name);
        assert!(done.contains(&order.request), "{}: confirmed without an outcome", order.name);
        assert!(at_the_exchange.contains(order.name.as_str()), "{}: confirmed, not executed", order.name);
    }
    for name in &executed {
        assert!(intents.contains(names[name.as_str()]), "{name}: executed without an intent");
    }
    let carried_out: HashSet<&str> = executed.iter().map(|name| names[name.as_str()]).collect();
    for request in &done {
        assert!(carried_out.contains(request.as_str()), "{request}: recorded as done, never sent");
    }
}

async fn requests(service: &Service, condition: &str) -> HashSet<String> {
    let query =
        format!("select request_id::text from api_key_usage_audit where class = 'trade' and {condition}");
    service.texts(&query).await.into_iter().collect()
}

async fn everything_still_opens(service: &Service, key: &str, secret: &str) {
    let token = service.sign_in().await;
    let (status, listed) = service.get("/api/v1/connections", &token).await;
    assert_eq!(status, 200, "{listed}");
    assert!(
        !listed[0]["api_key_masked"].as_str().unwrap().starts_with('*'),
        "the key does not open: {listed}"
    );
    let check = format!("/api/v1/connections/{}/check", listed[0]["id"].as_str().unwrap());
    let (status, checked) = service.post(&check, &token, json!({})).await;
    assert_eq!(status, 200, "the secret does not open: {checked}");
    let params = format!("timestamp={}", now_ms());
    let target =
        format!("{}/x/binance/api/v3/account?{params}&signature={}", service.base, sign(secret, &params));
    let (status, account) = answer(service.http.get(target).header("x-mbx-apikey", key)).await;
    assert_eq!(status, 200, "the virtual pair does not open: {account}");
}

fn connection() -> serde_json::Value {
    json!({"exchange": "binance", "environment": "practice", "name": "Main", "permissions": {"trade": true},
           "api_key": "DemoTradeKey0000000000000000000000000000000000000000000000000002",
           "secret": "DemoTradeSecret0000000000000000000000000000000000000000000000002"})
}

fn between(text: &str, from: &str, to: &str) -> String {
    let rest = text.split_once(from).map_or("", |(_, rest)| rest);
    rest.split(to).next().unwrap_or("").to_owned()
}
