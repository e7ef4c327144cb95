//! `/connections/{id}/limits` and `/panic`: said in words, changed by a form, stopped by one button.

use reqwest::StatusCode;

use crate::{
    lint,
    visitor::{Answer, PASSWORD, Site, Visitor, site},
};

pub struct Limited {
    pub site: Site,
    pub owner: Visitor,
    pub page: String,
    pub key: String,
    pub secret: String,
}

pub async fn limited() -> Limited {
    let site = site().await;
    let mut owner = site.owner().await;
    let connection = owner.connect().await;
    let bot = owner.add_bot(&connection).await;
    let once = owner.make_pair(&bot, &["read", "trade"]).await;
    let key = once.between("<code data-copy=\"the key\">", "</code>");
    let secret = once.between("export BINANCE_API_SECRET='", "'");
    Limited { site, owner, page: format!("{connection}/limits"), key, secret }
}

impl Limited {
    async fn change(&mut self, fields: &[(&str, &str)]) -> Answer {
        let answer = self.owner.submit(&self.page, &self.page, fields).await;
        lint::answer(&answer);
        answer
    }

    async fn calls(&self) -> StatusCode {
        self.site.call("GET /api/v3/account", &self.key, &self.secret).await
    }
}

#[tokio::test]
async fn limits_are_said_in_words_and_the_form_keeps_them() {
    let mut limited = limited().await;
    let page = limited.owner.get(&limited.page).await;
    lint::answer(&page);
    assert!(page.text.contains("Calls may come from any address."), "{}", page.text);
    let fields = [
        ("can_read", "on"),
        ("can_trade", "on"),
        ("allowed_symbols", "btc/usdt, eth/usdt"),
        ("max_trade_amount_usd", "500"),
        ("max_requests_per_minute", "60"),
    ];
    let saved = limited.change(&fields).await;
    assert!(saved.text.contains("They may trade BTC/USDT and ETH/USDT only."), "{}", saved.text);
    assert!(saved.text.contains("Orders: at most 500 USD an order."));
    assert!(saved.text.contains("name=\"allowed_symbols\" value=\"BTC/USDT, ETH/USDT\""), "{}", saved.text);
    limited.site.server.stop().await;
}

#[tokio::test]
async fn more_without_the_password_brings_the_form_back_and_with_it_waits() {
    let mut limited = limited().await;
    assert_eq!(limited.calls().await, StatusCode::OK);
    limited.site.server.app.gate.records.flush().await;
    let small = [("can_read", "on"), ("can_trade", "on"), ("max_trade_amount_usd", "20")];
    limited.change(&small).await;
    let more = [("can_read", "on"), ("can_trade", "on"), ("max_trade_amount_usd", "900")];
    let again = limited.change(&more).await;
    assert_eq!(again.status, StatusCode::FORBIDDEN);
    assert!(again.text.contains("name=\"max_trade_amount_usd\" value=\"900\""), "what was typed is kept");
    let [read, trade, amount] = more;
    let waits = limited.change(&[read, trade, amount, ("password", PASSWORD)]).await;
    assert!(
        waits.text.contains("On their way") && waits.text.contains("at most 20 USD an order"),
        "{}",
        waits.text
    );
    let overview = limited.owner.get("/").await;
    assert!(overview.text.contains("max_trade_amount_usd 900"), "{}", overview.text);
    // the form holds all fields: those that were left as they are take nothing back
    let other =
        [("can_read", "on"), ("can_trade", "on"), ("max_trade_amount_usd", "20"), ("max_leverage", "1")];
    let saved = limited.change(&other).await;
    assert!(
        saved.text.contains("On their way") && saved.text.contains("No borrowed money"),
        "{}",
        saved.text
    );
    let alerts = limited.owner.get("/alerts").await;
    lint::answer(&alerts);
    assert!(alerts.text.contains("I have seen this"), "{}", alerts.text);
    let seen = limited.owner.submit("/alerts", "/alerts/acknowledge", &[]).await;
    lint::answer(&seen);
    assert!(
        seen.text.contains("Nothing you have not seen") && seen.text.contains("max_trade_amount_usd 900")
    );
    let cancel = format!("{}/cancel", limited.page);
    let back = limited.owner.submit(&limited.page, &cancel, &[("member", "max_trade_amount_usd")]).await;
    assert!(back.text.contains("Taken back.") && !back.text.contains("On their way"), "{}", back.text);
    limited.site.server.stop().await;
}

