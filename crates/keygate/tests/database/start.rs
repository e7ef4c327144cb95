//! Starting on a database: preparation, migrations, the keyring.

use keygate::cluster::Cluster;
use keygate::db::{Boot, Db, Error, LOGINS, Scratch, Settings, prepare};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::fixture::{run, seed};
use crate::world::{CONTEXT_KEY, Seeded, World, fresh_id, refusal};

#[tokio::test]
async fn preparing_and_migrating_again_changes_nothing() {
    let scratch = Scratch::new().await.unwrap();
    let mut superuser = scratch.superuser().await.unwrap();
    let before = catalogue(&mut superuser).await;
    prepare(&mut superuser, None).await.unwrap();
    let mut boot = Boot::connect(&scratch.settings()).await.unwrap();
    let version = boot.schema_version().await.unwrap();
    boot.migrate().await.unwrap();
    assert_eq!(boot.schema_version().await.unwrap(), version);
    assert!(version >= Some(15));
    assert_eq!(catalogue(&mut superuser).await, before);
}

#[tokio::test]
async fn a_schema_from_the_future_is_refused_and_left_alone() {
    let scratch = Scratch::new().await.unwrap();
    let mut superuser = scratch.superuser().await.unwrap();
    run(&mut superuser, "insert into keygate.migrations values (9999, 'future', now(), true, '\\x00', 1)")
        .await;
    let mut boot = Boot::connect(&scratch.settings()).await.unwrap();
    let error = boot.migrate().await.unwrap_err();
    assert!(matches!(error, Error::NewerSchema { found: 9999, .. }), "{error}");
}

#[tokio::test]
async fn a_data_migration_that_would_see_no_rows_fails_instead() {
    let seeded = Seeded::new().await;
    let mut boot = Boot::connect(&seeded.world.scratch.settings()).await.unwrap();
    run(&mut boot, "set role keygate_owner").await;
    assert_eq!(refusal(&mut boot, "update public.api_keys set name = name").await.as_deref(), Some("42501"));
}

#[tokio::test]
async fn one_instance_starts_at_a_time() {
    let scratch = Scratch::new().await.unwrap();
    let first = Boot::connect(&scratch.settings()).await.unwrap();
    let settings = scratch.settings();
    let second = tokio::spawn(async move { Boot::connect(&settings).await.map(|_| ()) });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(!second.is_finished());
    first.close().await.unwrap();
    second.await.unwrap().unwrap();
}

#[tokio::test]
async fn pools_with_another_context_key_act_for_nobody() {
    let world = World::new().await;
    let alice = world.add_user("alice").await;
    let stranger = Db::connect(&world.scratch.settings(), &[9; 32]);
    let mut tx = stranger.user(alice).await.unwrap();
    assert_eq!(refusal(&mut tx, "select id from users").await.as_deref(), Some("42501"));
}

#[tokio::test]
async fn the_logins_of_an_external_database_get_the_password() {
    let scratch = Scratch::new().await.unwrap();
    let mut superuser = scratch.superuser().await.unwrap();
    prepare(&mut superuser, Some("it's a pass\\word")).await.unwrap();
    let with_password =
        "select rolname::text from pg_authid where rolpassword like 'SCRAM-SHA-256$%' order by 1";
    let found: Vec<String> = sqlx::query_scalar(with_password).fetch_all(&mut superuser).await.unwrap();
    let mut expected = LOGINS.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(found, expected);
    let log = std::fs::read_to_string(scratch.cluster().directory().join("server.log")).unwrap();
    assert!(!log.contains("pass\\word"));
}

#[tokio::test]
async fn an_external_database_is_used_with_its_password_and_not_without() {
    let world = World::new().await;
    let alice = world.add_user("alice").await;
    let mut superuser = world.scratch.superuser().await.unwrap();
    prepare(&mut superuser, Some("right")).await.unwrap();
    let name: String =
        sqlx::query_scalar("select current_database()::text").fetch_one(&mut superuser).await.unwrap();
    let directory = world.scratch.cluster().directory();
    let rules = format!("local {name} all scram-sha-256\nlocal all all trust\n");
    std::fs::write(directory.join("data/pg_hba.conf"), rules).unwrap();
    run(&mut superuser, "select pg_reload_conf()").await;
    let url = format!("postgres://localhost/{name}?host={}", directory.display());
    for (password, expected) in [(Some("right"), true), (Some("wrong"), false), (None, false)] {
        let settings = Settings::external(&url, password).unwrap();
        let seen = match Db::connect(&settings, &CONTEXT_KEY).user(alice).await {
            Ok(mut tx) => refusal(&mut tx, "select id from users").await.is_none(),
            Err(_) => false,
        };
        assert_eq!(seen, expected, "{password:?}");
        assert_eq!(Boot::connect(&settings).await.is_ok(), expected);
    }
}

