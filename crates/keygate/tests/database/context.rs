//! Who a transaction acts for, and that nobody can choose it by SQL.

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use keygate::db::Tx;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::world::{CONTEXT_KEY, World};

/// A context as the service makes it.
pub fn mint(user_id: &str, pid: i32) -> String {
    sign(&format!("{user_id}|4102444800"), pid, &CONTEXT_KEY)
}

fn sign(claim: &str, pid: i32, key: &[u8]) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), format!("{claim}|{pid}").as_bytes());
    format!("{claim}|{}", HEXLOWER.encode(tag.as_ref()))
}

#[tokio::test]
async fn a_user_sees_their_own_row_and_no_other() {
    let world = World::new().await;
    let (alice, bob) = (world.add_user("alice").await, world.add_user("bob").await);
    for user in [alice, bob] {
        let mut tx = world.db.user(user).await.unwrap();
        assert_eq!(users_seen(&mut tx).await.unwrap(), [user]);
    }
}

/// What an attacker would try who can run any SQL as the application, and knows the victim's id.
fn forgeries(victim: Uuid, thief: Uuid, pid: i32, genuine: &str) -> Vec<(&'static str, String)> {
    let future = 4_102_444_800_i64;
    let mac = genuine.rsplit('|').next().unwrap();
    let expiry = genuine.split('|').nth(1).unwrap();
    vec![
        ("only the user", victim.to_string()),
        // the first regression: a comparison with a missing part is null, and `if null` does not raise
        ("no tag", format!("{victim}|{future}")),
        ("an empty tag", format!("{victim}|{future}|")),
        ("a tag of zeros", format!("{victim}|{future}|{}", "0".repeat(64))),
        ("the thief's own tag", format!("{victim}|{expiry}|{mac}")),
        ("the thief's own context, for longer", format!("{thief}|{future}|{mac}")),
        ("a tag under another key", sign(&format!("{victim}|{future}"), pid, &[8; 32])),
        ("a tag under an empty key", sign(&format!("{victim}|{future}"), pid, &[])),
        ("a context of another connection", sign(&format!("{victim}|{future}"), pid + 1, &CONTEXT_KEY)),
        ("an expired context", sign(&format!("{victim}|1"), pid, &CONTEXT_KEY)),
        ("no expiry", sign(&format!("{victim}|"), pid, &CONTEXT_KEY)),
        ("an expiry that is no number", sign(&format!("{victim}|never"), pid, &CONTEXT_KEY)),
        ("a fourth part", format!("{}|x", sign(&format!("{victim}|{future}"), pid, &CONTEXT_KEY))),
        ("parts moved", sign(&format!("{future}|{victim}"), pid, &CONTEXT_KEY)),
        ("the tag in capitals", format!("{victim}|{expiry}|{}", mac.to_uppercase())),
        ("bars only", "||".to_owned()),
        ("no user", sign(&format!("|{future}"), pid, &CONTEXT_KEY)),
        ("a wildcard", sign(&format!("%|{future}"), pid, &CONTEXT_KEY)),
    ]
}

#[tokio::test]
async fn a_forged_context_shows_nothing() {
    let world = World::new().await;
    let (victim, thief) = (world.add_user("victim").await, world.add_user("thief").await);
    let mut tried = 0;
    let count = forgeries(victim, thief, 0, "||").len();
    for number in 0..count {
        let mut tx = world.db.user(thief).await.unwrap();
        let (pid, genuine): (i32, String) =
            sqlx::query_as("select pg_backend_pid(), current_setting('keygate.ctx')")
                .fetch_one(&mut *tx)
                .await
                .unwrap();
        let (name, forged) = forgeries(victim, thief, pid, &genuine).swap_remove(number);
        set_context(&mut tx, &forged).await;
        let error = users_seen(&mut tx).await.expect_err(name);
        let code = error.as_database_error().unwrap().code().unwrap().into_owned();
        // 42501 from our check; 22P02 where a correctly signed text is no number or no uuid
        assert!(code == "42501" || code == "22P02", "{name}: {code}");
        tried += 1;
    }
    println!("contexts: {tried} forged forms refused");
    assert!(tried >= 13);
}

