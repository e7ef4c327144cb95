//! Records: appended by those who act, changed by nobody, and still there when their subject is gone.

use uuid::Uuid;

use crate::fixture::{ALICE, BOB, id};
use crate::world::{Seeded, fresh_id, refusal};

const LOGS: [&str; 3] = ["api_key_usage_audit", "exchange_api_calls", "vault_access_log"];

#[tokio::test]
async fn nobody_rewrites_or_erases_a_record() {
    let seeded = Seeded::new().await;
    for log in LOGS {
        for change in [
            format!("update {log} set success = false"),
            format!("delete from {log}"),
            format!("truncate {log}"),
        ] {
            for mut tx in [
                seeded.user(seeded.alice).await,
                seeded.world.db.signer(seeded.alice).await.unwrap(),
                seeded.world.db.service().await.unwrap(),
                seeded.world.db.admin(seeded.alice).await.unwrap(),
            ] {
                assert_eq!(refusal(&mut tx, &change).await.as_deref(), Some("42501"), "{change}");
            }
        }
    }
}

#[tokio::test]
async fn deleting_a_key_takes_what_hangs_on_it_but_not_the_records() {
    let mut seeded = Seeded::new().await;
    let mut tx = seeded.user(seeded.alice).await;
    sqlx::query("delete from api_keys where id = $1").bind(key(ALICE)).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let mine = format!("user_id = '{}'", seeded.alice);
    for gone in [
        "exchange_connections",
        "exchange_balances",
        "bot_configs",
        "access_keys",
        "keygate.virtual_key",
        "api_key_rotation_schedule",
    ] {
        assert_eq!(seeded.count(&format!("{gone} where {mine}")).await, 0, "{gone}");
    }
    assert_eq!(seeded.count(&format!("api_key_permissions where api_key_id = '{}'", key(ALICE))).await, 0);
    for kept in LOGS {
        assert_eq!(seeded.count(&format!("{kept} where {mine}")).await, 1, "{kept}");
    }
    assert_eq!(seeded.count(&format!("bot_configs where user_id = '{}'", seeded.bob)).await, 1);
}

