//! `/suspensions`: what was unusual, and the two answers to it; and the tick that makes a pair bait.

use reqwest::StatusCode;

use crate::{
    lint,
    visitor::{PASSWORD, Site, Visitor, site_with},
};

pub struct Suspended {
    pub site: Site,
    pub owner: Visitor,
    bot: String,
    pub key: String,
    secret: String,
}

/// A bot that was used in Berlin, and a moment later in Sydney.
pub async fn suspended() -> Suspended {
    let site = site_with(|config| {
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        config.geoip.city = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/geoip/city.mmdb").into();
    })
    .await;
    let mut owner = site.owner().await;
    let connection = owner.connect().await;
    let bot = owner.add_bot(&connection).await;
    let once = owner.make_pair(&bot, &["read", "trade"]).await;
    let key = once.between("<code data-copy=\"the key\">", "</code>");
    let secret = once.between("export BINANCE_API_SECRET='", "'");
    let suspended = Suspended { site, owner, bot, key, secret };
    assert_eq!(suspended.call("192.0.2.7").await, StatusCode::OK);
    suspended.site.server.app.gate.records.flush().await;
    assert_eq!(suspended.call("198.51.100.1").await, StatusCode::FORBIDDEN);
    suspended
}

impl Suspended {
    async fn call(&self, from: &str) -> StatusCode {
        self.site.call_from(from, "GET /api/v3/account", &self.key, &self.secret).await
    }
}

#[tokio::test]
async fn owner_reads_why_and_says_with_the_password_that_it_was_them() {
    let mut it = suspended().await;
    let page = it.owner.get("/suspensions").await;
    lint::answer(&page);
    for words in ["198.51.100.1", "AU", "a country it was not used from before", "85 of 100", &it.key] {
        assert!(page.text.contains(words), "no {words}: {}", page.text);
    }
    let bot = it.owner.get(&it.bot).await;
    lint::answer(&bot);
    assert!(bot.text.contains("href=\"/suspensions\">suspended</a>"), "{}", bot.text);
    let action = page.between("action=\"/suspensions/", "/confirm\"");
    let action = format!("/suspensions/{action}/confirm");
    let wrong = it.owner.submit("/suspensions", &action, &[("password", "quite another one")]).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    lint::answer(&wrong);
    assert_eq!(it.call("192.0.2.7").await, StatusCode::FORBIDDEN);
    let done = it.owner.submit("/suspensions", &action, &[("password", PASSWORD)]).await;
    assert!(done.text.contains("The key signs again."), "{}", done.text);
    lint::answer(&it.owner.get("/suspensions").await);
    assert_eq!(it.call("198.51.100.1").await, StatusCode::OK);
    it.site.server.stop().await;
}

#[tokio::test]
async fn owner_revokes_what_was_not_them() {
    let mut it = suspended().await;
    let page = it.owner.get("/suspensions").await;
    let action = format!("/suspensions/{}/revoke", page.between("action=\"/suspensions/", "/confirm\""));
    let done = it.owner.submit("/suspensions", &action, &[]).await;
    assert!(done.text.contains("Revoked."), "{}", done.text);
    assert!(done.text.contains("No key stands still."), "{}", done.text);
    assert!(it.owner.get(&it.bot).await.text.contains("<span class=\"pill\">revoked</span>"));
    it.site.server.stop().await;
}

#[tokio::test]
async fn pair_that_is_bait_is_made_by_a_tick_and_marked_for_its_owner() {
    let mut it = suspended().await;
    let once = it.owner.make_pair(&it.bot, &["read", "trade", "honey"]).await;
    lint::answer(&once);
    let key = once.between("<code data-copy=\"the key\">", "</code>");
    assert_eq!(it.site.call("GET /api/v3/account", &key, "x").await, StatusCode::UNAUTHORIZED);
    let bot = it.owner.get(&it.bot).await;
    assert!(bot.text.contains("<span class=\"pill warn\">honey key</span>"), "{}", bot.text);
    it.site.server.app.gate.records.flush().await;
    let alerts = it.owner.get("/alerts").await;
    assert!(alerts.text.contains(&format!("Honey key {key} was used from")), "{}", alerts.text);
    it.site.server.stop().await;
}
