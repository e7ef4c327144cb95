//! A later instance: by its clock nothing can arrive at the exchange any more, and it asks about everything that is open.

use std::path::PathBuf;

use keygate::{
    clock::Clock,
    config::{Config, Flags},
    gateway::reconcile,
    http::Listener,
    start::{Server, Store, open_database, start_with},
};
use sqlx::PgConnection;

/// With the keys of this data directory, on this database or on the one that is kept there.
pub async fn later(
    data_dir: PathBuf,
    demo: &demo_exchange::Running,
    clock: &Clock,
    store: Option<Store>,
) -> Server {
    let flags =
        Flags { data_dir: Some(data_dir), listen: vec!["127.0.0.1:0".parse().unwrap()], ..Flags::default() };
    let mut config = Config::load(&flags).unwrap();
    config.demo.origin = demo.url();
    clock.advance(time::Duration::seconds(200));
    let listener = Listener::bind(&config.listen).await.unwrap();
    let store = match store {
        Some(store) => store,
        None => open_database(&config).await.map_err(|fatal| fatal.what).unwrap(),
    };
    start_with(config, clock.clone(), false, listener, store).await.map_err(|fatal| fatal.what).unwrap()
}

/// Nothing stays open, and the record is signed up to its end.
pub async fn settle(server: &Server, superuser: &mut PgConnection, clock: &Clock) {
    let open = "select count(*) from keygate.reservation where state in ('reserved', 'sent', 'unknown')";
    let mut left: i64 = sqlx::query_scalar(open).fetch_one(&mut *superuser).await.unwrap();
    println!("{left} reservations are asked about");
    for _ in 0..20 {
        if left == 0 {
            break;
        }
        reconcile::round(&server.app).await.unwrap();
        server.app.gate.ledger.flush().await;
        left = sqlx::query_scalar(open).fetch_one(&mut *superuser).await.unwrap();
        clock.advance(time::Duration::seconds(20));
    }
    assert_eq!(left, 0, "reservations stay open");
    keygate::audit::checkpoint(&server.app).await.unwrap();
}