#[tokio::test]
async fn a_dead_connection_is_replaced() {
    let world = World::new().await;
    let alice = world.add_user("alice").await;
    drop(world.db.user(alice).await.unwrap());
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let mut superuser = world.scratch.superuser().await.unwrap();
    run(
        &mut superuser,
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'keygate_app' and datname = current_database()",
    )
    .await;
    let mut tx = world.db.user(alice).await.unwrap();
    assert_eq!(refusal(&mut tx, "select id from users").await, None);
}

#[tokio::test]
async fn a_connection_left_with_a_role_or_a_context_is_not_handed_out() {
    let world = World::new().await;
    let alice = world.add_user("alice").await;
    for dirt in ["set session role authenticated", "set session keygate.ctx = 'left behind'"] {
        let mut tx = world.db.user(alice).await.unwrap();
        let dirty = pid(&mut tx).await;
        // out of the transaction, as no code of ours can: a plain `commit` behind the back of sqlx
        run(&mut tx, &format!("commit; {dirt}; begin")).await;
        tx.commit().await.unwrap();
        for _ in 0..3 {
            let mut tx = world.db.user(alice).await.unwrap();
            assert_ne!(pid(&mut tx).await, dirty, "{dirt}");
        }
    }
}

#[tokio::test]
async fn a_master_key_is_destroyed_only_when_nothing_needs_it() {
    let scratch = Scratch::new().await.unwrap();
    seed(&mut scratch.superuser().await.unwrap()).await;
    let mut boot = Boot::connect(&scratch.settings()).await.unwrap();
    assert!(!yes(&mut boot, "keygate.destroy_keyring(1)").await, "it is active");
    run(
        &mut boot,
        "select keygate.insert_keyring(2, 'test', 'test', '\\x00', '\\x0000000000000000', 'pending')",
    )
    .await;
    assert!(yes(&mut boot, "keygate.promote_keyring(2)").await);
    assert!(!yes(&mut boot, "keygate.destroy_keyring(1)").await, "users' keys are wrapped with it");
    loop {
        let rows: Vec<(String, i32, String)> =
            sqlx::query_as("select user_id::text, version, encrypted_key from keygate.list_user_keys(1, 3)")
                .fetch_all(&mut *boot)
                .await
                .unwrap();
        let Some((user, version, old)) = rows.into_iter().next() else { break };
        let new = format!("kgm1.2.{}", "A".repeat(66));
        let iv = "A".repeat(16);
        assert!(
            !yes(
                &mut boot,
                &format!("keygate.rewrap_user_key('{user}', {version}, 'stale', '{new}', '{iv}', 2)")
            )
            .await
        );
        assert!(
            yes(
                &mut boot,
                &format!("keygate.rewrap_user_key('{user}', {version}, '{old}', '{new}', '{iv}', 2)")
            )
            .await
        );
    }
    assert!(yes(&mut boot, "keygate.destroy_keyring(1)").await);
    let left: Vec<i32> =
        sqlx::query_scalar("select kid from keygate.load_keyring()").fetch_all(&mut *boot).await.unwrap();
    assert_eq!(left, [2]);
}

#[tokio::test]
async fn a_late_writer_cannot_be_stranded_under_a_dying_key() {
    let seeded = Seeded::new().await;
    let mut boot = Boot::connect(&seeded.world.scratch.settings()).await.unwrap();
    run(
        &mut boot,
        "select keygate.insert_keyring(2, 'test', 'test', '\\x00', '\\x0000000000000000', 'pending')",
    )
    .await;
    let mut superuser = seeded.world.scratch.superuser().await.unwrap();
    run(&mut superuser, "delete from keygate.user_key_history; update user_encryption_keys set kid = 2")
        .await;
    // Alice writes under key 1, which is still active, and takes her time
    let mut writer = seeded.user(seeded.alice).await;
    let store =
        format!("select keygate.store_user_key(2, 'kgm1.1.{}', '{}', 1)", "A".repeat(66), "A".repeat(16));
    run(&mut writer, &store).await;
    let promotion = tokio::spawn(async move {
        let promoted = yes(&mut boot, "keygate.promote_keyring(2)").await;
        (promoted, yes(&mut boot, "keygate.destroy_keyring(1)").await)
    });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(!promotion.is_finished(), "the promotion did not wait for the writer");
    writer.commit().await.unwrap();
    assert_eq!(promotion.await.unwrap(), (true, false), "Alice's key would have been lost");
    // and from now on nobody writes under it
    let mut late = seeded.user(seeded.bob).await;
    assert_eq!(refusal(&mut late, &store).await.as_deref(), Some("user_encryption_keys_kid_writable"));
}

