//! An answer that is lost: the order is named, nothing is sent twice, and the exchange is asked until it says.

use demo_exchange::Fault;
use rust_decimal::Decimal;
use serde_json::json;
use time::Duration;

use super::spending::{limited, used_today};
use crate::{
    api::Reply,
    bot::{Bot, now},
    world::World,
};

const BUY: &str = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=50000";
const ORDER: &str = "/api/v3/order";

async fn ask_later(world: &World, after: Duration) {
    world.server.app.gate.ledger.flush().await;
    world.advance(after);
    keygate::gateway::reconcile::round(&world.server.app).await.unwrap();
}

/// An order whose bot's clock goes as Keygate's does.
async fn ordered(world: &World, bot: &Bot) -> Reply {
    let params = bot.signed(BUY, world.clock.now_ms());
    Reply::of(bot.binance_request("POST", ORDER, &params)).await
}

/// For a lock that a test holds, before its call is on record.
async fn somebody_waits(world: &World) {
    let waits = "select exists (select from pg_stat_activity
        where wait_event_type = 'Lock' and datname = current_database() and query like '%fresh_signers%')";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut world.superuser().await).await.unwrap() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

async fn state(world: &World) -> String {
    world.server.app.gate.ledger.flush().await;
    let state = sqlx::query_scalar("select state from keygate.reservation");
    state.fetch_one(&mut world.superuser().await).await.unwrap()
}

fn orders_sent(world: &World) -> Vec<String> {
    let requests = world.demo.requests();
    let orders =
        requests.iter().filter(|request| request.method == "POST" && request.target.starts_with(ORDER));
    orders.map(|request| request.body.clone()).collect()
}

#[tokio::test]
async fn order_without_an_id_gets_one_and_the_bots_own_is_kept() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.order().await.is(200);
    let own = format!("{BUY}&newClientOrderId=mine-1");
    assert_eq!(bot.binance("POST", ORDER, &own).await.is(200)["clientOrderId"], "mine-1");
    let sent = orders_sent(&world);
    assert!(sent[0].contains("&newClientOrderId=") && !sent[0].contains("mine-1"), "{sent:?}");
    assert_eq!(sent[1].matches("newClientOrderId").count(), 1, "{sent:?}");
    let kept = "keygate.reservation where client_order_id = 'mine-1' and question->>'path' = '/api/v3/order'";
    assert_eq!(world.count(kept).await, 1);
}

#[tokio::test]
async fn order_that_arrived_is_confirmed_later_and_never_sent_again() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_daily_trade_volume_usd": "120"})).await;
    world.fault(Fault::DropAfter, ORDER);
    let lost = bot.order().await;
    lost.binance(504, -1007, "outcome-unknown");
    let sent = orders_sent(&world);
    let id = sent[0].split("newClientOrderId=").nth(1).unwrap().split('&').next().unwrap();
    assert!(lost.text.contains(&format!("its client order id is {id}")), "{}", lost.text);
    assert_eq!(state(&world).await, "unknown");
    ask_later(&world, Duration::seconds(10)).await;
    assert_eq!(state(&world).await, "confirmed");
    assert_eq!(used_today(&world).await, Decimal::from(50));
    assert_eq!(orders_sent(&world).len(), 1, "an order was sent again");
    let told = "api_key_usage_audit where phase = 'outcome' and endpoint = 'reconcile' and success";
    assert_eq!(world.count(told).await, 1);
    ask_later(&world, Duration::seconds(600)).await;
    assert_eq!(world.count(told).await, 1, "what is settled is not asked about");
}

/// That it has left is written a moment later, with whatever else is written then; alone it must be written all the same.
#[tokio::test]
async fn order_whose_answer_is_slow_is_known_to_have_left() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    world.fault(Fault::Delay { ms: 2000 }, ORDER);
    let meanwhile = async {
        tokio::time::sleep(std::time::Duration::from_millis(1000)).await;
        // without a flush, which would write it
        let state = sqlx::query_scalar("select state from keygate.reservation");
        state.fetch_one(&mut world.superuser().await).await.unwrap()
    };
    let (answer, before): (_, String) = tokio::join!(bot.order(), meanwhile);
    answer.is(200);
    assert_eq!([before, state(&world).await], ["sent", "confirmed"]);
}

