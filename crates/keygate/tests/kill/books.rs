//! The books of an order: what the bot was told, what is recorded, what was set aside, what the exchange carried out.

use std::collections::{HashMap, HashSet};

use demo_exchange::Running;
use rust_decimal::Decimal;
use sqlx::{PgConnection, Row};

use crate::bots::Order;

/// What the exchange got, collected now and then: it remembers the newest only.
#[derive(Default)]
pub struct Arrived {
    last: u64,
    /// By the bot's name; whether the exchange took it.
    orders: HashMap<String, bool>,
    twice: Vec<String>,
}

impl Arrived {
    pub fn collect(&mut self, demo: &Running) {
        let requests = demo.requests();
        let first = requests.first().map_or(0, |request| request.number);
        let seen = self.last;
        assert!(first <= seen + 1, "the exchange has forgotten requests nobody has looked at");
        for request in requests.into_iter().filter(|request| request.number > seen) {
            self.last = request.number;
            if request.method == "POST" && request.target == "/api/v3/order" {
                let name = between(&request.body, "newClientOrderId=", "&");
                if self.orders.insert(name.clone(), request.status == Some(200)).is_some() {
                    self.twice.push(name);
                }
            }
        }
    }

    fn executed(&self) -> HashSet<&str> {
        self.orders.iter().filter(|(_, taken)| **taken).map(|(name, _)| name.as_str()).collect()
    }
}

/// No order without its intent, none twice, none claimed that did not happen; what was confirmed is on record, or the
/// exchange will be asked about it. At least so many were confirmed.
pub async fn compare(superuser: &mut PgConnection, arrived: &Arrived, orders: &[Order], least: usize) {
    let intents = orders_on_record(superuser, "phase = 'intent'").await;
    let done = orders_on_record(superuser, "phase = 'outcome' and success").await;
    let to_ask = "select client_order_id from keygate.reservation where ask_at is not null";
    let to_ask: HashSet<String> =
        sqlx::query_scalar(to_ask).fetch_all(&mut *superuser).await.unwrap().into_iter().collect();
    let executed = arrived.executed();
    let confirmed: Vec<&Order> = orders.iter().filter(|order| order.confirmed()).collect();
    println!(
        "{} of {} orders confirmed, {} intents, {} outcomes, {} executed",
        confirmed.len(),
        orders.len(),
        intents.len(),
        done.len(),
        executed.len()
    );
    assert!(confirmed.len() > least, "too few orders to mean anything: {}", confirmed.len());
    assert!(arrived.twice.is_empty(), "orders were sent twice: {:?}", arrived.twice);
    for order in confirmed {
        assert!(intents.contains(&order.name), "{}: confirmed without an intent", order.name);
        let known = done.contains(&order.name) || to_ask.contains(&order.name);
        assert!(known, "{}: confirmed without an outcome, and nobody will ask", order.name);
        assert!(executed.contains(order.name.as_str()), "{}: confirmed, not executed", order.name);
    }
    for name in &executed {
        assert!(intents.contains(*name), "{name}: executed without an intent");
    }
    for name in &done {
        assert!(executed.contains(name.as_str()), "{name}: recorded as done, never sent");
    }
}

/// After everything was asked about: what is set aside is what the exchange has, order by order and to the last digit.
pub async fn compare_reservations(superuser: &mut PgConnection, arrived: &Arrived) {
    let rows = "select client_order_id as name, state, usd from keygate.reservation";
    let rows = sqlx::query(rows).fetch_all(&mut *superuser).await.unwrap();
    let (executed, mut held, mut sum) = (arrived.executed(), HashSet::new(), Decimal::ZERO);
    for row in &rows {
        let (name, state): (String, String) = (row.get("name"), row.get("state"));
        let expected = if executed.contains(name.as_str()) { "confirmed" } else { "rejected" };
        assert_eq!(state, expected, "{name}");
        if state == "confirmed" {
            sum += row.get::<Decimal, _>("usd");
            held.insert(name);
        }
    }
    assert_eq!(held.len(), executed.len(), "orders without a reservation");
    let used = "select coalesce(sum(used), 0) from keygate.spend_window where kind = 'trade-day'";
    let used: Decimal = sqlx::query_scalar(used).fetch_one(&mut *superuser).await.unwrap();
    assert_eq!(used, sum, "the windows do not hold what the orders cost");
    println!("{} reservations, {} of them held, {sum} USD", rows.len(), held.len());
    let settled = orders_on_record(superuser, "phase = 'outcome' and success").await.len();
    assert_eq!(settled, executed.len(), "the record and the exchange differ");
}

/// The orders of such records, by their names at the exchange.
async fn orders_on_record(superuser: &mut PgConnection, condition: &str) -> HashSet<String> {
    let query = format!(
        "select client_order_id from api_key_usage_audit join keygate.reservation using (request_id)
         where class = 'trade' and {condition}"
    );
    let texts: Vec<String> =
        sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_all(superuser).await.unwrap();
    texts.into_iter().collect()
}

fn between(text: &str, from: &str, to: &str) -> String {
    let rest = text.split_once(from).map_or("", |(_, rest)| rest);
    rest.split(to).next().unwrap_or("").to_owned()
}
