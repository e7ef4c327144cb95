//! Programs that order and order, whatever happens to the gate, and remember what they were told.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::task::JoinHandle;

use crate::spawned_keygate::{Service, answer, now_ms, sign};

/// What a bot knows of an order: its own name for it, and what it was told: no status if the connection broke.
pub struct Order {
    pub name: String,
    pub status: u16,
    pub told: Value,
    pub at_ms: i64,
}

impl Order {
    pub fn confirmed(&self) -> bool {
        self.status == 200
    }
}

/// Several bots of one virtual pair.
pub struct Bots {
    running: Vec<JoinHandle<()>>,
    orders: Arc<Mutex<Vec<Order>>>,
    stop: Arc<AtomicBool>,
}

struct Bot {
    http: reqwest::Client,
    /// Replicas; where one does not answer, the next one is asked.
    bases: Vec<String>,
    key: String,
    secret: String,
    orders: Arc<Mutex<Vec<Order>>>,
    stop: Arc<AtomicBool>,
    /// After an order that was confirmed.
    pause: Duration,
}

impl Bots {
    pub fn start(count: usize, bases: &[String], key: &str, secret: &str) -> Bots {
        let (orders, stop) = (Arc::default(), Arc::default());
        let running = (0..count).map(|number| {
            let bot = Bot {
                http: Service::client(),
                bases: bases.to_vec(),
                key: key.to_owned(),
                secret: secret.to_owned(),
                orders: Arc::clone(&orders),
                stop: Arc::clone(&stop),
                pause: FOR_AN_ORDER * count as u32,
            };
            tokio::spawn(bot.run(number))
        });
        Bots { running: running.collect(), orders, stop }
    }

    pub fn confirmed(&self) -> usize {
        self.orders.lock().unwrap().iter().filter(|order| order.confirmed()).count()
    }

    /// Waits until an order is confirmed that is not yet, and says how long that took. A life that is too short for the
    /// first order would show nothing.
    pub async fn next_order(&self) -> Duration {
        let (began, before) = (Instant::now(), self.confirmed());
        while self.confirmed() == before {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "no order is confirmed any more: {}",
                self.last()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        began.elapsed()
    }

    fn last(&self) -> String {
        let orders = self.orders.lock().unwrap();
        let told = |order: &Order| format!("{} {} {}", order.name, order.status, order.told);
        orders.iter().rev().take(8).map(told).collect::<Vec<_>>().join("\n")
    }

    /// All that they know.
    pub async fn stop(self) -> Vec<Order> {
        self.stop.store(true, Ordering::Relaxed);
        for bot in self.running {
            bot.await.unwrap();
        }
        std::mem::take(&mut *self.orders.lock().unwrap())
    }
}

impl Bot {
    async fn run(self, number: usize) {
        let mut at = number;
        for count in 0.. {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let order = self.order(&self.bases[at % self.bases.len()], format!("kill{number}x{count}")).await;
            let confirmed = order.confirmed();
            self.orders.lock().unwrap().push(order);
            at += usize::from(!confirmed);
            tokio::time::sleep(if confirmed { self.pause } else { AFTER_A_NO }).await;
        }
    }

    async fn order(&self, base: &str, name: String) -> Order {
        let params = format!(
            "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=IOC&quantity=0.00011&price=50000\
             &newClientOrderId={name}&timestamp={}",
            now_ms()
        );
        let body = format!("{params}&signature={}", sign(&self.secret, &params));
        let call = self.http.post(format!("{base}/x/binance/api/v3/order")).body(body);
        let call = call.header("content-type", "application/x-www-form-urlencoded");
        let (status, told) = answer(call.header("x-mbx-apikey", &self.key)).await;
        Order { name, status, told, at_ms: now_ms() }
    }
}

/// An account may place a hundred orders in ten seconds, all its bots together. Who orders faster is soon refused for that,
/// which shows nothing.
const FOR_AN_ORDER: Duration = Duration::from_millis(110);
const AFTER_A_NO: Duration = Duration::from_millis(20);
