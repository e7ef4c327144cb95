//! The record of calls: what moves money is written down before the exchange hears of it, and what became of
//! it afterwards; what is not known is not claimed.

use std::time::Duration;

use demo_exchange::Fault;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection};
use time::OffsetDateTime;

use crate::{
    api::Reply,
    bot::{Bot, now},
    world::{World, connect, secret},
};

const INTENTS: &str = "api_key_usage_audit where phase = 'intent'";
const OUTCOMES: &str = "api_key_usage_audit where phase = 'outcome'";

async fn pause(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

#[tokio::test]
async fn order_leaves_intent_and_outcome_in_both_logs() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.order().await.is(200);
    for log in ["api_key_usage_audit", "exchange_api_calls"] {
        let both = format!(
            "{log} i join {log} o on o.request_id = i.request_id and o.id <> i.id
            where i.phase = 'intent' and i.success is null and i.status_code is null
            and o.phase = 'outcome' and o.success and o.status_code = 200"
        );
        assert_eq!(world.count(&both).await, 1, "{log}");
    }
    let told = "api_key_usage_audit where class = 'trade' and symbol = 'BTCUSDT' and decision = 'allow'
        and endpoint = '/api/v3/order' and http_method = 'POST' and exchange = 'binance'
        and ip_address = '127.0.0.1' and bot_id is not null and access_key_id is not null";
    assert_eq!(world.count(told).await, 2);
    let summary = "exchange_api_calls where parameters->>'side' = 'buy' and parameters->>'quantity' = '0.001'
        and parameters->>'price' = '50000'";
    assert_eq!(world.count(summary).await, 2);
}

#[tokio::test]
async fn intent_is_visible_when_the_order_arrives_at_the_exchange() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    world.fault(Fault::Delay { ms: 1500 }, "/api/v3/order");
    let (reply, ()) = tokio::join!(bot.order(), async {
        while world.asked("/api/v3/order") == 0 {
            pause(5).await;
        }
        assert_eq!((world.count(INTENTS).await, world.count(OUTCOMES).await), (1, 0));
    });
    reply.is(200);
    assert_eq!((world.count(INTENTS).await, world.count(OUTCOMES).await), (1, 1));
}

#[tokio::test]
async fn order_waits_for_its_record() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let mut superuser = world.superuser().await;
    let mut lock = superuser.begin().await.unwrap();
    sqlx::query("lock table api_key_usage_audit in access exclusive mode").execute(&mut *lock).await.unwrap();
    let (reply, ()) = tokio::join!(bot.order(), async {
        pause(700).await;
        assert_eq!(world.asked("/api/v3/order"), 0, "sent before it was recorded");
        lock.rollback().await.unwrap();
    });
    reply.is(200);
    assert_eq!(world.asked("/api/v3/order"), 1);
}

/// Somebody holds the ends of one user's chains, for as long as it likes.
#[tokio::test]
async fn order_of_one_user_does_not_wait_for_those_of_another() {
    let world = World::new().await;
    let (mine, other) = (world.bot("binance", "trade").await, world.user("uma@example.com").await);
    let connection = connect(&other, "binance", "trade").await;
    let theirs = Bot::make(&other, &connection, Value::Null).await;
    world.flush().await;
    let mut superuser = world.superuser().await;
    let mut lock = superuser.begin().await.unwrap();
    let ends = "select from keygate.audit_head where user_id =
        (select user_id from exchange_connections where id = $1::uuid) for update";
    let locked = sqlx::query(ends).bind(&mine.connection).execute(&mut *lock).await.unwrap();
    assert!(locked.rows_affected() > 0);
    let waits = tokio::spawn({
        let mine = mine.clone();
        async move { mine.order().await.status }
    });
    pause(300).await;
    for _ in 0..3 {
        theirs.order().await.is(200);
    }
    assert!(!waits.is_finished(), "its record could be written");
    lock.rollback().await.unwrap();
    assert_eq!(waits.await.unwrap(), 200);
}

#[tokio::test]
async fn order_that_cannot_be_recorded_is_not_sent() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.account().await.is(200);
    world.flush().await;
    world.execute("alter table api_key_usage_audit rename to put_away").await;
    let reply = bot.order().await;
    reply.binance(502, -1001, "unavailable");
    world.execute("alter table put_away rename to api_key_usage_audit").await;
    assert_eq!(world.asked("/api/v3/order"), 0);
    assert_eq!(world.count("keygate.used_signature").await, 0, "and its signature is not used up");
}

