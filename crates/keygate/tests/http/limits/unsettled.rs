//! `/api/v1/unsettled`: calls of which nobody knows what became, and who settles them.

use demo_exchange::Fault;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use time::Duration;

use super::spending::{limited, used_today};
use crate::{
    api::{Reply, text},
    bot::Bot,
    world::{PASSWORD, World},
};

const UNSETTLED: &str = "/api/v1/unsettled";
const WITHDRAW: &str = "/sapi/v1/capital/withdraw/apply";
const OUT: &str = "coin=USDT&amount=50&address=0x52908400098527886E0F7030069857D2E4169EE7&network=ETH";

async fn round(world: &World, after: Duration) {
    world.server.app.gate.ledger.flush().await;
    world.advance(after);
    keygate::gateway::reconcile::round(&world.server.app).await.unwrap();
    world.server.app.gate.ledger.flush().await;
}

async fn state(world: &World) -> String {
    world.server.app.gate.ledger.flush().await;
    let state = sqlx::query_scalar("select state from keygate.reservation");
    state.fetch_one(&mut world.superuser().await).await.unwrap()
}

async fn withdrawn(world: &World, kind: &str) -> Decimal {
    let used = "select coalesce(sum(used), 0) from keygate.spend_window where kind = $1";
    sqlx::query_scalar(used).bind(kind).fetch_one(&mut world.superuser().await).await.unwrap()
}

async fn withdrawer(world: &World) -> Bot {
    let bot = world.bot("binance", "withdraw").await;
    bot.limited(world, json!({"max_daily_withdrawal_usd": "120"})).await.is(200);
    bot
}

/// A bot that may move assets between wallets.
async fn mover(world: &World) -> Bot {
    let bot = withdrawer(world).await;
    let wide = json!({"scopes": ["transfer"]});
    let issued = world.api.post(&format!("/api/v1/bots/{}/access-keys", bot.id), wide).await.is(201);
    Bot::of(&world.api, &json!({"id": bot.id, "connection_id": bot.connection}), &issued)
}

const TRANSFER: &str = "/sapi/v1/asset/transfer";
const MOVE: &str = "type=MAIN_FUNDING&asset=USDT&amount=10";

/// An order whose answer was lost, at an exchange that cannot be asked about it.
async fn lost_order(world: &World) -> Value {
    let bot = limited(world, json!({"max_daily_trade_volume_usd": "120"})).await;
    bot.order().await.is(200);
    world.lose_answers().await;
    world.api.get(UNSETTLED).await.is(200)[0].clone()
}

async fn settle(world: &World, call: &Value, word: Value) -> Reply {
    world.api.post(&format!("{UNSETTLED}/{}", text(&call["request_id"])), word).await
}

#[tokio::test]
async fn withdrawal_without_an_id_gets_one_and_is_found_by_it() {
    let world = World::new().await;
    let bot = withdrawer(&world).await;
    world.fault(Fault::DropAfter, WITHDRAW);
    let lost = bot.binance("POST", WITHDRAW, OUT).await;
    lost.binance(504, -1007, "outcome-unknown");
    let sent = world.demo.requests();
    let sent = sent.iter().find(|request| request.target.starts_with(WITHDRAW)).unwrap();
    let id = sent.body.split("withdrawOrderId=").nth(1).unwrap().split('&').next().unwrap();
    assert!(lost.text.contains(&format!("its client withdrawal id is {id}")), "{}", lost.text);
    assert_eq!(state(&world).await, "unknown");
    round(&world, Duration::seconds(10)).await;
    assert_eq!(state(&world).await, "confirmed");
    assert_eq!(withdrawn(&world, "withdraw-day").await, Decimal::from(50));
    assert_eq!(world.asked(WITHDRAW), 1, "it was sent again");
    let told = "api_key_usage_audit where phase = 'outcome' and endpoint = 'reconcile' and class = 'withdraw' and success";
    assert_eq!(world.count(told).await, 1);
}

#[tokio::test]
async fn withdrawal_that_never_arrived_is_given_back_once_it_would_be_in_the_list() {
    let world = World::new().await;
    let bot = withdrawer(&world).await;
    world.fault(Fault::DropBefore, WITHDRAW);
    bot.binance("POST", WITHDRAW, OUT).await.binance(504, -1007, "outcome-unknown");
    for seconds in [10, 300] {
        round(&world, Duration::seconds(seconds)).await;
        assert_eq!(state(&world).await, "unknown", "the list may be late");
    }
    assert_eq!(withdrawn(&world, "withdraw-month").await, Decimal::from(50));
    round(&world, Duration::seconds(300)).await;
    assert_eq!(state(&world).await, "rejected");
    for window in ["withdraw-day", "withdraw-month"] {
        assert_eq!(withdrawn(&world, window).await, Decimal::ZERO);
    }
}

