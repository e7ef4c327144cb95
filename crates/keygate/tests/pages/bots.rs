//! `/bots/{id}`: changed, stopped and deleted.

use reqwest::StatusCode;

use crate::{
    lint,
    visitor::{Answer, PASSWORD, Site, Visitor, site},
};

struct Calling {
    site: Site,
    owner: Visitor,
    bot: String,
    key: String,
    secret: String,
}

async fn calling() -> Calling {
    let site = site().await;
    let mut owner = site.owner().await;
    let connection = owner.connect().await;
    let bot = owner.add_bot(&connection).await;
    let once = owner.make_pair(&bot, &["read"]).await;
    let key = once.between("<code data-copy=\"the key\">", "</code>");
    let secret = once.between("export BINANCE_API_SECRET='", "'");
    Calling { site, owner, bot, key, secret }
}

impl Calling {
    async fn change(&mut self, fields: &[(&str, &str)]) -> Answer {
        let page = self.owner.submit(&self.bot, &self.bot, fields).await;
        lint::answer(&page);
        page
    }

    async fn call(&self) -> StatusCode {
        self.site.call("GET /api/v3/account", &self.key, &self.secret).await
    }
}

#[tokio::test]
async fn change_of_name_and_symbol_is_kept() {
    let mut calling = calling().await;
    let other = [("name", "Grid & co"), ("symbol", "eth/usdt"), ("is_active", "on"), ("password", PASSWORD)];
    let saved = calling.change(&other).await;
    assert!(saved.text.contains("Saved.") && saved.text.contains("<h1>Grid &#38; co "), "{}", saved.text);
    assert!(saved.text.contains("ETH/USDT only"));
    let any = [("name", "Grid"), ("symbol", ""), ("is_active", "on"), ("password", PASSWORD)];
    let saved = calling.change(&any).await;
    assert!(saved.text.contains("any symbol"), "{}", saved.text);
    assert!(calling.owner.get("/bots").await.text.contains(">Grid</a>"));
    calling.site.server.stop().await;
}

#[tokio::test]
async fn stopped_bot_is_refused_until_it_is_active_again() {
    let mut calling = calling().await;
    assert_eq!(calling.call().await, StatusCode::OK);
    let stopped = calling.change(&[("name", "Grid"), ("symbol", "BTC/USDT")]).await;
    assert!(stopped.text.contains("<span class=\"pill warn\">stopped</span>"), "{}", stopped.text);
    assert!(calling.call().await.is_client_error());
    calling.change(&[("name", "Grid"), ("symbol", "BTC/USDT"), ("is_active", "on")]).await;
    assert_eq!(calling.call().await, StatusCode::OK);
    calling.site.server.stop().await;
}

#[tokio::test]
async fn symbol_that_lets_it_trade_more_needs_the_password_waits_and_is_taken_back() {
    let mut calling = calling().await;
    assert_eq!(calling.call().await, StatusCode::OK);
    calling.site.server.app.gate.records.flush().await;
    let any = [("name", "Grid"), ("symbol", ""), ("is_active", "on"), ("password", "")];
    let refused = calling.change(&any).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.text.contains("The bot may trade more than before then."), "{}", refused.text);
    let asked = calling.change(&[any[0], any[1], any[2], ("password", PASSWORD)]).await;
    assert!(
        asked.text.contains("The symbol waits") && asked.text.contains("BTC/USDT only"),
        "{}",
        asked.text
    );
    assert!(asked.text.contains("On its way") && asked.text.contains("it may trade any symbol."));
    assert!(calling.owner.get("/alerts").await.text.contains("may trade any symbol from"));
    let cancel = format!("{}/symbol/cancel", calling.bot);
    let back = calling.owner.submit(&calling.bot, &cancel, &[]).await;
    lint::answer(&back);
    assert!(back.text.contains("Taken back.") && !back.text.contains("On its way"), "{}", back.text);
    calling.site.server.stop().await;
}