#[tokio::test]
async fn one_button_on_every_page_stops_and_the_password_starts_again() {
    let mut limited = limited().await;
    for path in ["/", "/connections", "/bots", "/activity", "/alerts", "/access-keys", "/panic", "/nowhere"] {
        let page = limited.owner.get(path).await;
        lint::answer(&page);
        assert!(page.text.contains("<form class=\"stop\" method=\"post\" action=\"/panic\">"), "{path}");
    }
    assert_eq!(limited.calls().await, StatusCode::OK);
    // also from a page that says that something went wrong
    let stopped = limited.owner.submit("/nowhere", "/panic", &[]).await;
    assert!(
        stopped.text.contains("All signing has stopped.") && stopped.text.contains("/api/v3/account"),
        "{}",
        stopped.text
    );
    assert_eq!(limited.calls().await, StatusCode::FORBIDDEN);
    let wrong = [("scope", "own"), ("password", "not the one")];
    let refused = limited.owner.submit("/panic", "/panic/resume", &wrong).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let again =
        limited.owner.submit("/panic", "/panic/resume", &[("scope", "own"), ("password", PASSWORD)]).await;
    assert!(again.text.contains("Signing goes on."), "{}", again.text);
    assert_eq!(limited.calls().await, StatusCode::OK);
    limited.site.server.stop().await;
}

#[tokio::test]
async fn end_of_one_stop_says_what_stands_still() {
    let mut limited = limited().await;
    let connection = limited.page.split('/').nth(2).unwrap().to_owned();
    limited.owner.submit("/panic", "/panic", &[("scope", &connection)]).await;
    limited.owner.submit("/panic", "/panic", &[("scope", "own")]).await;
    let form = [("scope", "own"), ("password", PASSWORD)];
    let left = limited.owner.submit("/panic", "/panic/resume", &form).await;
    assert!(left.text.contains("This stop has ended. Still stopped: Connection Primary."), "{}", left.text);
    let form = [("scope", &*connection), ("password", PASSWORD)];
    let on = limited.owner.submit("/panic", "/panic/resume", &form).await;
    assert!(on.text.contains("Signing goes on."), "{}", on.text);
    limited.site.server.stop().await;
}

#[tokio::test]
async fn dry_run_stands_above_the_limits_and_the_past_is_tried_without_a_change() {
    let mut limited = limited().await;
    let dry = [("can_read", "on"), ("can_trade", "on"), ("dry_run", "on"), ("password", PASSWORD)];
    let on = limited.change(&dry).await;
    assert!(on.text.contains("<strong>Dry run.</strong>") && on.text.contains("<li>Dry run:"), "{}", on.text);
    let [read, trade, ..] = dry;
    let off = limited.change(&[read, trade]).await;
    assert!(!off.text.contains("<strong>Dry run.</strong>"), "it ends at once, without the password");
    assert_eq!(limited.calls().await, StatusCode::OK);
    limited.site.server.app.gate.records.flush().await;
    let form = [("can_trade", "on"), ("max_trade_amount_usd", "20")];
    let past = format!("{}/replay", limited.page);
    let tried = limited.owner.submit(&limited.page, &past, &form).await;
    lint::answer(&tried);
    assert!(
        tried.text.contains("would have refused <strong>1</strong>"),
        "reading is not ticked: {}",
        tried.text
    );
    assert!(tried.text.contains("<code>permission</code>: 1"), "{}", tried.text);
    assert!(tried.text.contains("name=\"max_trade_amount_usd\" value=\"20\""), "what was typed is kept");
    assert_eq!(limited.calls().await, StatusCode::OK, "nothing was changed");
    limited.site.server.stop().await;
}

