//! Accounts: one spelling, one owner, and no promotion by one's own hand.

use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use crate::fixture::run;
use crate::world::{Seeded, World, fresh_id, refusal};

#[tokio::test]
async fn an_address_is_one_account_however_it_is_spelled() {
    let world = World::new().await;
    world.add_user("alice").await;
    for (email, constraint) in [
        ("alice@example.test", "users_email_key"),
        ("Alice@example.test", "users_email_check"),
        (" alice@example.test", "users_email_check"),
        ("\u{ff41}lice@example.test", "users_email_check"), // a full-width letter
        ("alice", "users_email_check"),
    ] {
        let id = fresh_id();
        let mut tx = world.db.user(id).await.unwrap();
        let insert = format!(
            "insert into users (id, email, name, password_hash) values ('{id}', '{email}', 'n', '!')"
        );
        assert_eq!(refusal(&mut tx, &insert).await.as_deref(), Some(constraint), "{email}");
    }
}

#[tokio::test]
async fn nobody_promotes_or_reactivates_themselves_or_reads_a_hash() {
    let seeded = Seeded::new().await;
    for statement in [
        "update users set role = 'owner'",
        "update users set is_active = true",
        "update users set created_at = now()",
        "select password_hash from users",
        "select * from users",
        "insert into users (id, email, name, password_hash, role) values (keygate.uid(), 'x@x', 'x', '!', 'admin')",
    ] {
        for mut tx in [seeded.user(seeded.alice).await, seeded.world.db.admin(seeded.alice).await.unwrap()] {
            assert_eq!(refusal(&mut tx, statement).await.as_deref(), Some("42501"), "{statement}");
        }
    }
}

#[tokio::test]
async fn whatever_changes_who_someone_is_ends_their_sessions() {
    let mut seeded = Seeded::new().await;
    let mut stamp = stamp(&mut seeded.superuser, seeded.alice).await;
    for change in [
        "password_hash = '$argon2id-hmac-sha256$new'",
        "role = 'admin'",
        "is_active = false",
        "email = 'new@example.test'",
        "security_stamp = security_stamp + 1",
    ] {
        run(&mut seeded.superuser, &format!("update users set {change} where id = '{}'", seeded.alice)).await;
        let raised = self::stamp(&mut seeded.superuser, seeded.alice).await;
        assert_eq!(raised, stamp + 1, "{change}");
        stamp = raised;
    }
    run(&mut seeded.superuser, "update users set last_login_at = now(), name = 'm'").await;
    assert_eq!(self::stamp(&mut seeded.superuser, seeded.alice).await, stamp);
    let lowered = refusal(&mut seeded.superuser, "update users set security_stamp = 1").await;
    assert_eq!(lowered.as_deref(), Some("users_security_stamp_monotonic"));
}

#[tokio::test]
async fn of_many_setups_at_once_one_makes_the_owner() {
    let world = World::new().await;
    let attempts: Vec<_> = (0..6)
        .map(|number| {
            let db = world.db.clone();
            tokio::spawn(async move {
                let mut tx = db.guest().await.unwrap();
                let create = format!(
                    "select keygate.create_owner('{}', 'o{number}@example.test', 'o', '!')",
                    fresh_id()
                );
                let made: bool = sqlx::query_scalar(AssertSqlSafe(create)).fetch_one(&mut *tx).await.unwrap();
                tx.commit().await.unwrap();
                made
            })
        })
        .collect();
    let mut owners = 0;
    for attempt in attempts {
        owners += usize::from(attempt.await.unwrap());
    }
    assert_eq!(owners, 1);
    let mut tx = world.db.guest().await.unwrap();
    assert!(sqlx::query_scalar::<_, bool>("select keygate.has_owner()").fetch_one(&mut *tx).await.unwrap());
}

#[tokio::test]
async fn a_guest_finds_one_account_by_its_address_and_no_table() {
    let seeded = Seeded::new().await;
    let mut tx = seeded.world.db.guest().await.unwrap();
    let find = "select id from keygate.find_login($1)";
    for (email, expected) in
        [("atag1@example.test", vec![seeded.alice]), ("%", vec![]), ("nobody@example.test", vec![])]
    {
        let found: Vec<Uuid> = sqlx::query_scalar(find).bind(email).fetch_all(&mut *tx).await.unwrap();
        assert_eq!(found, expected, "{email}");
    }
    assert_eq!(refusal(&mut tx, "select id from users").await.as_deref(), Some("42501"));
}

/// Who has proved a password is known by the context alone, which no statement can make.
#[tokio::test]
async fn a_guest_opens_no_session_and_gives_nobody_a_password() {
    let mut seeded = Seeded::new().await;
    let alice = seeded.alice;
    let hash = "0".repeat(64);
    let open = [
        "select keygate.signed_in(now(), 'mine')".to_owned(),
        format!(
            "select keygate.open_session(gen_random_uuid(), '{hash}', now(), now() + interval '1 h', '::1', '')"
        ),
        format!("select keygate.open_family(gen_random_uuid(), '{hash}', now(), now(), now())"),
        format!("select keygate.remember_device('{hash}', now())"),
        format!("select keygate.revoke_family('{alice}', now(), 'x')"),
    ];
    for statement in &open {
        let mut tx = seeded.world.db.guest().await.unwrap();
        assert_eq!(refusal(&mut tx, statement).await.as_deref(), Some("42501"), "{statement}");
        let mut tx = seeded.world.db.guest().await.unwrap();
        let forged = format!("set local keygate.ctx = '{alice}|9999999999|{hash}'");
        run(&mut tx, &forged).await;
        assert_eq!(refusal(&mut tx, statement).await.as_deref(), Some("42501"), "{statement}");
    }
    let before = format!("select password_hash from users where id = '{alice}'");
    let before: String =
        sqlx::query_scalar(AssertSqlSafe(before)).fetch_one(&mut seeded.superuser).await.unwrap();
    assert_ne!(before, "mine");
}

