//! Everything that can happen on the way to an exchange, for each kind of call: what the bot is told is right or *unknown*,
//! nothing is sent twice, what was set aside is held or given back, and later all of it is as the exchange has it.

use std::time::Duration;

use futures_util::future::join_all;
use keygate::gateway::reconcile;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::{
    api::Reply,
    bot::Bot,
    world::{World, key},
};

mod others;
mod proxy;
mod table;

use proxy::Proxy;
use table::{AGAIN, ROWS, Row, Seen};

/// A pretend exchange with the proxy in front of it, and a bot that trades there.
struct Scene {
    world: World,
    proxy: Proxy,
    bot: Bot,
}

/// A kind of call, which holds the id of its row.
struct Kind {
    method: &'static str,
    path: &'static str,
    params: fn(&str) -> String,
}

const ORDER: Kind = Kind {
    method: "POST",
    path: "/api/v3/order",
    params: |id| {
        format!(
            "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=50000&newClientOrderId={id}"
        )
    },
};
const CANCEL: Kind = Kind {
    method: "DELETE",
    path: "/api/v3/order",
    params: |id| format!("symbol=BTCUSDT&origClientOrderId={id}"),
};
const WITHDRAWAL: Kind = Kind {
    method: "POST",
    path: "/sapi/v1/capital/withdraw/apply",
    params: |id| {
        format!(
            "coin=USDT&amount=50&address=0x52908400098527886E0F7030069857D2E4169EE7&network=ETH&withdrawOrderId={id}"
        )
    },
};
const READ: Kind = Kind {
    method: "GET",
    path: "/api/v3/openOrders",
    // no order is like another, and no row's id is the beginning of another's
    params: |id| format!("symbol=BTCUSDT&recvWindow={}", 10_000 + number(id)),
};

impl Scene {
    async fn new(key: &str) -> Scene {
        Scene::patient(key, 1500).await
    }

    async fn patient(key: &str, timeout_ms: u64) -> Scene {
        let mut proxy = None;
        let world = World::rich_with(|config| {
            let own = Proxy::before(&config.demo.origin, &["binance"]);
            config.demo.origin = own.url();
            config.gateway.timeout_ms = timeout_ms;
            config.gateway.max_answer = 1 << 20;
            proxy = Some(own);
        })
        .await;
        let bot = world.bot("binance", key).await;
        let limits = json!({"max_daily_trade_volume_usd": "1000000", "max_trade_amount_usd": null,
            "max_daily_withdrawal_usd": "1000000", "max_withdrawal_amount_usd": null,
            "max_requests_per_minute": null, "max_requests_per_hour": null, "max_requests_per_day": null});
        bot.limited(&world, limits).await.is(200);
        Scene { world, proxy: proxy.unwrap(), bot }
    }

    async fn call(&self, kind: &Kind, id: &str) -> Reply {
        let signed = self.bot.signed(&(kind.params)(id), self.world.clock.now_ms());
        let reply = Reply::of(self.bot.binance_request(kind.method, kind.path, &signed)).await;
        let real = key("binance", "trade").api_key;
        assert!(!reply.text.contains(&real), "{id}: the answer holds the real key: {}", reply.text);
        reply
    }

    /// All rows of the table at once, each with a call of its own.
    async fn play(&self, kind: &Kind) -> Vec<(&'static Row, String, Reply)> {
        let played = ROWS.iter().enumerate().map(|(at, row)| async move {
            let id = id(at);
            let text = (kind.params)(&id).rsplit('&').next().unwrap().to_owned();
            self.proxy.arm(&text, row.fault);
            let reply = self.call(kind, &id).await;
            (row, id, reply)
        });
        let played = join_all(played).await;
        self.world.flush().await;
        played
    }

    /// How often the exchange got a call.
    fn arrived(&self, kind: &Kind, id: &str) -> usize {
        let text = (kind.params)(id).rsplit('&').next().unwrap().to_owned();
        let requests = self.world.demo.requests();
        let own =
            requests.iter().filter(|own| own.method == kind.method && own.target.starts_with(kind.path));
        own.filter(|own| own.target.contains(&text) || own.body.contains(&text)).count()
    }

    /// The state of the reservation of an order, and what the record says of it.
    async fn text(&self, statement: &str, id: &str) -> Option<String> {
        self.world.server.app.gate.ledger.flush().await;
        let text = sqlx::query_scalar(sqlx::AssertSqlSafe(statement.to_owned())).bind(id);
        text.fetch_optional(&mut self.world.superuser().await).await.unwrap()
    }

    async fn state(&self, id: &str) -> Option<String> {
        self.text("select state from keygate.reservation where client_order_id = $1", id).await
    }

    async fn ask_later(&self, after: i64) {
        self.world.flush().await;
        self.world.advance(time::Duration::seconds(after));
        reconcile::round(&self.world.server.app).await.unwrap();
        self.world.flush().await;
    }