#[tokio::test]
async fn lost_answer_is_recorded_as_unknown_and_said_so() {
    let world = World::new().await;
    for (exchange, key) in [("binance", "trade"), ("coinone", "raw")] {
        let bot = world.bot(exchange, key).await;
        world.fault(Fault::DropAfter, "");
        if exchange == "binance" {
            bot.order().await.binance(504, -1007, "outcome-unknown");
        } else {
            let order = json!({"side": "BUY", "quote_currency": "KRW", "target_currency": "BTC", "type": "LIMIT",
                               "price": "70000000", "qty": "0.001", "post_only": false});
            let reply = bot.coinone("/v2.1/order", order).await;
            assert_eq!((reply.status, reply.header("keygate-problem")), (504, Some("outcome-unknown")));
        }
        let unknown = format!(
            "{OUTCOMES} and success is null and status_code is null and exchange = '{exchange}'
            and error_message = 'outcome unknown'"
        );
        assert_eq!(world.count(&unknown).await, 1);
    }
    let requests = world.demo.requests();
    let dropped = requests.iter().filter(|request| request.fault == Some("drop_after")).count();
    assert_eq!(dropped, 2, "an order was sent again");
}

#[tokio::test]
async fn answer_that_takes_too_long_is_unknown() {
    let world = World::with(|config| config.gateway.timeout_ms = 300).await;
    let bot = world.bot("binance", "trade").await;
    world.fault(Fault::Delay { ms: 2000 }, "/api/v3/order");
    bot.order().await.binance(504, -1007, "outcome-unknown");
    assert_eq!(world.count(&format!("{OUTCOMES} and success is null")).await, 1);
    assert_eq!(world.asked("/api/v3/order"), 1);
}

#[tokio::test]
async fn exchange_that_cannot_be_reached_got_nothing_and_the_record_says_so() {
    let world = World::with(|config| config.gateway.connect_timeout_ms = 500).await;
    let bot = world.bot("binance", "trade").await;
    world.demo.stop();
    pause(200).await;
    let mut reply = bot.order().await;
    // A connection kept from before may break on the first call: then nobody can know.
    for _ in 0..3 {
        if reply.status == 502 {
            break;
        }
        reply = bot.order().await;
    }
    reply.binance(502, -1001, "exchange-unreachable");
    let not_sent =
        format!("{OUTCOMES} and success = false and error_message like 'not sent:%' and status_code is null");
    assert_eq!(world.count(&not_sent).await, 1);
}

#[tokio::test]
async fn refused_order_of_the_exchange_is_recorded_as_failed_with_its_code() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let huge = crate::bot::BUY.replace("0.001", "100");
    let reply = bot.binance("POST", "/api/v3/order", &huge).await;
    assert_eq!((reply.status, reply.body["code"].as_i64()), (400, Some(-2010)), "{}", reply.text);
    let failed = format!("{OUTCOMES} and success = false and status_code = 400 and error_message = '-2010'");
    assert_eq!(world.count(&failed).await, 1);
    let coinone = world.bot("coinone", "raw").await;
    let reply = coinone
        .coinone(
            "/v2.1/order/cancel",
            json!({"order_id": "de300000-0000-4000-8000-00000000ffff",
        "quote_currency": "KRW", "target_currency": "BTC"}),
        )
        .await;
    assert_eq!((reply.status, reply.body["result"].as_str()), (200, Some("error")), "{}", reply.text);
    let failed = format!("{OUTCOMES} and not success and status_code = 200 and exchange = 'coinone'");
    assert_eq!(world.count(&failed).await, 1, "an error in a success is an error");
}

#[tokio::test]
async fn read_is_recorded_within_a_second() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.account().await.is(200);
    pause(1000).await;
    let read =
        "api_key_usage_audit where class = 'read' and phase = 'event' and success and status_code = 200";
    assert_eq!(world.count(read).await, 1);
    assert_eq!(
        world.count("exchange_api_calls where phase = 'event' and response_time_ms is not null").await,
        1
    );
}

#[tokio::test]
async fn read_whose_client_goes_away_is_on_record_as_unknown() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.account().await.is(200);
    world.fault(Fault::Delay { ms: 4000 }, "/api/v3/account");
    let request = bot.binance_request("GET", "/api/v3/account", &bot.signed("", now()));
    assert!(request.timeout(Duration::from_millis(1500)).send().await.is_err());
    pause(500).await;
    world.flush().await;
    for (log, class) in [("api_key_usage_audit", "class = 'read' and"), ("exchange_api_calls", "")] {
        let unknown =
            format!("{log} where {class} success is null and error_message like 'outcome unknown%'");
        assert_eq!(world.count(&unknown).await, 1, "{log}");
    }
}

