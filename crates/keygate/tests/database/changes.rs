//! Every change of what a user may do is announced within a second, and nothing else is.

use std::time::Duration;

use sqlx::postgres::PgListener;
use uuid::Uuid;

use crate::fixture::run;
use crate::world::Seeded;

/// Alice's doing, as the role that may do it.
const ANNOUNCED: [&str; 12] = [
    "update users set email = 'new@example.test'",
    "update api_keys set is_active = false",
    "update api_key_permissions set can_trade = true",
    "update exchange_connections set is_enabled = false",
    "update exchange_connections set deleted_at = now(), destroy_after = now()",
    "update bot_configs set is_active = false",
    "update access_keys set revoked_at = now()",
    "update access_keys set scopes = '{}'::text[] || 'read'::text",
    "update keygate.virtual_key set secret = 'kg1.1.' || repeat('B', 66)",
    "delete from keygate.virtual_key",
    "delete from access_keys",
    "delete from api_keys",
];

/// What the gateway itself writes while it serves.
const SILENT: [&str; 4] = [
    "update api_keys set last_used = now()",
    "update access_keys set last_used_at = now()",
    "update access_keys set last_used_address = '192.0.2.1'",
    "update exchange_connections set api_key_last_used = now()",
];

#[tokio::test]
async fn a_change_is_announced_with_its_user_within_a_second() {
    for change in ANNOUNCED {
        let seeded = Seeded::new().await;
        let mut listener = seeded.world.db.listen(keygate::db::CHANGED).await.unwrap();
        let mut tx = seeded.user(seeded.alice).await;
        run(&mut tx, change).await;
        tx.commit().await.unwrap();
        assert_eq!(next(&mut listener).await, Some(seeded.alice), "{change}");
    }
}

#[tokio::test]
async fn a_user_key_and_a_deactivation_are_announced() {
    let mut seeded = Seeded::new().await;
    let mut listener = seeded.world.db.listen(keygate::db::CHANGED).await.unwrap();
    for change in
        ["update user_encryption_keys set key_iv = repeat('B', 16)", "update users set is_active = false"]
    {
        run(&mut seeded.superuser, &format!("{change} where {}", user_column(change, seeded.alice))).await;
        assert_eq!(next(&mut listener).await, Some(seeded.alice), "{change}");
    }
}

#[tokio::test]
async fn serving_a_call_does_not_empty_the_cache_it_was_served_from() {
    let seeded = Seeded::new().await;
    let mut listener = seeded.world.db.listen(keygate::db::CHANGED).await.unwrap();
    for silent in SILENT {
        let mut tx = seeded.world.db.signer(seeded.alice).await.unwrap();
        run(&mut tx, silent).await;
        tx.commit().await.unwrap();
    }
    // a control that does arrive, so that silence means silence
    let mut tx = seeded.user(seeded.bob).await;
    run(&mut tx, "update bot_configs set is_active = false").await;
    tx.commit().await.unwrap();
    assert_eq!(next(&mut listener).await, Some(seeded.bob));
}

#[tokio::test]
async fn what_is_rolled_back_is_not_announced() {
    let seeded = Seeded::new().await;
    let mut listener = seeded.world.db.listen(keygate::db::CHANGED).await.unwrap();
    let mut tx = seeded.user(seeded.alice).await;
    run(&mut tx, "update bot_configs set is_active = false").await;
    tx.rollback().await.unwrap();
    assert_eq!(next(&mut listener).await, None);
}

/// The tables whose rows decide what a caller may do; a table without its trigger would serve stale rights.
#[tokio::test]
async fn every_table_that_decides_announces() {
    let mut seeded = Seeded::new().await;
    let select =
        "select distinct tgrelid::regclass::text from pg_trigger where tgname like '%\\_announce' order by 1";
    let announcing: Vec<String> = sqlx::query_scalar(select).fetch_all(&mut seeded.superuser).await.unwrap();
    let expected = [
        "access_keys",
        "api_key_permissions",
        "api_keys",
        "bot_configs",
        "exchange_connections",
        "keygate.panic",
        "keygate.suspension",
        "keygate.virtual_key",
        "user_encryption_keys",
        "users",
    ];
    assert_eq!(announcing, expected);
}

fn user_column(change: &str, user: Uuid) -> String {
    let column = if change.starts_with("update users") { "id" } else { "user_id" };
    format!("{column} = '{user}'")
}

async fn next(listener: &mut PgListener) -> Option<Uuid> {
    let notification = tokio::time::timeout(Duration::from_secs(1), listener.recv()).await.ok()?.unwrap();
    Some(notification.payload().parse().unwrap())
}