    /// The windows hold what the reservations say.
    async fn windows_are_right(&self) {
        let sums = "select (select coalesce(sum(used), 0) from keygate.spend_window where kind in ('trade-day', 'withdraw-day')),
            (select coalesce(sum(usd), 0) from keygate.reservation where state <> 'rejected')";
        let (used, reserved): (Decimal, Decimal) =
            sqlx::query_as(sums).fetch_one(&mut self.world.superuser().await).await.unwrap();
        assert_eq!(used, reserved);
    }

    /// Orders at the exchange, by the ids of the bot.
    fn orders(&self) -> Vec<Value> {
        let state = self.world.demo.state();
        let accounts = state["binance"]["accounts"].as_array().unwrap().clone();
        accounts.iter().flat_map(|own| own["orders"].as_array().unwrap().clone()).collect()
    }
}

fn id(row: usize) -> String {
    format!("row-{}-", 100 + row)
}

fn number(id: &str) -> usize {
    id.split('-').nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}

impl Seen {
    /// What a call that moves money comes to: status of the answer, and the state of its money.
    fn of_money(self) -> (u16, &'static str) {
        match self {
            Seen::Whole => (200, "confirmed"),
            Seen::Page(status @ (418 | 429)) => (status, "rejected"),
            Seen::Nothing | Seen::Page(_) => (504, "unknown"),
        }
    }