/// A batch holds records of many users.
#[tokio::test]
async fn record_that_the_database_does_not_take_costs_no_other_of_its_user() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let refuse = "create function keygate.refuse() returns trigger language plpgsql as
        $$ begin raise exception 'not this one'; end $$;
        grant execute on function keygate.refuse() to public;
        create trigger refuse before insert on api_key_usage_audit for each row
            when (new.endpoint = '/api/v3/openOrders') execute function keygate.refuse();";
    sqlx::raw_sql(refuse).execute(&mut world.superuser().await).await.unwrap();
    let before = world.count("api_key_usage_audit where class = 'read'").await;
    let read = async |number| {
        let path = if number == 3 { "/api/v3/openOrders" } else { "/api/v3/account" };
        bot.binance("GET", path, "").await.is(200);
    };
    let reads = (0..7).map(read);
    futures_util::future::join_all(reads).await;
    world.flush().await;
    assert_eq!(world.count("api_key_usage_audit where class = 'read'").await - before, 6);
    assert_eq!(world.count("exchange_api_calls where endpoint = '/api/v3/openOrders'").await, 0);
}

#[tokio::test]
async fn records_that_cannot_be_written_cost_no_other_user_theirs() {
    let world = World::new().await;
    let alice = world.bot("binance", "trade").await;
    let bobs = world.user("bob@example.com").await;
    let bob = Bot::make(&bobs, &connect(&bobs, "binance", "trade").await, Value::Null).await;
    let mut database = world.superuser().await;
    let mut held = database.begin().await.unwrap();
    sqlx::query("lock table exchange_api_calls in exclusive mode").execute(&mut *held).await.unwrap();
    alice.account().await.is(200);
    bob.account().await.is(200);
    let gone = sqlx::query("delete from exchange_connections where id = $1::uuid").bind(&bob.connection);
    gone.execute(&mut *held).await.unwrap();
    held.commit().await.unwrap();
    world.flush().await;
    let mine = format!("exchange_api_calls where connection_id = '{}'", alice.connection);
    assert_eq!(world.count(&mine).await, 1);
    assert_eq!(world.count("exchange_api_calls").await, 1, "a record of a connection that is gone is none");
}

impl Bot {
    /// When its access key, its exchange key and its connection were used last, behind the server's back.
    async fn last_used(&self, world: &World) -> [Option<OffsetDateTime>; 3] {
        let mut database = world.superuser().await;
        let mut times = [None; 3];
        for (time, source) in times.iter_mut().zip([
            format!("last_used_at from access_keys where id = '{}'", self.access_key),
            format!(
                "last_used from api_keys where id = (select api_key_id from exchange_connections where id = '{}')",
                self.connection
            ),
            format!(
                "api_key_last_used at time zone 'UTC' from exchange_connections where id = '{}'",
                self.connection
            ),
        ]) {
            let statement = AssertSqlSafe(format!("select {source}"));
            *time = sqlx::query_scalar(statement).fetch_one(&mut database).await.unwrap();
        }
        times
    }
}

#[tokio::test]
async fn last_use_is_told_to_the_second() {
    for orders in [false, true] {
        let world = World::new().await;
        let bot = world.bot("binance", "trade").await;
        let mut told = Vec::new();
        for ms in [0, 400, 800] {
            world.advance(time::Duration::milliseconds(ms));
            let answer = if orders { bot.order().await } else { bot.account().await };
            answer.is(200);
            world.flush().await;
            told.push(bot.last_used(&world).await);
        }
        assert!(told.iter().all(|times| times.iter().all(Option::is_some)), "{told:?}");
        assert_eq!(told[0], told[1], "written at most once a second");
        assert!(told[1].iter().zip(&told[2]).all(|(before, after)| before < after), "{told:?}");
    }
}

#[tokio::test]
async fn every_denial_with_a_known_owner_is_recorded_with_its_rule() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let wrong = Bot { secret: "x".repeat(64), ..bot.clone() };
    wrong.account().await.binance(400, -1022, "bad-signature");
    world.api.tell(&format!("/api/v1/connections/{}/pause", bot.connection)).await.is(200);
    bot.order().await.binance(403, -1002, "paused");
    world.flush().await;
    for rule in ["bad-signature", "paused"] {
        let denied =
            format!("api_key_usage_audit where rule = '{rule}' and decision = 'deny' and not success");
        assert_eq!(world.count(&denied).await, 1, "{rule}");
    }
    assert_eq!(world.count("exchange_api_calls").await, 0, "what was not sent is no call");
    assert_eq!(world.count(INTENTS).await, 0);
}