/// A refusal gives back what its own call set aside. Whoever could name another call would have its dollars back.
#[tokio::test]
async fn refusal_of_one_call_settles_no_other_whatever_ids_their_caller_names() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_daily_trade_volume_usd": "120"})).await;
    let named = |method: &str, params: &str| {
        let request = bot.binance_request(method, ORDER, &bot.signed(params, now()));
        Reply::of(request.header("x-request-id", "0192f0c1-2b3c-7d4e-8f50-112233445566"))
    };
    world.fault(Fault::DropAfter, ORDER);
    named("POST", BUY).await.binance(504, -1007, "outcome-unknown");
    assert_eq!(named("DELETE", "symbol=BTCUSDT&orderId=999999999").await.body["code"], -2011);
    assert_eq!((state(&world).await.as_str(), used_today(&world).await), ("unknown", Decimal::from(50)));
}

#[tokio::test]
async fn order_that_never_arrived_is_given_back_once_it_cannot_come_any_more() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_daily_trade_volume_usd": "120"})).await;
    world.fault(Fault::DropBefore, ORDER);
    bot.order().await.binance(504, -1007, "outcome-unknown");
    ask_later(&world, Duration::seconds(10)).await;
    assert_eq!(state(&world).await, "unknown", "it could still be on its way");
    assert_eq!(used_today(&world).await, Decimal::from(50));
    ask_later(&world, Duration::seconds(120)).await;
    assert_eq!(state(&world).await, "rejected");
    assert_eq!(used_today(&world).await, Decimal::ZERO);
}

/// The cancellation fails, the new order is placed, and the answer is an error of status 409.
#[tokio::test]
async fn order_that_was_placed_by_a_half_failed_replacement_counts() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_daily_trade_volume_usd": "120"})).await;
    let replaced = replace(&bot, "ALLOW_FAILURE").await;
    assert_eq!((replaced.status, &replaced.body["code"]), (409, &json!(-2021)), "{}", replaced.text);
    assert_eq!(replaced.body["data"]["newOrderResult"], "SUCCESS");
    assert_eq!((state(&world).await.as_str(), used_today(&world).await), ("unknown", Decimal::from(50)));
    ask_later(&world, Duration::seconds(200)).await;
    assert_eq!((state(&world).await.as_str(), used_today(&world).await), ("confirmed", Decimal::from(50)));
}

#[tokio::test]
async fn replacement_of_which_nothing_was_done_gives_its_dollars_back() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_daily_trade_volume_usd": "120"})).await;
    let replaced = replace(&bot, "STOP_ON_FAILURE").await;
    assert_eq!((replaced.status, &replaced.body["code"]), (400, &json!(-2022)), "{}", replaced.text);
    assert_eq!((state(&world).await.as_str(), used_today(&world).await), ("rejected", Decimal::ZERO));
}

/// Of an order that is not there.
async fn replace(bot: &Bot, mode: &str) -> Reply {
    let body = format!("{BUY}&cancelReplaceMode={mode}&cancelOrderId=999999");
    bot.binance("POST", "/api/v3/order/cancelReplace", &body).await
}

#[tokio::test]
async fn while_the_exchange_cannot_be_asked_the_money_stays_set_aside() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_daily_trade_volume_usd": "120"})).await;
    world.fault(Fault::DropAfter, ORDER);
    bot.order().await.binance(504, -1007, "outcome-unknown");
    world.demo.fault(demo_exchange::Switch {
        fault: Fault::Status { status: 503 },
        count: 3,
        path: ORDER.to_owned(),
        exchange: None,
    });
    for _ in 0..3 {
        ask_later(&world, Duration::seconds(200)).await;
        assert_eq!((state(&world).await.as_str(), used_today(&world).await), ("unknown", Decimal::from(50)));
    }
    ask_later(&world, Duration::seconds(600)).await;
    assert_eq!(state(&world).await, "confirmed");
}