    fn of_read(self) -> u16 {
        match self {
            Seen::Whole => 200,
            Seen::Nothing => 504,
            Seen::Page(status) => status,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn order_is_told_right_or_unknown_and_settled_as_the_exchange_has_it() {
    let scene = Scene::new("trade").await;
    let mut wrong = Vec::new();
    let played = scene.play(&ORDER).await;
    for (row, id, reply) in &played {
        let (status, state) = row.seen.of_money();
        let named = reply.status != 504 || reply.text.contains(&format!("its client order id is {id}"));
        let own = scene.state(id).await;
        if reply.status != status || own.as_deref() != Some(state) || !named {
            wrong.push(format!(
                "{}: {} and {own:?}, not {status} and {state}: {}",
                row.name, reply.status, reply.text
            ));
        }
        let recorded =
            "select coalesce(a.success::text, 'null') from keygate.reservation r join api_key_usage_audit a
            using (request_id) where r.client_order_id = $1 and a.phase = 'outcome'";
        let success = match state {
            "confirmed" => "true",
            "rejected" => "false",
            _ => "null",
        };
        let recorded = scene.text(recorded, id).await;
        if recorded.as_deref() != Some(success) {
            wrong.push(format!("{}: recorded as {recorded:?}, not {success}", row.name));
        }
    }
    scene.windows_are_right().await;
    scene.ask_later(10).await;
    for (row, id, _) in &played {
        let (_, state) = row.seen.of_money();
        let expected = if state == "unknown" && row.fault.carried_out { "confirmed" } else { state };
        let own = scene.state(id).await;
        if own.as_deref() != Some(expected) {
            wrong.push(format!("{}: {own:?} when asked at once, not {expected}", row.name));
        }
    }
    scene.ask_later(120).await;
    let orders = scene.orders();
    for (row, id, _) in &played {
        let there = orders.iter().filter(|order| order["client_id"] == id.as_str()).count();
        let expected = if there == 1 { "confirmed" } else { "rejected" };
        let own = scene.state(id).await;
        if own.as_deref() != Some(expected) || there != usize::from(row.fault.carried_out) {
            wrong.push(format!("{}: {own:?} in the end, and {there} orders at the exchange", row.name));
        }
        if scene.arrived(&ORDER, id) > 1 {
            wrong.push(format!("{}: sent again", row.name));
        }
    }
    scene.windows_are_right().await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancel_is_told_right_or_unknown_and_never_sent_again() {
    let scene = Scene::new("trade").await;
    for at in 0..ROWS.len() {
        scene.call(&ORDER, &id(at)).await.is(200);
    }
    let mut wrong = Vec::new();
    let played = scene.play(&CANCEL).await;
    let orders = scene.orders();
    for (row, id, reply) in &played {
        let (status, _) = row.seen.of_money();
        let order = orders.iter().find(|order| order["client_id"] == id.as_str()).unwrap();
        let gone = order["status"] == "Canceled";
        if (reply.status, gone) != (status, row.fault.carried_out) || scene.arrived(&CANCEL, id) > 1 {
            wrong.push(format!(
                "{}: {} and {}, not {status}: {}",
                row.name, reply.status, order["status"], reply.text
            ));
        }
        if scene.state(id).await.as_deref() != Some("confirmed") {
            wrong.push(format!("{}: the cancel changed what its order had set aside", row.name));
        }
    }
    scene.windows_are_right().await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn withdrawal_is_told_right_or_unknown_and_settled_as_the_exchange_has_it() {
    let scene = Scene::new("withdraw").await;
    let mut wrong = Vec::new();
    let played = scene.play(&WITHDRAWAL).await;
    for (row, id, reply) in &played {
        let (status, state) = row.seen.of_money();
        let own = scene.state(id).await;
        if reply.status != status || own.as_deref() != Some(state) {
            let told = (reply.status, own, &reply.text);
            wrong.push(format!("{}: {told:?}, not {status} and {state}", row.name));
        }
    }
    // what is not in the list a moment later may only be late
    for (later, absent) in [(10, "unknown"), (120, "unknown"), (600, "rejected")] {
        scene.ask_later(later).await;
        for (row, id, _) in &played {
            let expected = match (row.seen.of_money().1, row.fault.carried_out) {
                ("unknown", true) => "confirmed",
                ("unknown", false) => absent,
                (state, _) => state,
            };
            let own = scene.state(id).await;
            if own.as_deref() != Some(expected) {
                wrong.push(format!("{}: {own:?} after {later} seconds, not {expected}", row.name));
            }
            if scene.arrived(&WITHDRAWAL, id) != usize::from(row.fault.carried_out) {
                wrong.push(format!("{}: not carried out once", row.name));
            }
        }
        scene.windows_are_right().await;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn read_is_answered_with_what_the_exchange_said_or_with_an_error() {
    let scene = Scene::new("trade").await;
    let mut wrong = Vec::new();
    for (row, id, reply) in scene.play(&READ).await {
        let status = row.seen.of_read();
        if reply.status != status || (row.seen == Seen::Whole && reply.body != json!([])) {
            wrong.push(format!("{}: {}, not {status}: {}", row.name, reply.status, reply.text));
        }
        if scene.arrived(&READ, &id) != usize::from(row.fault.carried_out) {
            wrong.push(format!("{}: not asked once", row.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for _ in 0..5 {
        assert_eq!(scene.call(&READ, "row-0-").await.is(200), json!([]), "an answer of another call");
    }
}

/// Before anything can be known about the request: connections that do not come about, or end at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connection_that_fails_costs_nothing_that_was_not_sent() {
    let scene = Scene::new("trade").await;
    scene.call(&ORDER, "first").await.is(200);
    for (id, bytes) in [("at-once", 0), ("in-the-first-line", 10), ("in-the-head", 200)] {
        scene.proxy.reset_next_at(bytes);
        let reply = scene.call(&ORDER, id).await;
        let state = scene.state(id).await;
        // a connection that ends before the first byte is written is known to have carried nothing
        let told = (reply.status, reply.header("keygate-problem"), state.as_deref());
        let unknown = (504, Some("outcome-unknown"), Some("unknown"));
        let unsent = (502, Some("exchange-unreachable"), Some("rejected"));
        assert!(told == unknown || (bytes == 0 && told == unsent), "{id}: {told:?}");
        assert_eq!(scene.arrived(&ORDER, id), 0, "{id}");
    }
    scene.proxy.stop();
    tokio::time::sleep(Duration::from_millis(50)).await;
    scene.call(&ORDER, "refused").await.binance(502, -1001, "exchange-unreachable");
    assert_eq!(scene.state("refused").await.as_deref(), Some("rejected"));
    scene.call(&CANCEL, "first").await.binance(502, -1001, "exchange-unreachable");
    scene.windows_are_right().await;
    scene.proxy.start();
    scene.ask_later(120).await;
    for id in ["at-once", "in-the-first-line", "in-the-head"] {
        assert_eq!(scene.state(id).await.as_deref(), Some("rejected"), "{id}");
    }
    scene.call(&CANCEL, "first").await.is(200);
    scene.windows_are_right().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn second_answer_to_an_order_is_no_answer_to_the_next_one() {
    let scene = Scene::new("trade").await;
    for turn in 0..5 {
        let id = |part: &str| format!("{part}-{turn}");
        scene.proxy.arm(&format!("newClientOrderId={}", id("twice")), AGAIN);
        for part in ["twice", "next"] {
            let told = scene.call(&ORDER, &id(part)).await.is(200);
            assert_eq!(told["clientOrderId"], id(part).as_str());
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }
}

/// Whoever connects waits as long as the exchange lets it; what is decided then is decided at its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_holds_while_the_exchange_is_being_connected_to() {
    let scene = Scene::patient("trade", 9000).await;
    scene.call(&ORDER, "first").await.is(200);
    let crowd = scene.proxy.crowd().await;
    let stop = async {
        while scene.world.count("api_key_usage_audit where phase = 'intent'").await < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        scene.world.api.post("/api/v1/panic", json!({})).await.is(200);
        drop(crowd);
        scene.proxy.start();
    };
    let (reply, ()) = tokio::join!(scene.call(&ORDER, "second"), stop);
    reply.binance(403, -1002, "panic");
    assert_eq!(scene.arrived(&ORDER, "second"), 0);
    assert_eq!(scene.state("second").await.as_deref(), Some("rejected"));
}
