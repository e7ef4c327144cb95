//! Keys of users: exchange keys with their permissions and generations, access keys of programs, and the key that
//! each user's secrets are sealed with.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::fixture::{ALICE, BOB, SPARE_KEY, id, run};
use crate::world::{Seeded, fresh_id, refusal};

#[tokio::test]
async fn a_new_key_may_read_and_nothing_else() {
    let seeded = Seeded::new().await;
    let mut tx = seeded.user(seeded.alice).await;
    let key = add_key(&mut tx, seeded.alice, "fresh").await.unwrap();
    let rights: (bool, bool, bool, bool, bool) = sqlx::query_as(
        "select can_read, can_trade, can_withdraw, can_transfer, can_manage_sub_accounts
         from api_key_permissions where api_key_id = $1",
    )
    .bind(key)
    .fetch_one(&mut *tx)
    .await
    .unwrap();
    assert_eq!(rights, (true, false, false, false, false));
}

#[tokio::test]
async fn a_permission_is_a_plain_yes_or_no_and_a_limit_a_plain_amount() {
    let mut seeded = Seeded::new().await;
    for (change, constraint) in [
        ("can_trade = null", "api_key_permissions_flags_check"),
        ("max_trade_amount_usd = -1", "api_key_permissions_amounts_check"),
        ("max_trade_amount_usd = 'NaN'", "api_key_permissions_amounts_check"),
        ("max_daily_withdrawal_usd = 'Infinity'", "api_key_permissions_amounts_check"),
        ("max_requests_per_minute = -1", "api_key_permissions_requests_check"),
    ] {
        let stopped =
            refusal(&mut seeded.superuser, &format!("update api_key_permissions set {change}")).await;
        assert_eq!(stopped.as_deref(), Some(constraint), "{change}");
    }
}

#[tokio::test]
async fn a_name_is_taken_once_among_current_keys() {
    let seeded = Seeded::new().await;
    let mut tx = seeded.user(seeded.alice).await;
    let first = add_key(&mut tx, seeded.alice, "Primary").await.unwrap();
    run(&mut tx, "savepoint again").await;
    let error = add_key(&mut tx, seeded.alice, "Primary").await.unwrap_err();
    assert_eq!(keygate::db::constraint(&error), Some("api_keys_user_id_exchange_environment_name_key"));
    run(&mut tx, "rollback to savepoint again").await;
    // a rotation: the old generation gets a grace period, and the name is free for the next one
    sqlx::query("update api_keys set rotation_grace_period_ends_at = now() + interval '1 day' where id = $1")
        .bind(first)
        .execute(&mut *tx)
        .await
        .unwrap();
    add_key(&mut tx, seeded.alice, "Primary").await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = seeded.user(seeded.bob).await;
    add_key(&mut tx, seeded.bob, "Primary").await.unwrap();
}

#[tokio::test]
async fn bots_follow_their_connection_to_the_next_generation() {
    let seeded = Seeded::new().await;
    let mut tx = seeded.user(seeded.alice).await;
    let next: Uuid = id("public.api_keys", ALICE, SPARE_KEY).parse().unwrap();
    sqlx::query("update exchange_connections set api_key_id = $1")
        .bind(next)
        .execute(&mut *tx)
        .await
        .unwrap();
    let keys: Vec<Uuid> =
        sqlx::query_scalar("select api_key_id from bot_configs").fetch_all(&mut *tx).await.unwrap();
    assert_eq!(keys, [next]);
    let stolen: Uuid = id("public.api_keys", BOB, SPARE_KEY).parse().unwrap();
    let error =
        sqlx::query("update exchange_connections set api_key_id = $1").bind(stolen).execute(&mut *tx).await;
    assert_eq!(keygate::db::constraint(&error.unwrap_err()), Some("exchange_connections_api_key_id_fkey"));
}

#[tokio::test]
async fn one_personal_key_is_active_and_a_bot_has_as_many_as_it_needs() {
    let seeded = Seeded::new().await;
    let bot: Uuid = id("public.bot_configs", ALICE, 1).parse().unwrap();
    let mut tx = seeded.user(seeded.alice).await;
    for number in 0..3 {
        add_access_key(&mut tx, seeded.alice, Some(bot), number).await.unwrap();
    }
    let personal = add_access_key(&mut tx, seeded.alice, None, 10).await.unwrap();
    run(&mut tx, "savepoint second").await;
    let error = add_access_key(&mut tx, seeded.alice, None, 11).await.unwrap_err();
    assert_eq!(keygate::db::constraint(&error), Some("idx_access_keys_one_active_per_user"));
    run(&mut tx, "rollback to savepoint second").await;
    sqlx::query("update access_keys set revoked_at = now() where id = $1")
        .bind(personal)
        .execute(&mut *tx)
        .await
        .unwrap();
    add_access_key(&mut tx, seeded.alice, None, 12).await.unwrap();
}

#[tokio::test]
async fn a_revoked_access_key_stays_revoked() {
    let seeded = Seeded::new().await;
    let mut tx = seeded.user(seeded.alice).await;
    run(&mut tx, "update access_keys set revoked_at = now()").await;
    for change in ["null", "now() + interval '1 year'"] {
        run(&mut tx, "savepoint change").await;
        let stopped = refusal(&mut tx, &format!("update access_keys set revoked_at = {change}")).await;
        assert_eq!(stopped.as_deref(), Some("access_keys_revoked_at_final"));
        run(&mut tx, "rollback to savepoint change").await;
    }
}