/// The process that sent it died, and the exchange does not tell: then it is for its owner to say.
#[tokio::test]
async fn order_of_a_dead_process_that_nobody_tells_of_is_a_lost_answer() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_daily_trade_volume_usd": "120"})).await;
    bot.order().await.is(200);
    world.flush().await;
    world.execute("update keygate.reservation set state = 'sent', ask_at = now()").await;
    world.demo.fault(demo_exchange::Switch {
        fault: Fault::Status { status: 503 },
        count: 3,
        path: ORDER.to_owned(),
        exchange: None,
    });
    ask_later(&world, Duration::seconds(90)).await;
    assert_eq!(state(&world).await, "sent", "it may still be told");
    ask_later(&world, Duration::seconds(60)).await;
    assert_eq!((state(&world).await.as_str(), used_today(&world).await), ("unknown", Decimal::from(50)));
    assert_eq!(world.api.get("/api/v1/unsettled").await.is(200).as_array().unwrap().len(), 1);
    ask_later(&world, Duration::seconds(600)).await;
    ask_later(&world, Duration::seconds(600)).await;
    assert_eq!(state(&world).await, "confirmed", "the exchange is asked all the same");
}

/// What was decided holds for a moment, and what is on record leaves within another: later it could be given back, and
/// come all the same.
#[tokio::test]
async fn order_that_took_too_long_to_leave_never_leaves() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_daily_trade_volume_usd": "120"})).await;
    bot.account().await.is(200);
    world.flush().await;
    let mut superuser = world.superuser().await;
    sqlx::raw_sql("begin; select from keygate.audit_head for update").execute(&mut superuser).await.unwrap();
    let pause = async {
        somebody_waits(&world).await;
        world.advance(Duration::seconds(31));
        sqlx::raw_sql("rollback").execute(&mut superuser).await.unwrap();
    };
    let (reply, ()) = tokio::join!(ordered(&world, &bot), pause);
    reply.binance(502, -1001, "unavailable");
    assert_eq!(orders_sent(&world), [""; 0]);
    assert_eq!(used_today(&world).await, Decimal::ZERO);
    let told =
        "api_key_usage_audit where phase = 'outcome' and not success and error_message like 'not sent%'";
    assert_eq!(world.count(told).await, 1);
    ordered(&world, &bot).await.is(200);
}

/// What takes an order back sets nothing aside, and is as good later.
#[tokio::test]
async fn cancellation_that_took_long_leaves_all_the_same() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_daily_trade_volume_usd": "120"})).await;
    let order = bot.order().await.is(200);
    world.flush().await;
    let mut superuser = world.superuser().await;
    sqlx::raw_sql("begin; select from keygate.audit_head for update").execute(&mut superuser).await.unwrap();
    let cancel = bot.signed(&format!("symbol=BTCUSDT&orderId={}", order["orderId"]), world.clock.now_ms());
    let pause = async {
        somebody_waits(&world).await;
        world.advance(Duration::seconds(29));
        sqlx::raw_sql("rollback").execute(&mut superuser).await.unwrap();
    };
    let (reply, ()) = tokio::join!(Reply::of(bot.binance_request("DELETE", ORDER, &cancel)), pause);
    assert_eq!(reply.is(200)["status"], "CANCELED");
}