#[tokio::test]
async fn owner_settles_what_the_exchange_cannot_be_asked_about_with_the_password() {
    let world = World::new().await;
    let call = lost_order(&world).await;
    assert_eq!((text(&call["kind"]), text(&call["usd"]), &call["is_asked"]), ("trade", "50", &json!(false)));
    assert_eq!(used_today(&world).await, Decimal::from(50));
    settle(&world, &call, json!({"happened": false})).await.problem(403, "step-up-required");
    let wrong = json!({"happened": false, "password": "not the one that was set"});
    settle(&world, &call, wrong).await.problem(401, "login-failed");
    settle(&world, &call, json!({"password": PASSWORD})).await.problem(400, "invalid-field");
    assert_eq!((state(&world).await.as_str(), used_today(&world).await), ("unknown", Decimal::from(50)));
    let never = json!({"happened": false, "password": PASSWORD});
    settle(&world, &call, never.clone()).await.is(204);
    assert_eq!((state(&world).await.as_str(), used_today(&world).await), ("rejected", Decimal::ZERO));
    assert_eq!(world.api.get(UNSETTLED).await.is(200), json!([]));
    settle(&world, &call, never).await.problem(404, "not-found");
    assert_eq!(used_today(&world).await, Decimal::ZERO, "given back once");
    let of_call = format!("/api/v1/activity?request_id={}", text(&call["request_id"]));
    let record = world.api.get(&of_call).await.is(200)["items"][0].clone();
    assert_eq!((text(&record["operation"]), text(&record["ip"])), ("settle-never", "127.0.0.1"));
    assert_eq!(world.count("api_key_usage_audit where operation_type like 'settle-%'").await, 1);
}

#[tokio::test]
async fn what_happened_by_the_owners_word_stays_counted() {
    let world = World::new().await;
    let call = lost_order(&world).await;
    settle(&world, &call, json!({"happened": true, "password": PASSWORD})).await.is(204);
    assert_eq!((state(&world).await.as_str(), used_today(&world).await), ("confirmed", Decimal::from(50)));
    assert_eq!(world.count("api_key_usage_audit where operation_type = 'settle-happened'").await, 1);
    round(&world, Duration::seconds(600)).await;
    assert_eq!(state(&world).await, "confirmed");
}

#[tokio::test]
async fn withdrawal_that_never_happened_is_given_back_to_its_day_and_its_month() {
    let world = World::new().await;
    let bot = withdrawer(&world).await;
    bot.binance("POST", WITHDRAW, OUT).await.is(200);
    bot.binance("POST", WITHDRAW, OUT).await.is(200);
    world.server.app.gate.ledger.flush().await;
    world
        .execute(
            "update keygate.reservation set state = 'unknown', question = null
                  where request_id = (select max(request_id::text)::uuid from keygate.reservation)",
        )
        .await;
    let call = world.api.get(UNSETTLED).await.is(200)[0].clone();
    settle(&world, &call, json!({"happened": false, "password": PASSWORD})).await.is(204);
    for window in ["withdraw-day", "withdraw-month"] {
        assert_eq!(withdrawn(&world, window).await, Decimal::from(50), "{window}");
    }
}

#[tokio::test]
async fn nobody_settles_what_the_exchange_may_still_say_or_has_said() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_daily_trade_volume_usd": "120"})).await;
    let word = || json!({"happened": false, "password": PASSWORD});
    world.fault(Fault::DropBefore, "/api/v3/order");
    let lost = bot.order().await;
    world.server.app.gate.ledger.flush().await;
    let call = world.api.get(UNSETTLED).await.is(200)[0].clone();
    assert_eq!(call["is_asked"], true);
    assert_eq!(lost.header("x-request-id"), call["request_id"].as_str());
    settle(&world, &call, word()).await.problem(409, "being-asked");
    assert_eq!((state(&world).await.as_str(), used_today(&world).await), ("unknown", Decimal::from(50)));
    // an exchange that has not said it for an hour will not
    world.execute("update keygate.reservation set asked = 20").await;
    settle(&world, &call, word()).await.is(204);
    let open = bot.order().await;
    world.server.app.gate.ledger.flush().await;
    let known = json!({"request_id": open.header("x-request-id").unwrap()});
    settle(&world, &known, word()).await.problem(404, "not-found");
    assert_eq!(used_today(&world).await, Decimal::from(50));
}

