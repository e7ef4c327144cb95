//! The private PostgreSQL, while the service goes on: it is started again at once, and meanwhile nothing is signed.

use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

use keygate::clock::Clock;

use crate::{
    a_moment,
    books::{Arrived, compare, compare_reservations},
    bot,
    bots::{Bots, Order},
    cycles, rich_exchange,
    settling::{later, settle},
    spawned_keygate::{Service, now_ms},
    the_record_is_whole,
};

/// From the end of the server to the next order that is confirmed.
const LONGEST: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn private_database_that_is_killed_is_back_at_once_and_nothing_is_signed_meanwhile() {
    let (kills, clock) = (cycles(6), Clock::default());
    let demo = rich_exchange(&clock).await;
    let (mut service, token) = Service::new(&demo.url()).await;
    let (key, secret) = bot(&service, &token).await;
    let (bots, mut arrived) = (Bots::start(4, &[service.base.clone()], &key, &secret), Arrived::default());
    let (mut slowest, mut gaps) = (Duration::ZERO, Vec::new());
    for turn in 0..kills {
        a_moment().await;
        // the server itself, or one of those that serve a connection: then PostgreSQL begins anew by itself
        let victim = if turn % 3 == 2 { backend(&service) } else { server(&service) };
        let (before, from) = (server(&service), now_ms());
        kill(victim);
        let (killed, mut up) = (Instant::now(), None);
        if victim == before {
            while server(&service) == before || !is_ready(&service) {
                assert!(killed.elapsed() < Duration::from_secs(60), "no new server: {}", service.log());
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            up = Some(killed.elapsed());
        }
        // what was committed when it ended is answered yet
        tokio::time::sleep(Duration::from_millis(100)).await;
        bots.next_order().await;
        println!("a server after {up:?}, an order after {:?}", killed.elapsed());
        slowest = slowest.max(killed.elapsed());
        gaps.push((from, now_ms()));
        assert!(turn % 3 == 2 || server(&service) != before, "it is another server");
        arrived.collect(&demo);
        assert!(service.child().try_wait().unwrap().is_none(), "the service ended: {}", service.log());
    }
    tokio::time::sleep(Duration::from_millis(700)).await;
    let orders = bots.stop().await;
    arrived.collect(&demo);
    println!("back after {slowest:?} at most");
    // on a machine that does a dozen other things nothing can be said about a second
    assert!(slowest < LONGEST * 5, "{slowest:?}");
    service.kill();
    let after = later(service.data_dir(), &demo, &clock, None).await;
    let mut superuser = service.superuser().await;
    settle(&after, &mut superuser, &clock).await;
    compare(&mut superuser, &arrived, &orders, kills).await;
    compare_reservations(&mut superuser, &arrived).await;
    after.stop().await;
    the_record_is_whole(&service.data_dir(), &[]);
    refused_in_the_dialect(&orders, &gaps);
}

/// Whoever is refused while there is no database reads so in the words of the exchange, and may try again.
fn refused_in_the_dialect(orders: &[Order], gaps: &[(i64, i64)]) {
    let meanwhile = |order: &&Order| gaps.iter().any(|(from, to)| (*from..=*to).contains(&order.at_ms));
    for order in orders.iter().filter(meanwhile).filter(|order| !order.confirmed()) {
        let told = (order.status, order.told["code"].as_i64());
        assert_eq!(told, (502, Some(-1001)), "{}: {}", order.name, order.told);
    }
}

fn server(service: &Service) -> u32 {
    let file = service.socket().join("data/postmaster.pid");
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().next().and_then(|line| line.trim().parse().ok()).unwrap_or(0)
}

/// As `pg_ctl` sees it.
fn is_ready(service: &Service) -> bool {
    let text = fs::read_to_string(service.socket().join("data/postmaster.pid")).unwrap_or_default();
    text.lines().nth(7).is_some_and(|state| state.trim() == "ready")
}

/// One that serves the gateway.
fn backend(service: &Service) -> u32 {
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", server(service))).unwrap();
    let mut children = children.split_whitespace().filter_map(|pid| pid.parse().ok());
    let serves = |pid: &u32| {
        let title = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&title).contains("keygate_gateway")
    };
    children.find(serves).unwrap_or_else(|| server(service))
}

fn kill(pid: u32) {
    assert!(pid > 1);
    assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
}