/// By then its bot has given it up, and may have placed others.
#[tokio::test]
async fn cancellation_of_all_orders_that_took_half_a_minute_does_not_leave() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_daily_trade_volume_usd": "120"})).await;
    bot.order().await.is(200);
    world.flush().await;
    let mut superuser = world.superuser().await;
    sqlx::raw_sql("begin; select from keygate.audit_head for update").execute(&mut superuser).await.unwrap();
    let all = bot.signed("symbol=BTCUSDT", world.clock.now_ms());
    let pause = async {
        somebody_waits(&world).await;
        world.advance(Duration::seconds(31));
        sqlx::raw_sql("rollback").execute(&mut superuser).await.unwrap();
    };
    let cancel = Reply::of(bot.binance_request("DELETE", "/api/v3/openOrders", &all));
    let (reply, ()) = tokio::join!(cancel, pause);
    reply.binance(502, -1001, "unavailable");
    let open = world.demo.requests().into_iter().filter(|own| own.target.starts_with("/api/v3/openOrders"));
    assert_eq!(open.filter(|own| own.method == "DELETE").count(), 0);
}

#[tokio::test]
async fn order_whose_decision_is_old_is_not_signed() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_position_size": "1000000000"})).await;
    bot.account().await.is(200);
    world.fault(Fault::Delay { ms: 1500 }, "/api/v3/account");
    let asked = world.asked("/api/v3/account");
    let pause = async {
        while world.asked("/api/v3/account") == asked {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        world.advance(Duration::seconds(11));
    };
    let (reply, ()) = tokio::join!(ordered(&world, &bot), pause);
    reply.binance(502, -1001, "unavailable");
    assert_eq!(orders_sent(&world), [""; 0]);
    ordered(&world, &bot).await.is(200);
}

/// Only the answer to the commit tells whether what was set aside is on record.
#[tokio::test]
async fn order_whose_commit_was_not_heard_of_is_not_sent_and_counts_for_nothing() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_daily_trade_volume_usd": "120"})).await;
    let hang_up = "create function keygate.hang_up() returns trigger language plpgsql security definer as
        $$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$;
        grant execute on function keygate.hang_up() to public;
        create constraint trigger hang_up after insert on keygate.reservation deferrable initially deferred
            for each row execute function keygate.hang_up();";
    sqlx::raw_sql(hang_up).execute(&mut world.superuser().await).await.unwrap();
    bot.order().await.binance(502, -1001, "unavailable");
    world.execute("drop trigger hang_up on keygate.reservation").await;
    // it did not come through after all, and what is not on record has no outcome there
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    assert_eq!(world.count("api_key_usage_audit where phase <> 'event'").await, 0);
    assert_eq!((orders_sent(&world).len(), used_today(&world).await), (0, Decimal::ZERO));
    for _ in 0..2 {
        bot.order().await.is(200);
    }
}

#[tokio::test]
async fn what_is_settled_is_forgotten_with_its_windows_and_what_is_not_stays() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_daily_trade_volume_usd": "120"})).await;
    bot.order().await.is(200);
    world.fault(Fault::DropAfter, ORDER);
    bot.order().await.binance(504, -1007, "outcome-unknown");
    world.flush().await;
    let all = "keygate.reservation";
    assert_eq!(world.count(all).await, 2);
    world.execute("update keygate.reservation set made_at = made_at - interval '102 days'").await;
    keygate::gateway::forget_windows(&world.server.app).await.unwrap();
    assert_eq!(world.count(all).await, 1);
    assert_eq!(world.count("keygate.reservation where state = 'unknown'").await, 1);
}

/// A database that is busy with others for longer than a statement may wait has not said no.
#[tokio::test]
async fn outcome_that_had_to_wait_too_long_is_written_later() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_daily_trade_volume_usd": "120"})).await;
    world.fault(Fault::Delay { ms: 1500 }, ORDER);
    let mut superuser = world.superuser().await;
    let pause = async {
        while orders_sent(&world).is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        sqlx::raw_sql("begin; select from keygate.audit_head for update")
            .execute(&mut superuser)
            .await
            .unwrap();
        tokio::time::sleep(std::time::Duration::from_secs(13)).await;
        sqlx::raw_sql("rollback").execute(&mut superuser).await.unwrap();
    };
    tokio::join!(bot.order(), pause).0.is(200);
    for _ in 0..100 {
        if state(&world).await == "confirmed" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(state(&world).await, "confirmed");
    assert_eq!(world.count("api_key_usage_audit where phase = 'outcome' and success").await, 1);
}