#[tokio::test]
async fn change_that_cannot_be_is_named_and_changes_nothing() {
    let mut calling = calling().await;
    let long = "x".repeat(101);
    for (name, symbol, field) in
        [("", "", "name"), (&*long, "", "name"), ("Grid", "BTC USDT", "symbol"), ("Grid", "<b>", "symbol")]
    {
        let again = calling.change(&[("name", name), ("symbol", symbol), ("is_active", "on")]).await;
        assert_eq!(again.status, StatusCode::BAD_REQUEST, "{field}");
        assert!(again.text.contains(&format!("<a href=\"#{field}\">{field}: ")), "{}", again.text);
    }
    let page = calling.owner.get(&calling.bot).await;
    assert!(page.text.contains("<h1>Grid &#60;b&#62; ") && page.text.contains("BTC/USDT only"));
    calling.site.server.stop().await;
}

#[tokio::test]
async fn second_bot_of_a_name_and_a_bot_without_a_connection_are_refused() {
    let mut calling = calling().await;
    let list = calling.owner.get("/connections").await;
    let id = list.between("<td data-label=\"Name\"><a href=\"/connections/", "\"");
    for (connection, name, symbol, status) in [
        (&*id, "Grid <b>", "", 409),
        ("", "Other", "", 400),
        ("x", "Other", "", 400),
        (&*uuid::Uuid::nil().to_string(), "Other", "", 404),
        (&*id, " ", "", 400),
        (&*id, "Other", "BTC USDT", 400),
    ] {
        let fields = [("connection", connection), ("name", name), ("symbol", symbol)];
        let again = calling.owner.submit("/bots/new", "/bots/new", &fields).await;
        assert_eq!(again.status.as_u16(), status, "{fields:?}: {}", again.text);
        lint::answer(&again);
        assert_eq!(again.between("name=\"symbol\" value=\"", "\""), symbol, "what was typed stays");
    }
    assert_eq!(calling.owner.get("/bots").await.text.matches("data-label=\"Name\"").count(), 1);
    calling.site.server.stop().await;
}

#[tokio::test]
async fn deletion_needs_the_name_and_takes_the_pairs_with_it() {
    let mut calling = calling().await;
    let delete = format!("{}/delete", calling.bot);
    for typed in ["", "grid <b>", "Grid"] {
        let refused = calling.owner.submit(&calling.bot, &delete, &[("typed", typed)]).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{typed}");
        assert!(refused.text.contains("<a href=\"#typed\">typed: "), "{typed}");
        lint::answer(&refused);
    }
    assert_eq!(calling.call().await, StatusCode::OK, "nothing was deleted");
    let gone = calling.owner.submit(&calling.bot, &delete, &[("typed", "Grid <b>")]).await;
    lint::answer(&gone);
    assert_eq!(gone.path, "/bots");
    assert!(gone.text.contains("Grid &#60;b&#62; is gone, and its virtual pairs with it."), "{}", gone.text);
    assert!(gone.text.contains("No program can use your keys yet"));
    assert_eq!(calling.owner.get(&calling.bot).await.status, StatusCode::NOT_FOUND);
    assert_eq!(calling.call().await, StatusCode::UNAUTHORIZED);
    calling.site.server.stop().await;
}

#[tokio::test]
async fn what_was_typed_stays_when_the_password_is_asked_for() {
    let mut calling = calling().await;
    let asked = calling.change(&[("name", "Net"), ("symbol", "eth/usdt")]).await;
    assert_eq!(asked.status, StatusCode::FORBIDDEN);
    assert_eq!(asked.between("id=\"name\" name=\"name\" value=\"", "\""), "Net");
    assert_eq!(asked.between("id=\"symbol\" name=\"symbol\" value=\"", "\""), "eth/usdt");
    assert!(!asked.text.contains("name=\"is_active\" checked"), "{}", asked.text);
    calling.site.server.stop().await;
}
