//! Files that say where addresses are: missing, broken or replaced, they never stop a call.

use std::{fs, path::Path};

use super::{HOME, Holder, SYDNEY, behind_a_proxy, is, last};
use crate::world::World;

const CITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/geoip/city.mmdb");

/// A world whose one file is this one, in a directory of its own.
async fn world(dir: &Path, content: Option<&[u8]>) -> World {
    let path = dir.join("city.mmdb");
    if let Some(content) = content {
        fs::write(&path, content).unwrap();
    }
    World::with(|config| {
        behind_a_proxy(config);
        config.geoip.city = path;
    })
    .await
}

#[tokio::test]
async fn missing_or_broken_file_adds_nothing_and_stops_nobody() {
    let good = fs::read(CITY).unwrap();
    let mut flipped = good.clone();
    flipped[..800].iter_mut().for_each(|byte| *byte ^= 0x5a);
    for content in
        [None, Some(&b"not a file of this kind"[..]), Some(&good[..good.len() / 2]), Some(&flipped)]
    {
        let dir = tempfile::tempdir().unwrap();
        let world = world(dir.path(), content).await;
        let bot = Holder::new(&world, "trade").await.settled().await;
        bot.at(SYDNEY).account().await.is(200);
        is(last(&world).await, 20, &["new-address", "new-network"]);
        bot.at(SYDNEY).order().await.is(200);
    }
}

#[tokio::test]
async fn address_in_no_file_adds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let world = world(dir.path(), Some(&fs::read(CITY).unwrap())).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    for from in ["203.0.113.1", "10.0.0.1", "2001:db8:99::1", "::1"] {
        bot.at(from).account().await.is(200);
        is(last(&world).await, 20, &["new-address", "new-network"]);
    }
}

#[tokio::test]
async fn file_that_is_replaced_is_read_again_and_a_broken_one_leaves_the_old() {
    let dir = tempfile::tempdir().unwrap();
    let world = world(dir.path(), None).await;
    let bot = Holder::new(&world, "trade").await.at(HOME).settled().await;
    let path = dir.path().join("city.mmdb");
    let geo = &world.server.app.risk.geo;
    let country = |from: &str| geo.locate(from.parse().unwrap()).country;
    assert_eq!(country(HOME), None);
    fs::copy(CITY, &path).unwrap();
    keygate::job::round(&world.server.app).await;
    assert_eq!((country(HOME).as_deref(), country(SYDNEY).as_deref()), (Some("DE"), Some("AU")));
    assert_eq!(country("::ffff:192.0.2.7").as_deref(), Some("DE"));
    fs::write(&path, b"broken").unwrap();
    keygate::job::round(&world.server.app).await;
    assert_eq!(country(HOME).as_deref(), Some("DE"));
    fs::remove_file(&path).unwrap();
    keygate::job::round(&world.server.app).await;
    assert_eq!(country(HOME).as_deref(), Some("DE"));
    // the first country of a key that was used before is how it is used
    bot.account().await.is(200);
    is(last(&world).await, 0, &[]);
}
