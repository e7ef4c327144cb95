//! The service and its private database with it.

use keygate::clock::Clock;
use serde_json::json;

use crate::{
    a_moment,
    books::{Arrived, compare, compare_reservations},
    bot,
    bots::Bots,
    cycles, rich_exchange,
    settling::{later, settle},
    spawned_keygate::{Service, answer, now_ms, sign},
    the_record_is_whole,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_in_the_middle_of_orders_loses_no_record_and_claims_nothing_that_did_not_happen() {
    let (kills, clock) = (cycles(15), Clock::default());
    let demo = rich_exchange(&clock).await;
    let (mut service, token) = Service::new(&demo.url()).await;
    let (key, secret) = bot(&service, &token).await;
    let (bots, mut arrived) = (Bots::start(3, &[service.base.clone()], &key, &secret), Arrived::default());
    for _ in 0..kills {
        bots.next_order().await;
        a_moment().await;
        service.kill();
        tokio::task::block_in_place(|| service.start());
        arrived.collect(&demo);
    }
    bots.next_order().await;
    let orders = bots.stop().await;
    arrived.collect(&demo);
    the_record_is_whole(&service.data_dir(), &[]);
    compare(&mut service.superuser().await, &arrived, &orders, kills).await;
    everything_still_opens(&service, &key, &secret).await;
    service.kill();
    let after = later(service.data_dir(), &demo, &clock, None).await;
    let mut superuser = service.superuser().await;
    settle(&after, &mut superuser, &clock).await;
    compare_reservations(&mut superuser, &arrived).await;
    after.stop().await;
    the_record_is_whole(&service.data_dir(), &[]);
}

async fn everything_still_opens(service: &Service, key: &str, secret: &str) {
    let token = service.sign_in().await;
    let (status, listed) = service.get("/api/v1/connections", &token).await;
    assert_eq!(status, 200, "{listed}");
    assert!(
        !listed[0]["api_key_masked"].as_str().unwrap().starts_with('*'),
        "the key does not open: {listed}"
    );
    let check = format!("/api/v1/connections/{}/check", listed[0]["id"].as_str().unwrap());
    let (status, checked) = service.post(&check, &token, json!({})).await;
    assert_eq!(status, 200, "the secret does not open: {checked}");
    let params = format!("timestamp={}", now_ms());
    let target =
        format!("{}/x/binance/api/v3/account?{params}&signature={}", service.base, sign(secret, &params));
    let (status, account) = answer(service.http.get(target).header("x-mbx-apikey", key)).await;
    assert_eq!(status, 200, "the virtual pair does not open: {account}");
}
