//! Open orders are taken back by Keygate itself while everything stands still: in every dialect, on record, and not a second
//! time without a look.

use std::time::Duration;

use demo_exchange::{Fault, Switch};
use serde_json::{Value, json};

use super::{PANIC, RESUME};
use crate::{
    api::{Api, Reply},
    bot::{Bot, FORM},
    dialects::ORDERS,
    world::{OWNER, PASSWORD, World},
};

/// Asks until nothing is under way any more.
async fn finished(api: &Api) -> Value {
    for _ in 0..240 {
        let orders = api.get(PANIC).await.is(200)["in_force"][0]["orders"].clone();
        if orders["finished"] == true {
            return orders;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    panic!("open orders are not done after a minute");
}

async fn panic(world: &World) -> Value {
    let state = world.api.post(PANIC, json!({"cancel_orders": true})).await.is(200);
    assert_eq!(state["in_force"][0]["scope"], "own");
    finished(&world.api).await
}

fn open_orders(world: &World) -> usize {
    world.asked("/api/v3/openOrders")
}

/// How often an order was to be cancelled at Binance.
fn cancels(world: &World) -> usize {
    let asked = world.demo.requests();
    asked.iter().filter(|own| own.method == "DELETE" && own.target.starts_with("/api/v3/order")).count()
}

/// A purchase that rests, with the whole access key.
async fn place(bot: &Bot, exchange: &str, (endpoint, body): (&str, &str)) {
    let price = match exchange {
        "bithumb" | "coinone" | "upbit" => "40000000",
        _ => "30000",
    };
    let account = match body.contains("{account}") {
        true => {
            call(bot, exchange, "GET", "/v1/account/accounts", "").await.is(200)["data"][0]["id"].to_string()
        }
        false => String::new(),
    };
    let filled = |text: &str| text.replace("{price}", price).replace("{account}", &account);
    let (method, target) = endpoint.split_once(' ').unwrap();
    let reply = call(bot, exchange, method, &filled(target), &filled(body)).await;
    assert!((200..300).contains(&reply.status), "{exchange}: {}", reply.text);
}

async fn call(bot: &Bot, exchange: &str, method: &str, target: &str, body: &str) -> Reply {
    let kind = if body.starts_with('{') { "application/json" } else { FORM };
    let request =
        bot.api.request(method, &format!("/x/{exchange}{target}")).header("x-keygate-key", &bot.token);
    Reply::of(match body.is_empty() {
        true => request,
        false => request.header("content-type", kind).body(body.to_owned()),
    })
    .await
}

#[tokio::test]
async fn every_exchange_takes_open_orders_back_and_each_cancellation_is_on_record() {
    let world = World::new().await;
    for (exchange, endpoint, body) in ORDERS {
        let bot = world.bot(exchange, if *exchange == "coinone" { "raw" } else { "trade" }).await;
        place(&bot, exchange, (endpoint, body)).await;
        place(&bot, exchange, (endpoint, body)).await;
    }
    let orders = panic(&world).await;
    let connections = orders["connections"].as_array().unwrap();
    assert_eq!(connections.len(), ORDERS.len());
    for own in connections {
        assert_eq!(
            (&own["found"], &own["cancelled"], &own["gone"]),
            (&json!(2), &json!(2), &json!(0)),
            "{own}"
        );
        assert_eq!((&own["still_open"], &own["problem"]), (&json!([]), &Value::Null), "{own}");
    }
    let note = |exchange: &str| {
        connections.iter().find(|own| own["exchange"] == exchange).unwrap()["note"]
            .as_str()
            .unwrap_or_default()
    };
    assert_eq!(note("binance"), "Looked at the spot market only.");
    assert!(note("mexc").contains("market by market: BTCUSDT."), "{}", note("mexc"));
    assert_eq!(note("bitstamp"), "");
    let own = "where access_key_id is null and operation_type = 'use' and class = 'trade'";
    // KuCoin's are taken back by one request
    let each = 2 * (i64::try_from(ORDERS.len()).unwrap() - 1) + 1;
    assert_eq!(world.count(&format!("api_key_usage_audit {own} and phase = 'intent'")).await, each);
    assert_eq!(
        world.count(&format!("api_key_usage_audit {own} and phase = 'outcome' and success")).await,
        each
    );
    assert_eq!(world.count("keygate.panic where cancel_asked_at is not null").await, 1);
}

#[tokio::test]
async fn programs_cannot_sign_while_orders_are_taken_back_and_the_last_signed_call_is_theirs() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.binance("POST", "/api/v3/order", RESTS).await.is(200);
    world.demo.fault(Switch { count: 1, ..switch(Fault::Delay { ms: 1500 }, "/api/v3/openOrders") });
    world.api.post(PANIC, json!({"cancel_orders": true})).await.is(200);
    for _ in 0..5 {
        bot.binance("POST", "/api/v3/order", RESTS).await.binance(403, -1002, "panic");
        bot.binance("DELETE", "/api/v3/openOrders", "symbol=BTCUSDT").await.binance(403, -1002, "panic");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let orders = finished(&world.api).await;
    assert_eq!(orders["connections"][0]["cancelled"], 1, "{orders}");
    assert_eq!(world.asked("/api/v3/order?") + world.asked("/api/v3/order "), cancels(&world));
    world.flush().await;
    let last = world.api.get(PANIC).await.is(200)["last_signed"].clone();
    assert_eq!((&last["method"], &last["path"]), (&json!("POST"), &json!("/api/v3/order")));
}

#[tokio::test]
async fn cancellation_whose_answer_was_lost_is_looked_for_and_not_sent_again() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.binance("POST", "/api/v3/order", RESTS).await.is(200);
    world.demo.fault(switch(Fault::DropAfter, "/api/v3/order"));
    let orders = panic(&world).await;
    let own = &orders["connections"][0];
    assert_eq!(
        (&own["found"], &own["gone"], &own["still_open"]),
        (&json!(1), &json!(1), &json!([])),
        "{own}"
    );
    assert_eq!(cancels(&world), 1);
}

#[tokio::test]
async fn order_that_cannot_be_taken_back_is_named_after_a_second_look() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.binance("POST", "/api/v3/order", RESTS).await.is(200);
    world.demo.fault(Switch { count: 100, ..switch(Fault::Status { status: 503 }, "/api/v3/order") });
    let orders = panic(&world).await;
    let left = &orders["connections"][0]["still_open"];
    assert_eq!(
        (&left[0]["market"], &left[0]["reason"]),
        (&json!("BTCUSDT"), &json!("its answer was lost")),
        "{left}"
    );
    assert_eq!(cancels(&world), 2, "twice at most, with a look in between");
    assert!(open_orders(&world) >= 3);
    let anew = world.api.post(PANIC, json!({"cancel_orders": true})).await.is(200);
    assert_eq!(anew["in_force"][0]["orders"]["finished"], false, "a second wish starts anew");
}