/// Nobody adds a row by their own right but the service, of an event without a place in a chain; and a row is of a key of its user.
#[tokio::test]
async fn a_record_is_of_a_key_of_its_user_and_no_statement_of_the_gateway_adds_one() {
    let seeded = Seeded::new().await;
    let insert = |user: Uuid, key: Uuid| {
        format!("insert into api_key_usage_audit (api_key_id, user_id, operation_type, endpoint, phase, request_id)
                 values ('{key}', '{user}', 'order', '/', 'intent', gen_random_uuid())")
    };
    for (user, key, expected) in [
        (seeded.alice, key(ALICE), None),
        (seeded.bob, key(BOB), None),
        (seeded.alice, id("keygate.own_key", ALICE, 1).parse().unwrap(), None),
        (
            seeded.alice,
            id("keygate.own_key", BOB, 1).parse().unwrap(),
            Some("api_key_usage_audit_api_key_id_fkey"),
        ),
        (seeded.alice, key(BOB), Some("api_key_usage_audit_api_key_id_fkey")),
        (seeded.alice, fresh_id(), Some("api_key_usage_audit_api_key_id_fkey")),
    ] {
        let mut superuser = seeded.world.scratch.superuser().await.unwrap();
        assert_eq!(refusal(&mut superuser, &insert(user, key)).await.as_deref(), expected);
        for mut tx in [seeded.user(user).await, seeded.world.db.signer(user).await.unwrap()] {
            assert_eq!(refusal(&mut tx, &insert(user, key)).await.as_deref(), Some("42501"));
        }
    }
}

/// What is checked once for a statement is checked of every row in it.
#[tokio::test]
async fn one_foreign_subject_among_many_refuses_them_all() {
    let mut seeded = Seeded::new().await;
    let (user, other) = (seeded.alice, |table| id(table, BOB, 1));
    let own = |table| id(table, ALICE, 1);
    for (log, columns, subject, constraint) in [
        (
            "api_key_usage_audit",
            "api_key_id, user_id, operation_type, endpoint",
            "public.api_keys",
            "api_key_usage_audit_api_key_id_fkey",
        ),
        (
            "exchange_api_calls",
            "connection_id, user_id, method, endpoint, id, created_at",
            "public.exchange_connections",
            "exchange_api_calls_connection_id_fkey",
        ),
    ] {
        let before = seeded.count(log).await;
        let rest = if log == "exchange_api_calls" { ", gen_random_uuid(), now()" } else { "" };
        let row = |subject: &str| format!("('{subject}', '{user}', 'x', '/'{rest})");
        for (subjects, expected) in [
            ([own(subject), own(subject), other(subject)], Some(constraint)),
            ([other(subject), own(subject), own(subject)], Some(constraint)),
            ([own(subject), own(subject), own(subject)], None),
        ] {
            let rows = subjects.map(|subject| row(&subject)).join(", ");
            let insert = format!("insert into {log} ({columns}) values {rows}");
            let added = if expected.is_none() { 3 } else { 0 };
            assert_eq!(refusal(&mut seeded.superuser, &insert).await.as_deref(), expected, "{log}");
            assert_eq!(seeded.count(log).await, before + added);
        }
    }
}

#[tokio::test]
async fn an_intent_and_its_outcome_need_a_request() {
    let seeded = Seeded::new().await;
    for log in ["api_key_usage_audit", "exchange_api_calls"] {
        for phase in ["intent", "outcome"] {
            let mut superuser = seeded.world.scratch.superuser().await.unwrap();
            let change = format!("update {log} set phase = '{phase}'");
            assert_eq!(refusal(&mut superuser, &change).await, Some(format!("{log}_request_id_check")));
        }
    }
}

#[tokio::test]
async fn a_key_event_is_recorded_for_the_caller_only() {
    let mut seeded = Seeded::new().await;
    for (key, expected) in [(key(ALICE), None), (key(BOB), Some("api_key_usage_audit_api_key_id_fkey"))] {
        let mut tx = seeded.user(seeded.alice).await;
        let record = format!(
            "select keygate.record_key_event('{}', null, '{key}', 'verified', '/api/v1/connections')",
            fresh_id()
        );
        assert_eq!(refusal(&mut tx, &record).await.as_deref(), expected);
        tx.commit().await.ok();
    }
    let recorded =
        format!("api_key_usage_audit where operation_type = 'verified' and user_id = '{}'", seeded.alice);
    assert_eq!(seeded.count(&recorded).await, 1);
    assert_eq!(seeded.count("api_key_usage_audit where operation_type = 'verified'").await, 1);
}

/// Only what the gateway and the management side need: rows that follow, by those who have the key.
#[tokio::test]
async fn nobody_writes_a_head_and_few_a_link() {
    let seeded = Seeded::new().await;
    let signer = || seeded.world.db.signer(seeded.alice);
    for change in [
        "update keygate.audit_head set seq = 0",
        "insert into keygate.audit_head (user_id, log, seq, mac) values (null, 'exchange_api_calls', 0, '')",
        "delete from keygate.audit_head",
        "update keygate.audit_stub set seq = 9",
        "select keygate.prune_audit(null, 'exchange_api_calls', 9, '', now(), '', '')",
        "update api_key_usage_audit set chain_seq = 7",
    ] {
        let service = seeded.world.db.service().await.unwrap();
        for mut tx in [seeded.user(seeded.alice).await, signer().await.unwrap(), service] {
            assert_eq!(refusal(&mut tx, change).await.as_deref(), Some("42501"), "{change}");
        }
    }
    let call = |seq: i64| {
        format!("insert into exchange_api_calls (id, connection_id, user_id, endpoint, method, created_at, chain_seq,
                        chain_key, chain_mac)
                 values ('{}', '{}', '{}', '/', 'GET', now(), {seq}, 1, sha256('x'))",
            fresh_id(), id("public.exchange_connections", ALICE, 1), seeded.alice)
    };
    for mut tx in [seeded.user(seeded.alice).await, signer().await.unwrap()] {
        assert_eq!(refusal(&mut tx, &call(1)).await.as_deref(), Some("42501"));
    }
    for (seq, expected) in
        [(1, None), (2, Some("exchange_api_calls_chain")), (-1, Some("exchange_api_calls_chain_check"))]
    {
        let mut tx = signer().await.unwrap();
        sqlx::query("select keygate.lock_chains(array['exchange_api_calls'], '{}', '{}', '{}')")
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let mut superuser = seeded.world.scratch.superuser().await.unwrap();
        assert_eq!(
            refusal(&mut superuser, &format!("begin; {}", call(seq))).await.as_deref(),
            expected,
            "{seq}"
        );
    }
}

#[tokio::test]
async fn an_event_for_nobody_is_refused() {
    let seeded = Seeded::new().await;
    let mut tx = seeded.user(seeded.alice).await;
    let record = format!(
        "set local keygate.ctx = ''; select keygate.record_key_event('{}', null, '{}', 'x', '/')",
        fresh_id(),
        key(ALICE)
    );
    assert!(refusal(&mut tx, &record).await.is_some());
}

fn key(user: u8) -> Uuid {
    id("public.api_keys", user, 1).parse().unwrap()
}
