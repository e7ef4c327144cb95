//! Two replicas on a PostgreSQL of their own, which writes to disk before it says so; one of the three is killed again and
//! again. Then everything that is open is asked about, and the books have to agree.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    process::Command,
    time::{Duration, Instant},
};

use keygate::{
    clock::Clock,
    cluster::Cluster,
    db::{LOGINS, Settings, prepare_cluster},
    start::Store,
};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use crate::{
    a_moment,
    books::{Arrived, compare, compare_reservations},
    bot,
    bots::Bots,
    cycles, rich_exchange,
    settling::{later, settle},
    spawned_keygate::Service,
    the_record_is_whole,
};

struct Database {
    cluster: Cluster,
    _data: TempDir,
}

impl Database {
    async fn new() -> Database {
        let data = tempfile::tempdir().unwrap();
        fs::set_permissions(data.path(), Permissions::from_mode(0o711)).unwrap();
        let cluster = Cluster::start(data.path(), &LOGINS).unwrap();
        prepare_cluster(&cluster, "keygate").await.unwrap();
        Database { cluster, _data: data }
    }

    fn url(&self) -> String {
        let socket = self.cluster.directory().to_str().unwrap().replace('/', "%2F");
        format!("postgres://keygate_migrator@{socket}/keygate")
    }

    async fn superuser(&self) -> PgConnection {
        let options = self.cluster.options().username("postgres").database("keygate");
        PgConnection::connect_with(&options).await.unwrap()
    }

    /// Killed, and started again as whoever runs it would.
    fn kill(&self) {
        let pid = self.cluster.pid().to_string();
        assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
        let ended = Instant::now();
        while self.cluster.is_running() {
            assert!(ended.elapsed() < Duration::from_secs(10));
            std::thread::sleep(Duration::from_millis(5));
        }
        self.cluster.revive().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_killed_no_order_is_lost_doubled_or_left_open() {
    let (kills, clock) = (cycles(12), Clock::default());
    let demo = rich_exchange(&clock).await;
    let database = Database::new().await;
    let mut first = Service::unborn(&demo.url());
    first.environment = vec![("KEYGATE_DATABASE__URL", database.url())];
    let token = first.set_up().await;
    let mut second = Service::unborn(&demo.url());
    let key_file = first.data_dir().join("master.key").to_str().unwrap().to_owned();
    second.environment = vec![first.environment[0].clone(), ("KEYGATE_MASTER_KEY__PATH", key_file)];
    second.start();
    let (key, secret) = bot(&first, &token).await;
    let bases = [first.base.clone(), second.base.clone()];
    let (bots, mut arrived) = (Bots::start(6, &bases, &key, &secret), Arrived::default());
    for turn in 0..kills {
        bots.next_order().await;
        a_moment().await;
        tokio::task::block_in_place(|| match turn % 3 {
            0 => restart(&mut first),
            1 => restart(&mut second),
            _ => database.kill(),
        });
        arrived.collect(&demo);
    }
    bots.next_order().await;
    // both at once, with whatever is under way
    first.kill();
    second.kill();
    let orders = bots.stop().await;
    arrived.collect(&demo);
    let store = Store { settings: Settings::external(&database.url(), None).unwrap(), cluster: None };
    let third = later(first.data_dir(), &demo, &clock, Some(store)).await;
    let mut superuser = database.superuser().await;
    settle(&third, &mut superuser, &clock).await;
    third.stop().await;
    compare(&mut superuser, &arrived, &orders, kills).await;
    the_record_is_whole(&first.data_dir(), &first.environment);
    compare_reservations(&mut superuser, &arrived).await;
}

fn restart(service: &mut Service) {
    service.kill();
    service.start();
}