#[tokio::test]
async fn stop_that_outlives_its_process_has_its_orders_taken_back_all_the_same() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.binance("POST", "/api/v3/order", RESTS).await.is(200);
    // as a process leaves it that dies after the commit, with the work begun
    world
        .execute(
            "with stop as (insert into keygate.panic (id, user_id, started_at, started_by, cancel_asked_at)
                 select gen_random_uuid(), id, now(), id, now() from users returning *)
             insert into keygate.order_sweep (panic_id, connection_id, user_id, asked_at, taken_until)
             select stop.id, c.id, c.user_id, stop.cancel_asked_at, now() - interval '1 second'
             from stop join exchange_connections c on c.user_id = stop.user_id",
        )
        .await;
    let orders = finished(&world.api).await;
    assert_eq!(orders["connections"][0]["cancelled"], 1, "{orders}");
}

#[tokio::test]
async fn nothing_is_taken_back_any_more_once_signing_goes_on() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.binance("POST", "/api/v3/order", RESTS).await.is(200);
    world.demo.fault(switch(Fault::Delay { ms: 6000 }, "/api/v3/openOrders"));
    world.api.post(PANIC, json!({"cancel_orders": true})).await.is(200);
    tokio::time::sleep(Duration::from_millis(300)).await;
    world.api.post(RESUME, json!({"password": PASSWORD})).await.is(200);
    let stopped = "keygate.order_sweep where problem like 'signing went on%'";
    for _ in 0..80 {
        if world.count(stopped).await == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    assert_eq!((world.count(stopped).await, cancels(&world)), (1, 0));
    let open = bot.binance("GET", "/api/v3/openOrders", "").await.is(200);
    assert_eq!(open.as_array().unwrap().len(), 1);
}