#[tokio::test]
async fn an_administrators_role_without_an_administrator_sees_nobody_else() {
    let mut seeded = Seeded::new().await;
    let seen = "select count(*) from (select id from users where id <> keygate.uid()) u";
    for (role, sees) in [("user", false), ("admin", true)] {
        run(
            &mut seeded.superuser,
            &format!("update users set role = '{role}' where id = '{}'", seeded.alice),
        )
        .await;
        let mut tx = seeded.world.db.admin(seeded.alice).await.unwrap();
        let seen: i64 = sqlx::query_scalar(seen).fetch_one(&mut *tx).await.unwrap();
        assert_eq!(seen > 0, sees, "{role}: {seen}");
    }
}

#[tokio::test]
async fn an_admin_changes_others_but_neither_the_owner_nor_oneself() {
    let mut seeded = Seeded::new().await;
    let (admin, user) = (seeded.alice, seeded.bob);
    let owner = seeded.world.add_user("owner").await;
    run(&mut seeded.superuser, &format!("update users set role = 'owner' where id = '{owner}'")).await;
    for (who, whom, role, expected) in [
        (user, admin, "user", Some("users_admin_required")),
        (admin, user, "user", Some("users_admin_required")),
        (admin, user, "admin", None),
        (admin, owner, "admin", Some("users_admin_reach")),
        (admin, admin, "admin", Some("users_admin_reach")),
        (owner, user, "admin", None),
    ] {
        run(&mut seeded.superuser, &format!("update users set role = '{role}' where id = '{admin}'")).await;
        for change in [
            format!("select keygate.set_user_active('{whom}', false)"),
            format!("select keygate.set_user_role('{whom}', 'admin')"),
        ] {
            let mut tx = seeded.world.db.admin(who).await.unwrap();
            assert_eq!(refusal(&mut tx, &change).await.as_deref(), expected, "{change}");
        }
    }
    let mut tx = seeded.world.db.admin(owner).await.unwrap();
    let second = format!("select keygate.set_user_role('{user}', 'owner')");
    assert_eq!(refusal(&mut tx, &second).await.as_deref(), Some("users_admin_reach"));
    let mut tx = seeded.user(owner).await;
    let change = format!("select keygate.set_user_active('{user}', false)");
    assert_eq!(refusal(&mut tx, &change).await.as_deref(), Some("42501"), "outside the admin's pool");
}

#[tokio::test]
async fn the_list_of_users_is_for_admins_and_has_no_hashes() {
    let mut seeded = Seeded::new().await;
    run(&mut seeded.superuser, &format!("update users set role = 'admin' where id = '{}'", seeded.alice))
        .await;
    for (who, expected) in [(seeded.alice, 2), (seeded.bob, 0)] {
        let mut tx = seeded.world.db.admin(who).await.unwrap();
        let listed: Vec<Uuid> =
            sqlx::query_scalar("select id from keygate.list_users()").fetch_all(&mut *tx).await.unwrap();
        assert_eq!(listed.len(), expected);
        let hashes = refusal(&mut tx, "select password_hash from keygate.list_users()").await;
        assert_eq!(hashes.as_deref(), Some("42703"), "there is no such column");
    }
}

#[tokio::test]
async fn a_deactivated_admin_is_no_admin() {
    let mut seeded = Seeded::new().await;
    run(&mut seeded.superuser, "update users set role = 'admin', is_active = false").await;
    let mut tx = seeded.world.db.admin(seeded.alice).await.unwrap();
    let change = format!("select keygate.set_user_active('{}', true)", seeded.bob);
    assert_eq!(refusal(&mut tx, &change).await.as_deref(), Some("users_admin_required"));
}

#[tokio::test]
async fn exchanges_are_numbered_from_101_and_added_by_admins() {
    let seeded = Seeded::new().await;
    let mut tx = seeded.world.db.admin(seeded.alice).await.unwrap();
    run(&mut tx, "insert into exchanges (exchange_name) values ('Kraken')").await;
    let known: Vec<(i32, String)> =
        sqlx::query_as("select exchange_id, exchange_name::text from exchanges order by 1")
            .fetch_all(&mut *tx)
            .await
            .unwrap();
    assert_eq!(known, [(101, "Coinone".into()), (102, "Binance".into()), (103, "Kraken".into())]);
    let again = refusal(&mut tx, "insert into exchanges (exchange_name) values ('Binance')").await;
    assert_eq!(again.as_deref(), Some("exchanges_exchange_name_key"));
}

async fn stamp(superuser: &mut PgConnection, user: Uuid) -> i32 {
    sqlx::query_scalar("select security_stamp from users where id = $1")
        .bind(user)
        .fetch_one(superuser)
        .await
        .unwrap()
}