#[tokio::test]
async fn personal_key_settles_nothing() {
    let world = World::new().await;
    let call = lost_order(&world).await;
    let issued = json!({"scopes": ["read", "manage"], "password": PASSWORD});
    let issued = world.api.post("/api/v1/access-keys", issued).await.is(201);
    let program = world.api.with_token(text(&issued["token"]));
    assert_eq!(program.get(UNSETTLED).await.is(200)[0]["request_id"], call["request_id"]);
    let path = format!("{UNSETTLED}/{}", text(&call["request_id"]));
    program.post(&path, json!({"happened": false})).await.problem(403, "step-up-required");
    assert_eq!(state(&world).await, "unknown");
}

/// What moves between wallets of the account is worth nothing to any limit.
#[tokio::test]
async fn transfer_whose_answer_was_lost_is_on_record_as_unknown_and_holds_nothing() {
    let world = World::new().await;
    let bot = mover(&world).await;
    world.fault(Fault::DropAfter, TRANSFER);
    let lost = bot.binance("POST", TRANSFER, MOVE).await;
    lost.binance(504, -1007, "outcome-unknown");
    let records = "api_key_usage_audit where class = 'transfer' and success is null and phase =";
    for phase in ["intent", "outcome"] {
        assert_eq!(world.count(&format!("{records} '{phase}'")).await, 1, "{phase}");
    }
    assert_eq!(world.count("keygate.reservation").await, 0);
    assert_eq!(world.api.get(UNSETTLED).await.is(200), json!([]));
    round(&world, Duration::seconds(600)).await;
    assert_eq!(world.asked(TRANSFER), 1, "it was sent again");
}

/// Who commits does not hear of it.
const HANG_UP: &str =
    "create or replace function keygate.hang_up() returns trigger language plpgsql security definer as
    $$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$;
    grant execute on function keygate.hang_up() to public;
    create constraint trigger hang_up after insert on public.api_key_usage_audit deferrable initially deferred
        for each row when (new.phase = 'intent') execute function keygate.hang_up();";

#[tokio::test]
async fn lost_commit_of_a_transfer_is_recorded_as_not_sent() {
    let world = World::new().await;
    let bot = mover(&world).await;
    for came_through in [true, false] {
        sqlx::raw_sql(HANG_UP).execute(&mut world.superuser().await).await.unwrap();
        let lost = bot.binance("POST", TRANSFER, MOVE).await;
        lost.binance(502, -1001, "unavailable");
        let row = format!(
            "insert into api_key_usage_audit (api_key_id, user_id, operation_type, endpoint, request_id, phase)
             select id, user_id, 'use', '', '{}', 'intent' from api_keys where {came_through}",
            lost.header("x-request-id").unwrap()
        );
        let after = format!("drop trigger hang_up on public.api_key_usage_audit; {row}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(after)).execute(&mut world.superuser().await).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
        let told = "api_key_usage_audit where phase = 'outcome' and error_message like 'not sent%'";
        assert_eq!(world.count(told).await, 1, "came through: {came_through}");
    }
    assert_eq!(world.asked(TRANSFER), 0);
}

#[tokio::test]
async fn orders_of_a_batch_are_settled_one_by_one() {
    let world = World::new().await;
    let bot = world.bot("okx", "trade").await;
    bot.limited(&world, json!({"max_daily_trade_volume_usd": "1000"})).await.is(200);
    let order = |quantity: &str| {
        json!({"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "sz": quantity,
               "px": "50000"})
    };
    let request = bot.api.request("POST", "/x/okx/api/v5/trade/batch-orders");
    let request = request.header("x-keygate-key", &bot.token).json(&[order("0.001"), order("0.002")]);
    Reply::of(request).await.is(200);
    world.lose_answers().await;
    let lost = world.api.get(UNSETTLED).await.is(200);
    let of_place = |place: i64| lost.as_array().unwrap().iter().find(|own| own["place"] == place).unwrap();
    assert_eq!((&of_place(0)["usd"], &of_place(1)["usd"]), (&json!("50"), &json!("100")));
    let never = |place: i64| json!({"place": place, "happened": false, "password": PASSWORD});
    settle(&world, of_place(0), never(7)).await.problem(404, "not-found");
    settle(&world, of_place(0), never(1)).await.is(204);
    assert_eq!(used_today(&world).await, Decimal::from(50));
    settle(&world, of_place(0), never(1)).await.problem(404, "not-found");
    let left = world.api.get(UNSETTLED).await.is(200);
    assert_eq!((left.as_array().unwrap().len(), &left[0]["place"]), (1, &json!(0)));
    settle(&world, of_place(0), json!({"happened": true, "password": PASSWORD})).await.is(204);
    assert_eq!(used_today(&world).await, Decimal::from(50));
}
