//! The personal access key and the pairs of bots: chosen, shown once, revoked.

use reqwest::StatusCode;
use serde_json::json;

use crate::{
    lint,
    visitor::{Answer, PASSWORD, Site, Visitor, site},
};

const KEYS: &str = "/access-keys";

async fn make(owner: &mut Visitor, scopes: &[&str]) -> Answer {
    let mut fields = vec![("name", "cli"), ("expires_in_days", "30")];
    fields.extend(scopes.iter().map(|scope| (*scope, "on")));
    owner.submit(KEYS, KEYS, &fields).await
}

fn token(once: &Answer) -> String {
    once.between("aria-label=\"Access key\">", "</pre>")
}

/// What the API says to this key: looking, and then changing something.
async fn tried(site: &Site, token: &str) -> (u16, u16) {
    let client = site.visitor().client;
    let look = client.get(format!("{}/api/v1/bots", site.url)).bearer_auth(token);
    let change = client.post(format!("{}/api/v1/bots", site.url)).bearer_auth(token).json(&json!({}));
    (look.send().await.unwrap().status().as_u16(), change.send().await.unwrap().status().as_u16())
}

async fn with_bot() -> (Site, Visitor, String) {
    let site = site().await;
    let mut owner = site.owner().await;
    let connection = owner.connect().await;
    let bot = owner.add_bot(&connection).await;
    (site, owner, bot)
}

#[tokio::test]
async fn personal_key_is_shown_once_and_never_again() {
    let site = site().await;
    let mut owner = site.owner().await;
    let once = make(&mut owner, &["read"]).await;
    assert_eq!(once.status, StatusCode::OK, "{}", once.text);
    lint::answer(&once);
    let token = token(&once);
    assert_eq!(once.text.matches(&token).count(), 1);
    let list = owner.get(KEYS).await;
    assert!(!list.text.contains(&token) && list.text.contains("<td data-label=\"Scopes\">read</td>"));
    let again = make(&mut owner, &["read", "manage"]).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "one at a time, so a reload makes no second");
    assert!(!again.text.contains(&token) && again.text.contains("name=\"manage\" checked"));
    lint::answer(&again);
    site.server.stop().await;
}

#[tokio::test]
async fn personal_key_does_what_was_ticked_until_it_is_revoked() {
    let site = site().await;
    let mut owner = site.owner().await;
    for (scopes, expected) in
        [(&["read"][..], (200, 403)), (&["trade"][..], (403, 403)), (&["read", "manage"][..], (200, 400))]
    {
        let token = token(&make(&mut owner, scopes).await);
        assert_eq!(tried(&site, &token).await, expected, "{scopes:?}");
        let list = owner.get(KEYS).await;
        let id = list.between("action=\"/access-keys/", "/revoke\"");
        let revoked = owner.submit(KEYS, &format!("{KEYS}/{id}/revoke"), &[]).await;
        assert!(revoked.text.contains("Revoked.") && !revoked.text.contains("/revoke\""));
        assert_eq!(tried(&site, &token).await, (401, 401), "{scopes:?}");
    }
    site.server.stop().await;
}

#[tokio::test]
async fn mistake_in_the_form_for_a_personal_key_is_named_and_makes_none() {
    let site = site().await;
    let mut owner = site.owner().await;
    let long = "x".repeat(101);
    for (name, read, days, field) in [
        ("cli", None, "30", "scopes"),
        ("cli", Some("on"), "0", "expires_in_days"),
        ("cli", Some("on"), "366", "expires_in_days"),
        ("cli", Some("on"), "soon", "expires_in_days"),
        (&*long, Some("on"), "30", "name"),
    ] {
        let mut fields = vec![("name", name), ("expires_in_days", days)];
        fields.extend(read.map(|read| ("read", read)));
        let again = owner.submit(KEYS, KEYS, &fields).await;
        assert_eq!(again.status, StatusCode::BAD_REQUEST, "{field}");
        assert!(again.text.contains(&format!("<a href=\"#{field}\">{field}: ")), "{}", again.text);
        assert!(again.text.contains(&format!("value=\"{name}\"")), "{field}: the name stays");
        lint::answer(&again);
    }
    assert!(!owner.get(KEYS).await.text.contains("<table"), "none was made");
    site.server.stop().await;
}

#[tokio::test]
async fn pair_of_a_bot_may_do_what_was_ticked() {
    let (site, mut owner, bot) = with_bot().await;
    let form = owner.get(&format!("{bot}/connect")).await;
    lint::answer(&form);
    assert!(form.text.contains("name=\"read\" checked") && form.text.contains("name=\"trade\" checked"));
    assert!(!form.text.contains("name=\"withdraw\""), "the connection does not allow it");
    let once = owner.make_pair(&bot, &["read"]).await;
    assert_eq!(once.status, StatusCode::OK, "{}", once.text);
    lint::answer(&once);
    assert!(once.text.contains("<dt>It may</dt><dd>read</dd>"));
    assert!(owner.get(&bot).await.text.contains("<td data-label=\"May\">read</td>"));
    for ticked in [&[][..], &["withdraw"][..], &["read", "transfer"][..]] {
        let again = owner.make_pair(&bot, ticked).await;
        assert_eq!(again.status, StatusCode::BAD_REQUEST, "{ticked:?}");
        assert!(again.text.contains("<a href=\"#scopes\">scopes: this connection allows: read, trade</a>"));
        assert!(again.text.contains("value=\"Laptop\""), "what was typed stays");
        lint::answer(&again);
    }
    assert_eq!(owner.get(&bot).await.text.matches("data-label=\"May\"").count(), 1);
    site.server.stop().await;
}

