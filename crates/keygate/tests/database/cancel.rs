//! Requests that go away at any moment: no connection comes back dirty, and the pools stay whole.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keygate::db::{Db, Sizes};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::world::{CONTEXT_KEY, World};

const ROUNDS: u64 = 6000;
const ENOUGH: Duration = Duration::from_secs(60);
const SMALL: Sizes = Sizes { app: 4, gateway: 4, jobs: 1, admin: 1 };

/// What was logged at ERROR, where the pool reports a dirty connection.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_requests_leave_no_dirty_connection() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::ERROR).with_writer(move || writer.clone());
    subscriber.init();
    let world = World::new().await;
    let users = [world.add_user("alice").await, world.add_user("bob").await, world.add_user("carol").await];
    let db = Db::connect(&world.scratch.settings().with_sizes(SMALL), &CONTEXT_KEY);
    let (mut finished, mut cancelled) = (0, 0);
    let mut running = JoinSet::new();
    for round in 0..ROUNDS {
        let (db, user) = (db.clone(), users[round as usize % 3]);
        // from before the first message to after the last one; every third may take all the time it needs
        let patience =
            if round.is_multiple_of(3) { ENOUGH } else { Duration::from_micros(round * 7919 % 20_000) };
        running.spawn(async move { tokio::time::timeout(patience, request(db, user, round)).await.is_ok() });
        while running.len() >= 32 {
            if running.join_next().await.unwrap().unwrap() { finished += 1 } else { cancelled += 1 }
        }
    }
    while let Some(outcome) = running.join_next().await {
        if outcome.unwrap() { finished += 1 } else { cancelled += 1 }
    }
    println!("cancellations: {cancelled} of {ROUNDS}, {finished} finished");
    assert!(cancelled >= 1000 && finished >= 100, "{cancelled} cancelled, {finished} finished");
    assert_pools_are_whole(&db, &users).await;
    assert_nothing_lingers(&world).await;
    let log = log.0.lock().unwrap();
    assert!(log.is_empty(), "{}", String::from_utf8_lossy(&log));
}

/// A request as the server makes them: open, look, change, and now and then take long.
async fn request(db: Db, user: Uuid, round: u64) {
    let mut tx =
        if round.is_multiple_of(2) { db.user(user).await.unwrap() } else { db.signer(user).await.unwrap() };
    let seen: Vec<Uuid> = sqlx::query_scalar("select id from users").fetch_all(&mut *tx).await.unwrap();
    assert_eq!(seen, [user], "a row of somebody else");
    if round.is_multiple_of(5) {
        sqlx::query("select pg_sleep(0.001)").execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// As many transactions at once as the pools have connections: none was lost on the way.
async fn assert_pools_are_whole(db: &Db, users: &[Uuid; 3]) {
    let mut open = Vec::new();
    for number in 0..4 {
        open.push(db.user(users[number % 3]).await.unwrap());
        open.push(db.signer(users[number % 3]).await.unwrap());
    }
    assert_eq!(open.len(), 8);
}

async fn assert_nothing_lingers(world: &World) {
    let mut superuser = world.scratch.superuser().await.unwrap();
    let lingering =
        "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in%'";
    for _ in 0..100 {
        let count: i64 = sqlx::query_scalar(lingering).fetch_one(&mut superuser).await.unwrap();
        if count == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("a transaction stayed open");
}