#[tokio::test]
async fn no_context_is_nobody() {
    let world = World::new().await;
    let alice = world.add_user("alice").await;
    for forget in
        ["set local keygate.ctx = ''", "reset keygate.ctx", "set local app.user_id = 'x'; reset keygate.ctx"]
    {
        let mut tx = world.db.user(alice).await.unwrap();
        sqlx::raw_sql(forget).execute(&mut *tx).await.unwrap();
        let nobody: Option<Uuid> =
            sqlx::query_scalar("select keygate.uid()").fetch_one(&mut *tx).await.unwrap();
        assert_eq!(nobody, None, "{forget}");
        assert!(users_seen(&mut tx).await.unwrap().is_empty(), "{forget}");
    }
}

#[tokio::test]
async fn a_context_lapses_within_its_transaction() {
    let world = World::new().await;
    let alice = world.add_user("alice").await;
    let mut tx = world.db.user(alice).await.unwrap();
    let now: i64 = sqlx::query_scalar("select extract(epoch from clock_timestamp())::int8")
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    let pid: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut *tx).await.unwrap();
    set_context(&mut tx, &sign(&format!("{alice}|{}", now + 1), pid, &CONTEXT_KEY)).await;
    assert_eq!(users_seen(&mut tx).await.unwrap(), [alice]);
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    assert!(users_seen(&mut tx).await.is_err());
}

#[tokio::test]
async fn the_key_of_contexts_is_out_of_reach() {
    let world = World::new().await;
    let alice = world.add_user("alice").await;
    for statement in [
        "select k from keygate.ctx_key",
        "update keygate.ctx_key set k = ''",
        "select keygate.install_context_key('\\x00')",
        "create function pg_temp.hmac(bytea, bytea, text) returns bytea return ''::bytea",
        "create function public.hmac(text, text, text) returns bytea return ''::bytea",
        "alter function keygate.uid() reset search_path",
    ] {
        for mut tx in every_kind(&world, alice).await {
            let error = sqlx::raw_sql(statement).execute(&mut *tx).await.expect_err(statement);
            assert_eq!(code(&error), "42501", "{statement}: {error}");
        }
    }
}

#[tokio::test]
async fn a_pool_cannot_take_the_role_of_another() {
    let world = World::new().await;
    let alice = world.add_user("alice").await;
    let allowed = [
        vec!["authenticated", "anon"],
        vec!["authenticated", "anon"],
        vec!["keygate_signer"],
        vec!["keygate_signer"],
        vec!["service_role"],
        // an admin is a user too, and as one sees nothing but the own rows
        vec!["keygate_admin", "authenticated"],
    ];
    let roles: Vec<String> = {
        let mut superuser = world.scratch.superuser().await.unwrap();
        let select =
            "select rolname::text from pg_roles where rolname !~ '^pg_' or rolname = 'pg_read_all_data'";
        sqlx::query_scalar(select).fetch_all(&mut superuser).await.unwrap()
    };
    for role in &roles {
        for (mut tx, allowed) in every_kind(&world, alice).await.into_iter().zip(&allowed) {
            let own: String =
                sqlx::query_scalar("select session_user::text").fetch_one(&mut *tx).await.unwrap();
            let taken = sqlx::query("select set_config('role', $1, true)").bind(role).execute(&mut *tx).await;
            let expected = allowed.contains(&role.as_str()) || *role == own;
            assert_eq!(taken.is_ok(), expected, "{own} taking {role}: {taken:?}");
        }
    }
    assert!(roles.len() >= 14, "{roles:?}");
}

#[tokio::test]
async fn a_batch_acts_for_one_user_after_the_other() {
    let world = World::new().await;
    let (alice, bob) = (world.add_user("alice").await, world.add_user("bob").await);
    let mut batch = world.db.signers(alice).await.unwrap();
    for user in [alice, bob, alice] {
        let tx = batch.of(user).await.unwrap();
        assert_eq!(users_seen(tx).await.unwrap(), [user]);
    }
    batch.commit().await.unwrap();
}

async fn every_kind(world: &World, user: Uuid) -> Vec<Tx> {
    vec![
        world.db.user(user).await.unwrap(),
        world.db.guest().await.unwrap(),
        world.db.signer(user).await.unwrap(),
        world.db.gate().await.unwrap(),
        world.db.service().await.unwrap(),
        world.db.admin(user).await.unwrap(),
    ]
}

async fn users_seen(connection: &mut PgConnection) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar("select id from users").fetch_all(connection).await
}

async fn set_context(connection: &mut PgConnection, context: &str) {
    sqlx::query("select set_config('keygate.ctx', $1, true)")
        .bind(context)
        .execute(connection)
        .await
        .unwrap();
}

fn code(error: &sqlx::Error) -> String {
    error.as_database_error().unwrap().code().unwrap().into_owned()
}