#[tokio::test]
async fn a_key_is_promoted_only_when_every_live_instance_has_it() {
    let scratch = Scratch::new().await.unwrap();
    let mut boot = Boot::connect(&scratch.settings()).await.unwrap();
    for (kid, state) in [(1, "active"), (2, "pending")] {
        run(
            &mut boot,
            &format!(
                "select keygate.insert_keyring({kid}, 't', 't', '\\x00', '\\x0000000000000000', '{state}')"
            ),
        )
        .await;
    }
    let node = "'00000000-0000-4000-8000-000000000001'";
    run(&mut boot, &format!("select keygate.report_node({node}, '{{1}}', 'v')")).await;
    assert!(!yes(&mut boot, "keygate.promote_keyring(2)").await);
    run(&mut boot, &format!("select keygate.report_node({node}, '{{1,2}}', 'v')")).await;
    assert!(yes(&mut boot, "keygate.promote_keyring(2)").await);
    assert!(!yes(&mut boot, "keygate.promote_keyring(2)").await, "it is active already");
}

#[tokio::test]
async fn there_is_one_active_master_key() {
    let scratch = Scratch::new().await.unwrap();
    let mut boot = Boot::connect(&scratch.settings()).await.unwrap();
    let insert = |kid| {
        format!("select keygate.insert_keyring({kid}, 't', 't', '\\x00', '\\x0000000000000000', 'active')")
    };
    assert_eq!(refusal(&mut boot, &insert(1)).await, None);
    assert_eq!(refusal(&mut boot, &insert(2)).await.as_deref(), Some("keyring_state_key"));
}

#[tokio::test]
async fn no_role_but_that_of_the_start_reaches_the_keyring() {
    let seeded = Seeded::new().await;
    for call in [
        "select keygate.load_keyring()",
        "select keygate.load_service_keys()",
        "select keygate.load_signing_keys('jwt')",
        "select keygate.destroy_keyring(1)",
        "select keygate.list_user_keys(1, 1)",
        "select wrapped from keygate.keyring",
    ] {
        for mut tx in [
            seeded.user(seeded.alice).await,
            seeded.world.db.signer(seeded.alice).await.unwrap(),
            seeded.world.db.service().await.unwrap(),
            seeded.world.db.admin(seeded.alice).await.unwrap(),
            seeded.world.db.guest().await.unwrap(),
        ] {
            assert_eq!(refusal(&mut tx, call).await.as_deref(), Some("42501"), "{call}");
        }
    }
}

#[tokio::test]
async fn the_backup_reads_every_row_and_the_keyring_but_not_the_key_of_contexts() {
    let seeded = Seeded::new().await;
    let backup = seeded.world.scratch.settings().as_role("keygate_backup");
    let mut backup = PgConnection::connect_with(&backup).await.unwrap();
    let rows: i64 = sqlx::query_scalar("select count(*) from api_keys").fetch_one(&mut backup).await.unwrap();
    assert_eq!(rows, 4);
    assert_eq!(refusal(&mut backup, "select * from keygate.keyring").await, None);
    assert_eq!(refusal(&mut backup, "select * from keygate.ctx_key").await.as_deref(), Some("42501"));
}

#[tokio::test]
async fn an_error_does_not_quote_the_row_in_the_way() {
    let seeded = Seeded::new().await;
    let mut tx = seeded.user(seeded.bob).await;
    let taken =
        sqlx::query("update users set email = 'atag1@example.test'").execute(&mut *tx).await.unwrap_err();
    let error = Error::from(taken);
    assert_eq!(error.constraint(), Some("users_email_key"));
    for text in [format!("{error}"), format!("{error:?}")] {
        assert!(!text.contains("atag1"), "{text}");
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_told_from_a_refusal() {
    assert!(!Error::from(sqlx::Error::RowNotFound).is_unavailable());
    let cluster = Cluster::throw_away(None).unwrap();
    let patience = std::time::Duration::from_millis(300);
    let db = Db::connect(&Settings::private(&cluster, "any").with_patience(patience), &CONTEXT_KEY);
    drop(cluster);
    let error = db.user(fresh_id()).await.map(|_| ()).unwrap_err();
    assert!(error.is_unavailable(), "{error}");
}

async fn pid(connection: &mut PgConnection) -> i32 {
    sqlx::query_scalar("select pg_backend_pid()").fetch_one(connection).await.unwrap()
}

async fn yes(connection: &mut PgConnection, call: &str) -> bool {
    sqlx::query_scalar(AssertSqlSafe(format!("select {call}"))).fetch_one(connection).await.unwrap()
}

/// Everything a second run could have changed: rights, policies, settings of roles.
async fn catalogue(superuser: &mut PgConnection) -> Vec<String> {
    let select = "select c.oid::regclass || ' ' || coalesce(c.relacl::text, '') from pg_class c
                  where c.relnamespace in ('public'::regnamespace, 'keygate'::regnamespace)
                  union all select tablename || policyname || coalesce(qual, '') from pg_policies
                  union all select rolname || rolcanlogin || rolinherit || rolbypassrls || coalesce(rolconfig::text, '')
                  from pg_roles
                  union all select datacl::text from pg_database where datname = current_database()
                  union all select m.roleid::regrole || ' ' || m.member::regrole from pg_auth_members m
                  order by 1";
    sqlx::query_scalar(select).fetch_all(superuser).await.unwrap()
}