#[tokio::test]
async fn stop_that_takes_orders_back_says_what_became_of_them() {
    let mut limited = limited().await;
    let order =
        "POST /api/v3/order?symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=30000";
    assert_eq!(limited.site.call(order, &limited.key, &limited.secret).await, StatusCode::OK);
    let form = [("scope", "own"), ("cancel_orders", "on")];
    let stopped = limited.owner.submit("/panic", "/panic", &form).await;
    lint::answer(&stopped);
    assert!(stopped.text.contains("Open orders are being taken back"), "{}", stopped.text);
    for _ in 0..60 {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let page = limited.owner.get("/panic").await;
        lint::answer(&page);
        if page.text.contains("1 found, 1 taken back") {
            assert!(page.text.contains("Looked at the spot market only."), "{}", page.text);
            assert!(!page.text.contains("Look again"), "{}", page.text);
            limited.site.server.stop().await;
            return;
        }
    }
    panic!("the page never says it");
}

#[tokio::test]
async fn wait_stands_on_the_page_and_a_shorter_one_is_taken_back_there() {
    let mut limited = limited().await;
    let page = limited.owner.get(&limited.page).await;
    assert!(page.text.contains("What lets more through waits 24 hours"), "{}", page.text);
    limited
        .site
        .execute(
            "insert into keygate.loosening_delay (user_id, seconds, next_seconds, next_at)
            select id, 86400, 3600, now() + interval '1 day' from users",
        )
        .await;
    let page = limited.owner.get(&limited.page).await;
    lint::answer(&page);
    assert!(
        page.text.contains("raised limits of all connections wait 1 hour instead of 24 hours"),
        "{}",
        page.text
    );
    let cancel = format!("{}/delay/cancel", limited.page);
    let back = limited.owner.submit(&limited.page, &cancel, &[]).await;
    assert!(back.text.contains("Taken back. Raised limits wait as long as before."), "{}", back.text);
    assert!(!back.text.contains("A shorter wait</h2>"), "{}", back.text);
    limited.site.server.stop().await;
}

#[tokio::test]
async fn wait_is_set_on_the_page_with_the_password_and_a_shorter_one_waits_itself() {
    let mut limited = limited().await;
    let set = format!("{}/delay", limited.page);
    let mut send = async |hours: &str, password: &str| {
        let form = [("hours", hours), ("password", password)];
        let answer = limited.owner.submit(&limited.page, &set, &form).await;
        lint::answer(&answer);
        answer
    };
    let refused = send("48", "").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(
        refused.text.contains("name=\"hours\" required inputmode=\"decimal\" value=\"48\""),
        "it is kept"
    );
    assert_eq!(send("48", "not the one").await.status, StatusCode::UNAUTHORIZED);
    for odd in ["721", "-1", "soon", ""] {
        let refused = send(odd, PASSWORD).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{odd}");
        assert!(refused.text.contains("needs 0 to 720"), "{odd}: {}", refused.text);
    }
    let longer = send("48", PASSWORD).await;
    assert!(longer.text.contains("Saved. Raised limits wait 48 hours from now on."), "{}", longer.text);
    assert!(longer.text.contains("What lets more through waits 48 hours"), "{}", longer.text);
    let shorter = send("1.5", PASSWORD).await;
    assert!(
        shorter.text.contains("raised limits of all connections wait 90 minutes instead of 48 hours"),
        "{}",
        shorter.text
    );
    assert!(shorter.text.contains("What lets more through waits 48 hours"), "not yet: {}", shorter.text);
    limited.site.server.stop().await;
}

#[tokio::test]
async fn each_template_is_a_button_on_the_page() {
    let mut limited = limited().await;
    let action = format!("{}/template", limited.page);
    for (template, words) in [
        ("trade-limited", "Orders: at most 500 USD an order and 5,000 USD a day."),
        ("trade-full", "Programs may read and trade, and nothing else."),
        ("read-only", "Programs may read, and nothing else."),
    ] {
        let page = limited.owner.get(&limited.page).await;
        assert!(page.text.contains(&format!("name=\"template\" value=\"{template}\"")), "{}", page.text);
        let form = [("template", template), ("password", PASSWORD)];
        let used = limited.owner.submit(&limited.page, &action, &form).await;
        lint::answer(&used);
        assert!(used.text.contains("Saved. The limits are in force."), "{template}: {}", used.text);
        assert!(used.text.contains(words), "{template}: {}", used.text);
        assert_eq!(used.text.contains("USD an order and"), template == "trade-limited", "{}", used.text);
    }
    limited.site.server.stop().await;
}