#[tokio::test]
async fn what_moves_money_away_is_ticked_by_nobody_but_the_reader() {
    let (site, mut owner, bot) = with_bot().await;
    let limits =
        format!("/connections/{}/limits", owner.get(&bot).await.between("href=\"/connections/", "\""));
    let all = [("can_read", "on"), ("can_trade", "on"), ("can_transfer", "on"), ("password", PASSWORD)];
    let saved = owner.submit(&limits, &limits, &all).await;
    assert!(saved.text.contains("Saved."), "{}", saved.text);
    let form = owner.get(&format!("{bot}/connect")).await;
    assert!(form.text.contains("name=\"trade\" checked") && form.text.contains("name=\"transfer\">"));
    site.server.stop().await;
}

#[tokio::test]
async fn page_of_a_new_pair_has_the_lines_of_every_program_that_speaks_to_the_exchange() {
    let (site, mut owner, bot) = with_bot().await;
    let once = owner.make_pair(&bot, &["read"]).await;
    let secret = once.between("export BINANCE_API_SECRET='", "'");
    for program in
        ["ccxt, Python", "ccxt, JavaScript", "freqtrade", "python-binance", "Hummingbot (advanced)"]
    {
        assert!(once.text.contains(&format!("<summary>{program}</summary>")), "{program}: {}", once.text);
    }
    assert!(!once.text.contains("pybit") && !once.text.contains("krakenex"), "{}", once.text);
    assert_eq!(once.text.matches(&secret).count(), 1, "the lines read it from the environment");
    site.server.stop().await;
}

#[tokio::test]
async fn revoked_pair_of_a_bot_opens_nothing() {
    let (site, mut owner, bot) = with_bot().await;
    let once = owner.make_pair(&bot, &["read"]).await;
    let key = once.between("<code data-copy=\"the key\">", "</code>");
    let secret = once.between("export BINANCE_API_SECRET='", "'");
    assert_eq!(site.call("GET /api/v3/account", &key, &secret).await, StatusCode::OK);
    let id = owner.get(&bot).await.between("name=\"key\" value=\"", "\"");
    let revoked = owner.submit(&bot, &format!("{bot}/keys/revoke"), &[("key", &id)]).await;
    assert!(
        revoked.text.contains("Revoked.") && revoked.text.contains("<span class=\"pill\">revoked</span>")
    );
    assert_eq!(site.call("GET /api/v3/account", &key, &secret).await, StatusCode::FORBIDDEN);
    for (wrong, status) in [("x", 400), (&*uuid::Uuid::nil().to_string(), 404)] {
        let answer = owner.submit(&bot, &format!("{bot}/keys/revoke"), &[("key", wrong)]).await;
        assert_eq!(answer.status.as_u16(), status, "{wrong}");
        lint::answer(&answer);
    }
    site.server.stop().await;
}

#[tokio::test]
async fn addresses_and_end_of_a_key_are_chosen_in_its_form_and_stand_beside_it() {
    let (site, mut owner, bot) = with_bot().await;
    let connect = format!("{bot}/connect");
    let page = owner.get(&connect).await;
    let (id, token) = (page.between("name=\"pair_id\" value=\"", "\""), page.form_token());
    let form = |from: &'static str, days: &'static str| {
        [
            ("form_token", token.clone()),
            ("pair_id", id.clone()),
            ("name", String::new()),
            ("read", "on".to_owned()),
            ("allowed_ip_addresses", from.to_owned()),
            ("expires_in_days", days.to_owned()),
        ]
    };
    for (field, form) in
        [("allowed_ip_addresses", form("10.0.0.300", "7")), ("expires_in_days", form("10.0.0.5", "366"))]
    {
        let fields = form.each_ref().map(|(name, value)| (*name, &**value));
        let again = owner.post(&connect, &fields).await;
        assert_eq!(again.status, StatusCode::BAD_REQUEST, "{field}");
        assert!(again.text.contains(&format!("<a href=\"#{field}\">")), "{}", again.text);
        assert!(again.text.contains("value=\"10.0.0."), "what was typed stays: {}", again.text);
        lint::answer(&again);
    }
    let good = form("10.0.0.5, 10.1.0.0/16", "7");
    let made = owner.post(&connect, &good.each_ref().map(|(name, value)| (*name, &**value))).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let page = owner.get(&bot).await;
    assert!(page.text.contains("<td data-label=\"From\">10.0.0.5, 10.1.0.0/16</td>"), "{}", page.text);
    assert!(page.text.contains("data-label=\"Ends\"") && !page.text.contains(">expired<"), "{}", page.text);
    owner
        .submit("/access-keys", "/access-keys", &[("name", ""), ("read", "on"), ("expires_in_days", "7")])
        .await;
    site.server.app.clock.advance(time::Duration::days(8));
    owner.sign_in("/login", crate::visitor::EMAIL).await;
    for path in [&*bot, "/access-keys"] {
        let page = owner.get(path).await;
        assert!(page.text.contains("<span class=\"pill\">expired</span>"), "{path}: {}", page.text);
        lint::answer(&page);
    }
    let form = [("name", ""), ("read", "on"), ("expires_in_days", "7")];
    let next = owner.submit("/access-keys", "/access-keys", &form).await;
    assert_eq!(next.status, StatusCode::OK, "{}", next.text);
    site.server.stop().await;
}
