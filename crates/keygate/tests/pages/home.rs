//! `/`: what stands still, what is lost and what is unusual is said there, and nothing is called calm meanwhile.

use crate::{
    limits::limited,
    lint,
    suspensions::suspended,
    visitor::{PASSWORD, Site, Visitor, site},
};

const CALM: &str = "Nothing. Every key is as it should be.";

/// What the overview says needs attention.
async fn attention(owner: &mut Visitor) -> String {
    let page = owner.get("/").await;
    lint::answer(&page);
    page.between("<h2 id=\"attention\">", "</section>")
}

/// Neither what the exchange says of the key nor what bots may do is in the way of the calm.
async fn quiet(site: &Site, owner: &mut Visitor) {
    for known in [
        "update exchange_connections set connection_warnings = null, allowed_symbols = '[\"BTC/USDT\"]'",
        "update api_key_permissions set max_trade_amount_usd = 500",
    ] {
        site.execute(known).await;
    }
    owner.submit("/alerts", "/alerts/acknowledge", &[]).await;
}

#[tokio::test]
async fn stop_in_force_stands_on_the_overview_until_it_ends() {
    let mut limited = limited().await;
    quiet(&limited.site, &mut limited.owner).await;
    assert!(attention(&mut limited.owner).await.contains(CALM));
    let connection = limited.page.split('/').nth(2).unwrap().to_owned();
    limited.owner.submit("/panic", "/panic", &[("scope", &connection)]).await;
    limited.owner.submit("/panic", "/panic", &[("scope", "site")]).await;
    let said = attention(&mut limited.owner).await;
    for words in
        ["<a href=\"/panic\">Connection Primary</a>", "<a href=\"/panic\">Everybody on this site</a>"]
    {
        assert!(said.contains(words), "no {words}: {said}");
    }
    assert!(!said.contains(CALM), "{said}");
    for scope in ["site", &connection] {
        limited.owner.submit("/panic", "/panic/resume", &[("scope", scope), ("password", PASSWORD)]).await;
    }
    assert!(attention(&mut limited.owner).await.contains(CALM));
    limited.site.server.stop().await;
}

#[tokio::test]
async fn stop_stands_there_also_before_there_is_a_connection() {
    let site = site().await;
    let mut owner = site.owner().await;
    assert!(!owner.get("/").await.text.contains("Needs attention"));
    owner.submit("/panic", "/panic", &[("scope", "own")]).await;
    let said = attention(&mut owner).await;
    assert!(said.contains("<a href=\"/panic\">All your programs</a>"), "{said}");
    site.server.stop().await;
}

/// Its alert is seen and gone: what stands still stands still all the same.
#[tokio::test]
async fn suspended_key_stands_on_the_overview_until_it_is_revoked() {
    let mut it = suspended().await;
    quiet(&it.site, &mut it.owner).await;
    let said = attention(&mut it.owner).await;
    assert!(said.contains("<a href=\"/suspensions\">") && said.contains(&it.key), "{said}");
    assert!(!said.contains(CALM), "{said}");
    let page = it.owner.get("/suspensions").await;
    let action = format!("/suspensions/{}/revoke", page.between("action=\"/suspensions/", "/confirm\""));
    it.owner.submit("/suspensions", &action, &[]).await;
    let said = attention(&mut it.owner).await;
    assert!(said.contains(CALM), "{said}");
    it.site.server.stop().await;
}

#[tokio::test]
async fn lost_answers_are_counted_on_the_overview() {
    let mut limited = limited().await;
    quiet(&limited.site, &mut limited.owner).await;
    assert!(attention(&mut limited.owner).await.contains(CALM));
    let order = "POST /api/v3/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.001";
    for _ in 0..2 {
        assert_eq!(limited.site.call(order, &limited.key, &limited.secret).await, 200);
    }
    limited.site.server.app.gate.ledger.flush().await;
    limited.site.execute("update keygate.reservation set state = 'unknown', question = null").await;
    let said = attention(&mut limited.owner).await;
    assert!(said.contains("<a href=\"/unsettled\">2 lost answers</a>"), "{said}");
    assert!(!said.contains(CALM), "{said}");
    limited.site.server.stop().await;
}
