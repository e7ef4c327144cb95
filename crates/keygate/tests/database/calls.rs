//! What the gateway writes calls with: functions that are shown who it acts for, and write for nobody else.

use crate::fixture::{ALICE, BOB, id};
use crate::world::{Seeded, refusal};

const REFUSED: Option<&str> = Some("42501");

fn listed(texts: &[String]) -> String {
    texts.iter().map(|text| format!("'{text}'")).collect::<Vec<_>>().join(", ")
}

/// A call of `keygate.write_calls` with what may be of somebody else.
fn write(contexts: &[String], windows: &str, held: &str, lines: &str) -> String {
    let contexts = listed(contexts);
    format!(
        "select keygate.write_calls(array[{contexts}]::text[], now(), array[{windows}]::uuid[], array['trade-day'],
             array[date_trunc('day', now())], array[77], array[{held}]::keygate.held_call[], '{{}}', '{{}}',
             array[{lines}]::keygate.call_record[], '{{}}', '{{}}', '{{}}', '{{}}')"
    )
}

/// A call of `keygate.open_calls` for one window of the first user.
fn open(contexts: &[String], connection: &str) -> String {
    format!(
        "select keygate.open_calls(array[{}]::text[], '{{}}', array['{connection}']::uuid[], array[1], array['trade-day'],
             array[date_trunc('day', now(), 'UTC')], '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', null, '{{}}', '{{}}', '{{}}')",
        listed(contexts)
    )
}

fn held(user: u8) -> String {
    let (owner, connection) = (crate::fixture::user_id(user), id("public.exchange_connections", user, 1));
    let (key, access_key) = (id("public.api_keys", user, 1), id("public.access_keys", user, 1));
    format!(
        "row(gen_random_uuid(), 0, '{owner}', '{connection}', '{key}', '{access_key}', 'trade', 'gate', 'live', 'BTC', null,
             null, 5, null, now(), now())::keygate.held_call"
    )
}

fn line(user: u8) -> String {
    let (owner, connection) = (crate::fixture::user_id(user), id("public.exchange_connections", user, 1));
    format!(
        "jsonb_populate_record(null::keygate.call_record, jsonb_build_object('id', gen_random_uuid(), 'at', now(),
             'user_id', '{owner}', 'api_key_id', '{}', 'connection_id', '{connection}', 'phase', 'event',
             'decision', 'allow', 'method', 'GET', 'endpoint', '/'))",
        id("public.api_keys", user, 1)
    )
}

#[tokio::test]
async fn calls_are_written_for_those_who_are_proved_and_nobody_else() {
    let seeded = Seeded::new().await;
    let (alice, bob) = (seeded.alice, seeded.bob);
    for (proved, held, line, expected) in [
        (vec![alice], held(ALICE), line(ALICE), None),
        (vec![alice, bob], held(BOB), line(BOB), None),
        (vec![alice], held(BOB), String::new(), REFUSED),
        (vec![alice], String::new(), line(BOB), REFUSED),
        (vec![alice], held(ALICE), format!("{}, {}", line(ALICE), line(BOB)), REFUSED),
        (Vec::new(), String::new(), String::new(), REFUSED),
    ] {
        let mut tx = seeded.world.db.signer(alice).await.unwrap();
        let statement = write(&tx.contexts(&proved), "", &held, &line);
        assert_eq!(refusal(&mut tx, &statement).await.as_deref(), expected, "{statement}");
    }
}

#[tokio::test]
async fn forged_context_proves_nobody() {
    let seeded = Seeded::new().await;
    let tx = seeded.world.db.signer(seeded.alice).await.unwrap();
    let own = tx.contexts(&[seeded.alice]).remove(0);
    let forged = own.replace(&seeded.alice.to_string(), &seeded.bob.to_string());
    for contexts in [vec![forged.clone()], vec![own.clone(), forged], vec![own, String::new()]] {
        let mut tx = seeded.world.db.signer(seeded.alice).await.unwrap();
        assert_eq!(refusal(&mut tx, &write(&contexts, "", "", "")).await.as_deref(), REFUSED);
        let mut tx = seeded.world.db.signer(seeded.alice).await.unwrap();
        let connection = id("public.exchange_connections", ALICE, 1);
        assert_eq!(refusal(&mut tx, &open(&contexts, &connection)).await.as_deref(), REFUSED);
    }
}

#[tokio::test]
async fn windows_of_somebody_else_are_neither_begun_nor_read_nor_changed() {
    let mut seeded = Seeded::new().await;
    let theirs = id("public.exchange_connections", BOB, 1);
    let today =
        "keygate.spend_window where kind = 'trade-day' and starts_at = date_trunc('day', now(), 'UTC')";
    sqlx::query("delete from keygate.spend_window").execute(&mut seeded.superuser).await.unwrap();
    let mut tx = seeded.world.db.signer(seeded.alice).await.unwrap();
    let begin = open(&tx.contexts(&[seeded.alice]), &theirs);
    assert_eq!(refusal(&mut tx, &begin).await.as_deref(), Some("spend_window_connection_id_fkey"));
    let mut tx = seeded.world.db.signer(seeded.bob).await.unwrap();
    let own = open(&tx.contexts(&[seeded.bob]), &theirs);
    assert_eq!(refusal(&mut tx, &own).await, None);
    tx.commit().await.unwrap();
    let mut tx = seeded.world.db.signer(seeded.alice).await.unwrap();
    let read = open(&tx.contexts(&[seeded.alice]), &theirs);
    assert_eq!(refusal(&mut tx, &read).await.as_deref(), REFUSED);
    let mut tx = seeded.world.db.signer(seeded.alice).await.unwrap();
    let change = write(&tx.contexts(&[seeded.alice]), &format!("'{theirs}'"), "", "");
    assert_eq!(refusal(&mut tx, &change).await, None);
    tx.commit().await.unwrap();
    assert_eq!(seeded.count(&format!("{today} and used = 0")).await, 1, "it is Bob's, and as he left it");
}

#[tokio::test]
async fn only_the_gateway_may_call_them() {
    let seeded = Seeded::new().await;
    let contexts = seeded.user(seeded.alice).await.contexts(&[seeded.alice]);
    let connection = id("public.exchange_connections", ALICE, 1);
    for statement in [write(&contexts, "", "", ""), open(&contexts, &connection)] {
        for mut tx in [
            seeded.user(seeded.alice).await,
            seeded.world.db.service().await.unwrap(),
            seeded.world.db.admin(seeded.alice).await.unwrap(),
        ] {
            assert_eq!(refusal(&mut tx, &statement).await.as_deref(), REFUSED);
        }
    }
}

#[tokio::test]
async fn transaction_acts_for_the_first_of_those_it_proved() {
    let seeded = Seeded::new().await;
    let mut tx = seeded.world.db.signer(seeded.bob).await.unwrap();
    let statement = write(&tx.contexts(&[seeded.alice, seeded.bob]), "", "", "");
    assert_eq!(refusal(&mut tx, &statement).await, None);
    let user: uuid::Uuid = sqlx::query_scalar("select keygate.uid()").fetch_one(&mut *tx).await.unwrap();
    assert_eq!(user, seeded.alice);
}
