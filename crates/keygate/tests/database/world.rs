//! A migrated database of one's own.

use std::sync::atomic::{AtomicU64, Ordering};

use keygate::db::{Boot, Db, Scratch, Tx};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use crate::fixture::{self, ALICE, BOB};

/// The key that signs contexts in these tests.
pub const CONTEXT_KEY: [u8; 32] = [7; 32];

/// A scratch database and the pools to it.
pub struct World {
    pub db: Db,
    pub scratch: Scratch,
}

impl World {
    pub async fn new() -> World {
        let scratch = Scratch::new().await.unwrap();
        let mut boot = Boot::connect(&scratch.settings()).await.unwrap();
        boot.install_context_key(&CONTEXT_KEY).await.unwrap();
        boot.close().await.unwrap();
        let db = Db::connect(&scratch.settings(), &CONTEXT_KEY);
        World { db, scratch }
    }
}

impl World {
    /// A user who is allowed to do what users do.
    pub async fn add_user(&self, name: &str) -> Uuid {
        let id = fresh_id();
        let mut tx = self.db.user(id).await.unwrap();
        sqlx::query("insert into users (id, email, name, password_hash) values ($1, $2, $3, '!')")
            .bind(id)
            .bind(format!("{name}@example.test"))
            .bind(name)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        id
    }
}

/// An id that no other row has.
pub fn fresh_id() -> Uuid {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Uuid::from_u64_pair(0x7e57_0000_0000_4000, 0x8000_0000_0000_0000 | NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A world with Alice and Bob and a row of each in every table.
pub struct Seeded {
    pub world: World,
    pub superuser: PgConnection,
    pub alice: Uuid,
    pub bob: Uuid,
}

impl Seeded {
    pub async fn new() -> Seeded {
        let world = World::new().await;
        let mut superuser = world.scratch.superuser().await.unwrap();
        fixture::seed(&mut superuser).await;
        let user = |user| fixture::user_id(user).parse().unwrap();
        Seeded { world, superuser, alice: user(ALICE), bob: user(BOB) }
    }

    pub async fn user(&self, id: Uuid) -> Tx {
        self.world.db.user(id).await.unwrap()
    }

    /// How many rows there are, whoever they belong to.
    pub async fn count(&mut self, what: &str) -> i64 {
        let select = format!("select count(*) from {what}");
        sqlx::query_scalar(AssertSqlSafe(select)).fetch_one(&mut self.superuser).await.unwrap()
    }
}

/// Run a statement and report the constraint or right that stopped it: its name, or its SQLSTATE.
pub async fn refusal(connection: &mut PgConnection, statement: &str) -> Option<String> {
    let error = sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.err()?;
    let error = error.as_database_error().unwrap_or_else(|| panic!("{error}\n{statement}"));
    Some(
        error
            .constraint()
            .map(str::to_owned)
            .unwrap_or_else(|| error.code().unwrap_or_default().into_owned()),
    )
}