/// The exchange is asked for its time between the record of a cancellation and its signature.
#[tokio::test]
async fn cancellation_that_waits_does_not_leave_once_signing_goes_on() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.binance("POST", "/api/v3/order", RESTS).await.is(200);
    world.demo.fault(switch(Fault::Delay { ms: 1500 }, "/api/v3/openOrders"));
    world.api.post(PANIC, json!({"cancel_orders": true})).await.is(200);
    while open_orders(&world) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let times = world.asked("/api/v3/time");
    world.demo.fault(switch(Fault::Delay { ms: 1800 }, "/api/v3/time"));
    world.advance(time::Duration::minutes(11));
    let owner = world.sign_in(OWNER).await;
    while world.asked("/api/v3/time") == times {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    owner.post(RESUME, json!({"password": PASSWORD})).await.is(200);
    let not_sent = "api_key_usage_audit where access_key_id is null and phase = 'outcome' and not success";
    for _ in 0..80 {
        if world.count(not_sent).await > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!((world.count(not_sent).await, cancels(&world)), (1, 0));
}

#[tokio::test]
async fn what_could_not_be_listed_is_a_problem_and_not_a_success() {
    let world = World::new().await;
    world.connect("mexc", "trade").await;
    let orders = panic(&world).await;
    let own = &orders["connections"][0];
    assert!(own["problem"].as_str().unwrap().contains("no market is known"), "{own}");
}

/// KuCoin lists market by market: what is not listed only the one request for all orders reaches.
#[tokio::test]
async fn request_for_all_orders_that_fails_is_no_success() {
    let world = World::new().await;
    let connection = world.connect("kucoin", "trade").await;
    let all = "/api/v1/hf/orders/cancelAll";
    world.demo.fault(switch(Fault::Status { status: 403 }, all));
    let own = panic(&world).await["connections"][0].clone();
    assert_eq!((&own["found"], world.asked(all)), (&json!(0), 1), "{connection}");
    assert!(own["problem"].as_str().unwrap().contains("takes back all orders failed"), "{own}");
    // asked again, it is done
    let own = panic(&world).await["connections"][0].clone();
    assert_eq!((&own["problem"], world.asked(all)), (&Value::Null, 2), "{own}");
}

#[tokio::test]
async fn site_that_is_stopped_has_everybodys_orders_taken_back_and_tells_its_administrator_sums_only() {
    let world = World::new().await;
    let uma = world.user("uma@example.com").await;
    let connection = crate::world::connect(&uma, "binance", "trade").await;
    let bot = Bot::make(&uma, &connection, json!(null)).await;
    bot.binance("POST", "/api/v3/order", RESTS).await.is(200);
    world.api.post(PANIC, json!({"site": true, "cancel_orders": true})).await.is(200);
    let orders = finished(&world.api).await;
    let sum =
        json!({"connections": 1, "ended": 1, "found": 1, "cancelled": 1, "still_open": 0, "problems": 0});
    assert_eq!((&orders["everybody"], &orders["connections"]), (&sum, &json!([])));
    let hers = finished(&uma).await;
    assert_eq!((&hers["connections"][0]["cancelled"], &hers["everybody"]), (&json!(1), &Value::Null));
}

fn switch(fault: Fault, path: &str) -> Switch {
    Switch { fault, count: 1, path: path.to_owned(), exchange: None }
}

const RESTS: &str = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=30000";