#[tokio::test]
async fn an_access_key_is_found_by_hash_or_prefix_before_its_user_is_known() {
    let mut seeded = Seeded::new().await;
    let by_prefix =
        "select access_key_id, user_id, revoked_at is not null, user_is_active, secret is not null
                     from keygate.find_access_key_by_prefix('atag1', $1)";
    let by_hash = "select access_key_id from keygate.find_access_key(encode(sha256('atag1'), 'hex'))";
    let expected: Uuid = id("public.access_keys", ALICE, 1).parse().unwrap();
    for mut tx in [seeded.world.db.gate().await.unwrap(), seeded.world.db.guest().await.unwrap()] {
        for (exchange, has_pair) in [(Some("x1"), true), (Some("other"), false), (None, false)] {
            let found: Vec<(Uuid, Uuid, bool, bool, bool)> =
                sqlx::query_as(by_prefix).bind(exchange).fetch_all(&mut *tx).await.unwrap();
            assert_eq!(found, [(expected, seeded.alice, false, true, has_pair)]);
        }
        let found: Vec<Uuid> = sqlx::query_scalar(by_hash).fetch_all(&mut *tx).await.unwrap();
        assert_eq!(found, [expected]);
    }
    run(
        &mut seeded.superuser,
        "update access_keys set revoked_at = now(); update users set is_active = false",
    )
    .await;
    let mut tx = seeded.world.db.gate().await.unwrap();
    let found: Vec<(Uuid, Uuid, bool, bool, bool)> =
        sqlx::query_as(by_prefix).bind("x1").fetch_all(&mut *tx).await.unwrap();
    assert_eq!(found, [(expected, seeded.alice, true, false, true)]);
    let found: Vec<Uuid> = sqlx::query_scalar(by_hash).fetch_all(&mut *tx).await.unwrap();
    assert!(found.is_empty());
}

#[tokio::test]
async fn of_many_first_keys_of_a_user_one_is_stored() {
    let seeded = Seeded::new().await;
    run(&mut seeded.world.scratch.superuser().await.unwrap(), "delete from user_encryption_keys").await;
    let mut stored = 0;
    let attempts: Vec<_> = (0..8)
        .map(|number| {
            let db = seeded.world.db.clone();
            let user = seeded.alice;
            tokio::spawn(async move {
                let mut tx = db.user(user).await.unwrap();
                let won = store_user_key(&mut tx, 1, number).await.unwrap();
                tx.commit().await.unwrap();
                won
            })
        })
        .collect();
    for attempt in attempts {
        stored += usize::from(attempt.await.unwrap());
    }
    assert_eq!(stored, 1);
}

#[tokio::test]
async fn the_next_version_of_a_user_key_keeps_the_former_in_the_history() {
    let seeded = Seeded::new().await;
    run(&mut seeded.world.scratch.superuser().await.unwrap(), "delete from keygate.user_key_history").await;
    let mut tx = seeded.user(seeded.alice).await;
    assert!(!store_user_key(&mut tx, 1, 1).await.unwrap(), "the first version is there already");
    assert!(!store_user_key(&mut tx, 3, 1).await.unwrap(), "a version was skipped");
    assert!(store_user_key(&mut tx, 2, 1).await.unwrap());
    let load = "select version, is_current from keygate.load_user_key($1)";
    let versions: Vec<(i32, bool)> =
        sqlx::query_as(load).bind(seeded.alice).fetch_all(&mut *tx).await.unwrap();
    assert_eq!(versions, [(2, true), (1, false)]);
    let foreign = sqlx::query(load).bind(seeded.bob).fetch_all(&mut *tx).await;
    assert!(foreign.is_err_and(|error| error.as_database_error().unwrap().code().unwrap() == "42501"));
}

#[tokio::test]
async fn nobody_without_a_context_stores_a_user_key() {
    let seeded = Seeded::new().await;
    let mut tx = seeded.user(seeded.alice).await;
    run(&mut tx, "set local keygate.ctx = ''").await;
    assert!(store_user_key(&mut tx, 1, 1).await.is_err());
    let mut tx = seeded.world.db.signer(seeded.alice).await.unwrap();
    assert!(store_user_key(&mut tx, 2, 1).await.is_err(), "the gateway has no business with it");
}

async fn add_key(connection: &mut PgConnection, user: Uuid, name: &str) -> sqlx::Result<Uuid> {
    sqlx::query_scalar(
        "insert into api_keys (id, user_id, exchange, encrypted_api_key, encrypted_secret, key_iv, secret_iv, name)
         values ($1, $2, 'coinone', $3, $3, $4, $4, $5) returning id",
    )
    .bind(fresh_id())
    .bind(user)
    .bind(format!("kg1.1.{}", "A".repeat(66)))
    .bind("A".repeat(16))
    .bind(name)
    .fetch_one(connection)
    .await
}

async fn add_access_key(
    connection: &mut PgConnection,
    user: Uuid,
    bot: Option<Uuid>,
    number: u8,
) -> sqlx::Result<Uuid> {
    sqlx::query_scalar(
        "insert into access_keys (id, user_id, key_hash, key_prefix, bot_id)
         values ($1, $2, encode(sha256($3::text::bytea), 'hex'), $3, $4) returning id",
    )
    .bind(fresh_id())
    .bind(user)
    .bind(format!("kg_{number:08}"))
    .bind(bot)
    .fetch_one(connection)
    .await
}

async fn store_user_key(connection: &mut PgConnection, version: i32, number: usize) -> sqlx::Result<bool> {
    sqlx::query_scalar("select keygate.store_user_key($1, $2, $3, 1)")
        .bind(version)
        .bind(format!("kgm1.1.{}{number}", "A".repeat(66)))
        .bind("A".repeat(16))
        .fetch_one(connection)
        .await
}