#[tokio::test]
async fn records_cannot_be_changed_by_the_service() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.order().await.is(200);
    let owner = sqlx::query_scalar::<_, uuid::Uuid>("select id from users")
        .fetch_one(&mut world.superuser().await)
        .await
        .unwrap();
    for statement in [
        "delete from api_key_usage_audit",
        "update api_key_usage_audit set success = false",
        "delete from exchange_api_calls",
        "update exchange_api_calls set success = false",
    ] {
        let db = &world.server.app.db;
        let refused = async |mut tx: keygate::db::Tx| sqlx::query(statement).execute(&mut *tx).await.is_err();
        assert!(refused(db.user(owner).await.unwrap()).await, "user: {statement}");
        assert!(refused(db.signer(owner).await.unwrap()).await, "signer: {statement}");
    }
}

#[tokio::test]
async fn stored_signature_is_forgotten_long_after_it_could_be_used_again() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.order().await.is(200);
    assert_eq!(world.count("keygate.used_signature").await, 1);
    keygate::job::round(&world.server.app).await;
    assert_eq!(world.count("keygate.used_signature").await, 1);
    for (minutes, left) in [(10, 1), (60, 0)] {
        world.advance(time::Duration::minutes(minutes));
        keygate::job::round(&world.server.app).await;
        assert_eq!(world.count("keygate.used_signature").await, left);
    }
}

#[tokio::test]
async fn no_table_holds_a_secret_after_trading() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.order().await.is(200);
    bot.account().await.is(200);
    world.flush().await;
    let real = crate::world::key("binance", "trade");
    let tables: Vec<String> = sqlx::query_scalar(
        "select schemaname || '.' || tablename from pg_tables where schemaname in ('public', 'keygate')",
    )
    .fetch_all(&mut world.superuser().await)
    .await
    .unwrap();
    assert!(tables.len() > 20);
    for table in tables {
        for text in [&secret(&real), &real.api_key, &bot.secret, &bot.token] {
            assert_eq!(world.count(&format!("{table} t where t::text like '%{text}%'")).await, 0, "{table}");
        }
    }
}

#[tokio::test]
async fn call_that_is_not_listed_is_on_record() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.binance("POST", "/api/v3/no/such/thing", "symbol=BTCUSDT").await.binance(400, -1130, "bad-request");
    bot.binance("POST", "/api/v3/order", "symbol=BTCUSDT&symbol=ETHUSDT").await.binance(
        400,
        -1130,
        "bad-request",
    );
    let token = bot.api.request("PUT", "/x/binance/api/v3/account?x=%").header("x-keygate-key", &bot.token);
    Reply::of(token).await.binance(400, -1130, "bad-request");
    // whoever shows no key, or one that nobody knows, is nobody's business
    Reply::of(bot.api.request("POST", "/x/binance/api/v3/no/such/thing")).await;
    let unknown = Bot { key: "kg_AAAAAAAA".to_owned(), ..bot.clone() };
    unknown.binance("POST", "/api/v3/no/such/thing", "symbol=A").await.binance(400, -1130, "bad-request");
    // nor does one bad header hide whose key stands in another
    let odd = bot.api.request("GET", "/x/binance/api/v3/no/such/thing").header("user-agent", "a\tb");
    Reply::of(odd.header("x-mbx-apikey", &bot.key)).await.binance(400, -1130, "bad-request");
    world.flush().await;
    let denied = "api_key_usage_audit where rule = 'bad-request' and decision = 'deny' and not success";
    assert_eq!(world.count(denied).await, 4);
    let of = |what: &str| format!("{denied} and {what}");
    assert_eq!(world.count(&of("endpoint = '/api/v3/no/such/thing' and http_method = 'POST'")).await, 1);
    assert_eq!(world.count(&of("endpoint = '/api/v3/order' and class = 'trade'")).await, 1);
}

#[tokio::test]
async fn call_with_two_keys_is_on_record_as_the_pairs() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let both = bot.binance_request("GET", "/api/v3/account", &bot.signed("", now()));
    Reply::of(both.header("x-keygate-key", &bot.token)).await.binance(403, -1002, "one-credential");
    world.flush().await;
    assert_eq!(
        world.count("api_key_usage_audit where rule = 'one-credential' and decision = 'deny'").await,
        1
    );
}

#[tokio::test]
async fn stop_waits_for_an_order_whose_client_left() {
    let world = World::new().await;
    let other = world.second_server().await;
    let bot = world.bot("binance", "trade").await.moved_to(&world.api.moved_to(&other));
    bot.account().await.is(200);
    world.fault(Fault::Delay { ms: 2500 }, "/api/v3/order");
    let order = tokio::spawn(async move { bot.order().await });
    while world.asked("/api/v3/order") == 0 {
        pause(10).await;
    }
    order.abort();
    pause(100).await;
    other.stop().await;
    let outcome = "api_key_usage_audit where phase = 'outcome' and success";
    assert_eq!(world.count(outcome).await, 1);
}