#[tokio::test]
async fn two_replicas_settle_an_order_once() {
    let world = World::new().await;
    let second = world.second_server().await;
    let bot = limited(&world, json!({"max_daily_trade_volume_usd": "120"})).await;
    world.fault(Fault::DropBefore, ORDER);
    bot.order().await.binance(504, -1007, "outcome-unknown");
    world.server.app.gate.ledger.flush().await;
    world.advance(Duration::seconds(200));
    let (one, other) = tokio::join!(
        keygate::gateway::reconcile::round(&world.server.app),
        keygate::gateway::reconcile::round(&second.app)
    );
    one.unwrap();
    other.unwrap();
    second.app.gate.ledger.flush().await;
    assert_eq!((state(&world).await.as_str(), used_today(&world).await), ("rejected", Decimal::ZERO));
    second.stop().await;
}

fn questions(world: &World) -> usize {
    world.demo.requests().iter().filter(|own| own.method == "GET" && own.target.starts_with(ORDER)).count()
}

/// An order of this bot of which nobody knows what became.
async fn lost(world: &World, bot: &Bot) {
    world.fault(Fault::DropAfter, ORDER);
    ordered(world, bot).await.binance(504, -1007, "outcome-unknown");
    world.flush().await;
}

#[tokio::test]
async fn lost_answers_of_one_account_keep_nobody_elses_waiting() {
    let world = World::new().await;
    let (many, few) = (world.bot("binance", "trade").await, world.bot("binance", "ed25519").await);
    lost(&world, &many).await;
    lost(&world, &few).await;
    world
        .execute(&format!(
            "insert into keygate.reservation select (jsonb_populate_record(r, jsonb_build_object(
                 'place', n, 'ask_at', r.ask_at - interval '1 hour'))).*
             from keygate.reservation r, generate_series(1, 2000) n where r.connection_id = '{}'",
            many.connection
        ))
        .await;
    ask_later(&world, Duration::seconds(10)).await;
    let told =
        format!("keygate.reservation where state = 'confirmed' and connection_id = '{}'", few.connection);
    assert_eq!(world.count(&told).await, 1);
}

#[tokio::test]
async fn deleted_connection_is_not_asked_about() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    lost(&world, &bot).await;
    world.api.delete(&format!("/api/v1/connections/{}", bot.connection)).await.is(200);
    ask_later(&world, Duration::seconds(10)).await;
    assert_eq!((questions(&world), state(&world).await.as_str()), (0, "unknown"));
}

#[tokio::test]
async fn questions_end_with_a_stop() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    lost(&world, &bot).await;
    lost(&world, &bot).await;
    world.advance(Duration::seconds(10));
    world.fault(Fault::Delay { ms: 1000 }, ORDER);
    let stop = async {
        while questions(&world) == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        world.api.post("/api/v1/panic", json!({})).await.is(200);
    };
    let (asked, ()) = tokio::join!(keygate::gateway::reconcile::round(&world.server.app), stop);
    asked.unwrap();
    assert_eq!(questions(&world), 1);
}

#[tokio::test]
async fn what_no_question_finds_is_not_gone_through_for_ever() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    lost(&world, &bot).await;
    world.lose_answers().await;
    ask_later(&world, Duration::seconds(10)).await;
    assert_eq!(world.count("keygate.reservation where state = 'unknown' and ask_at is null").await, 1);
}

#[tokio::test]
async fn exchange_that_does_not_say_it_is_asked_twenty_times() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    lost(&world, &bot).await;
    world.execute("update keygate.reservation set asked = 19").await;
    world.fault(Fault::Status { status: 418 }, ORDER);
    ask_later(&world, Duration::seconds(10)).await;
    assert_eq!(world.count("keygate.reservation where state = 'unknown' and ask_at is null").await, 1);
}
