//! Each key has a past of its own, for as long as it lives.

use super::{Holder, SYDNEY, behind_a_proxy, is, last, signals::past, with_files};
use crate::{bot::Bot, world::World};

/// Two programs behind one connection, or the old pair and the new one.
#[tokio::test]
async fn pairs_do_not_vouch_for_each_other() {
    let world = World::with(with_files).await;
    let one = Holder::new(&world, "trade").await.settled().await;
    let bot = world.api.get(&format!("/api/v1/bots/{}", one.bot.id)).await.is(200);
    let other = Holder::of(&world, Bot::pair(&world.api, &bot).await).at(SYDNEY);
    other.account().await.is(200);
    is(last(&world).await, 0, &[]);
    one.at(SYDNEY).account().await.binance(403, -1002, "suspended");
    is(last(&world).await, 85, &["new-address", "new-network", "new-country", "impossible-travel"]);
    other.account().await.is(200);
}

#[tokio::test]
async fn what_is_known_of_a_key_goes_with_it() {
    let world = World::with(behind_a_proxy).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    past(&world, "h <= 3", 20).await;
    for known in ["keygate.known_origin", "keygate.busy_hour"] {
        assert_ne!(world.count(known).await, 0, "{known}");
    }
    world.api.delete(&format!("/api/v1/bots/{}", bot.bot.id)).await.is(204);
    for known in ["keygate.known_origin", "keygate.busy_hour"] {
        assert_eq!(world.count(known).await, 0, "{known}");
    }
}
