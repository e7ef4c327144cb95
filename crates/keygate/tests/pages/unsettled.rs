//! `/unsettled`: what nobody knows, said by its owner.

use reqwest::StatusCode;
use sqlx::AssertSqlSafe;

use crate::{
    lint,
    visitor::{PASSWORD, site},
};

#[tokio::test]
async fn owner_says_on_the_page_what_became_of_a_lost_order() {
    let site = site().await;
    let mut owner = site.owner().await;
    let connection = owner.connect().await;
    let bot = owner.add_bot(&connection).await;
    let once = owner.make_pair(&bot, &["read", "trade"]).await;
    let key = once.between("<code data-copy=\"the key\">", "</code>");
    let secret = once.between("export BINANCE_API_SECRET='", "'");
    let order = "POST /api/v3/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.001";
    assert_eq!(site.call(order, &key, &secret).await, StatusCode::OK);
    site.server.app.gate.ledger.flush().await;
    let limits = format!("{connection}/limits");
    assert!(!owner.get(&limits).await.text.contains("/unsettled"));
    let lose = "update keygate.reservation set state = 'unknown', question = null";
    let mut superuser = site.scratch.superuser().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(lose)).execute(&mut superuser).await.unwrap();

    assert!(owner.get(&limits).await.text.contains("href=\"/unsettled\""));
    let page = owner.get("/unsettled").await;
    lint::answer(&page);
    assert!(page.text.contains("It never happened") && page.text.contains("BTCUSDT"), "{}", page.text);
    let action = format!("/unsettled/{}", page.between("action=\"/unsettled/", "\""));
    let word = |password| [("place", "0"), ("happened", "false"), ("password", password)];
    let wrong = owner.submit("/unsettled", &action, &word("quite another one")).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    lint::answer(&wrong);
    let done = owner.submit("/unsettled", &action, &word(PASSWORD)).await;
    assert!(done.text.contains("What it held is free again."), "{}", done.text);
    assert!(done.text.contains("It is known what became of every call."));
    let record = owner.get("/activity?decision=management").await;
    assert!(record.text.contains("settle never") && record.text.contains("bot create"), "{}", record.text);
    site.server.stop().await;
}
