//! `/connections/{id}`: checked, changed, paused, deleted and brought back.

use demo_exchange::{Fault, Switch};
use keygate::error::Code;
use reqwest::StatusCode;

use crate::{
    lint,
    visitor::{Answer, PASSWORD, Site, Visitor, site},
};

struct Running {
    site: Site,
    owner: Visitor,
    connection: String,
    key: String,
    secret: String,
}

/// A connection with a bot that can call through it.
async fn running() -> Running {
    let site = site().await;
    let mut owner = site.owner().await;
    let connection = owner.connect().await;
    let bot = owner.add_bot(&connection).await;
    let once = owner.make_pair(&bot, &["read", "trade"]).await;
    let key = once.between("<code data-copy=\"the key\">", "</code>");
    let secret = once.between("export BINANCE_API_SECRET='", "'");
    Running { site, owner, connection, key, secret }
}

impl Running {
    async fn press(&mut self, action: &str) -> Answer {
        let page = self.owner.submit(&self.connection, &format!("{}/{action}", self.connection), &[]).await;
        lint::answer(&page);
        page
    }

    async fn change(&mut self, fields: &[(&str, &str)]) -> Answer {
        let page = self.owner.submit(&self.connection, &self.connection, fields).await;
        lint::answer(&page);
        page
    }

    async fn signs(&self) -> bool {
        self.site.call("GET /api/v3/account", &self.key, &self.secret).await == StatusCode::OK
    }
}

#[tokio::test]
async fn paused_connection_signs_nothing_until_it_is_resumed() {
    let mut running = running().await;
    assert!(running.signs().await);
    let paused = running.press("pause").await;
    assert!(paused.text.contains("Paused. Nothing is signed") && paused.text.contains(">Resume<"));
    assert!(!running.signs().await);
    assert!(running.owner.get("/connections").await.text.contains("<span class=\"pill warn\">paused</span>"));
    let resumed = running.press("resume").await;
    assert!(resumed.text.contains("Bots can use this key again.") && resumed.text.contains(">Pause<"));
    assert!(running.signs().await);
    running.site.server.stop().await;
}

#[tokio::test]
async fn check_asks_the_exchange_and_says_what_came_out() {
    let mut running = running().await;
    let checked = running.press("check").await;
    assert_eq!(checked.status, StatusCode::OK);
    assert!(checked.text.contains("Checked at the exchange just now: the key works."), "{}", checked.text);
    let fault = Fault::Status { status: 502 };
    let gone = Switch { fault, count: 100, path: "/".to_owned(), exchange: None };
    running.site.server.demo.as_ref().expect("the pretend exchange runs").fault(gone);
    let failed = running.press("check").await;
    assert_eq!(failed.status, StatusCode::BAD_GATEWAY);
    assert!(failed.text.contains(Code::ExchangeUnreachable.title()), "{}", failed.text);
    running.site.server.stop().await;
}

#[tokio::test]
async fn change_of_name_and_label_is_kept() {
    let mut running = running().await;
    let saved = running.change(&[("name", "Main & co"), ("label", "desk <2>")]).await;
    assert!(saved.text.contains("Saved.") && saved.text.contains("<h1>Main &#38; co "), "{}", saved.text);
    assert!(saved.text.contains("value=\"desk &#60;2&#62;\""));
    assert!(running.owner.get("/connections").await.text.contains(">Main &#38; co</a>"));
    running.site.server.stop().await;
}

#[tokio::test]
async fn change_that_cannot_be_is_named_and_changes_nothing() {
    let mut running = running().await;
    let long = "x".repeat(101);
    for (name, label, field) in
        [("", "", "name"), (&*long, "", "name"), ("a\u{7}b", "", "name"), ("Good", &*long, "label")]
    {
        let again = running.change(&[("name", name), ("label", label)]).await;
        assert_eq!(again.status, StatusCode::BAD_REQUEST, "{field}");
        assert!(again.text.contains(&format!("<a href=\"#{field}\">{field}: ")), "{}", again.text);
        assert!(again.text.contains("<h1>Primary "), "{field}");
    }
    running.site.server.stop().await;
}

#[tokio::test]
async fn deletion_lists_the_bots_that_stop_and_needs_the_name() {
    let mut running = running().await;
    let ask = format!("{}/delete", running.connection);
    let page = running.owner.get(&ask).await;
    lint::answer(&page);
    assert!(page.text.contains("<b>Grid &#60;b&#62;</b> <span class=\"muted\">1 virtual pair, no call yet"));
    for typed in ["", "primary", "Primary2", "Grid <b>"] {
        let refused = running.owner.submit(&ask, &ask, &[("typed", typed)]).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{typed}");
        assert!(refused.text.contains("<a href=\"#typed\">typed: "), "{typed}");
        lint::answer(&refused);
    }
    assert!(running.signs().await, "nothing was deleted");
    running.site.server.stop().await;
}

#[tokio::test]
async fn deletion_stops_at_once_and_can_be_undone() {
    let mut running = running().await;
    let ask = format!("{}/delete", running.connection);
    let deleted = running.owner.submit(&ask, &ask, &[("typed", " Primary ")]).await;
    lint::answer(&deleted);
    assert!(deleted.text.contains("It signs nothing"), "{}", deleted.text);
    assert!(!running.signs().await);
    for gone in ["pause", "check"] {
        assert!(!deleted.text.contains(&format!("{}/{gone}\"", running.connection)), "{gone}");
        assert_eq!(running.press(gone).await.status, StatusCode::CONFLICT, "{gone}");
    }
    assert_eq!(running.owner.get(&ask).await.status, StatusCode::CONFLICT);
    let without = running.press("restore").await;
    assert_eq!(without.status, StatusCode::FORBIDDEN, "{}", without.text);
    assert!(without.text.contains("Your password, to restore it"), "{}", without.text);
    let (page, restore) = (running.connection.clone(), format!("{}/restore", running.connection));
    let restored = running.owner.submit(&page, &restore, &[("password", PASSWORD)]).await;
    assert!(restored.text.contains("Restored and paused.") && restored.text.contains(">Resume<"));
    assert!(!running.signs().await, "its owner looks it over first");
    running.press("resume").await;
    assert!(running.signs().await);
    assert_eq!(running.press("restore").await.status, StatusCode::CONFLICT, "it is not deleted");
    running.site.server.stop().await;
}

#[tokio::test]
async fn what_was_typed_stays_beside_a_mistake() {
    let mut running = running().await;
    let form = [("name", ""), ("label", "night shift")];
    let connection = running.connection.clone();
    let again = running.owner.submit(&connection, &connection, &form).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
    assert_eq!(again.between("name=\"label\" value=\"", "\""), "night shift");
    assert_eq!(again.between("id=\"name\" name=\"name\" value=\"", "\""), "");
    running.site.server.stop().await;
}
