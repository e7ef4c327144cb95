//! `/connections/own-keys/{id}`: a key made here, from the wizard to the first call of a bot, without script.

use keygate::error::Code;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    lint,
    visitor::{Answer, PASSWORD, Site, Visitor, WIZARD, site},
};

const MAKE: &str = "/connections/new/own-key";

/// Makes a key as the wizard's form does; the page that shows its public half.
async fn make(owner: &mut Visitor, kind: &str) -> Answer {
    let fields = [("exchange", "binance"), ("environment", "practice"), ("kind", kind)];
    let made = owner.submit(WIZARD, MAKE, &fields).await;
    lint::answer(&made);
    made
}

fn public_key(page: &Answer) -> String {
    page.between("<pre data-copy=\"the public key\" tabindex=\"0\" aria-label=\"Public key\">", "</pre>")
}

/// What its owner does at the exchange: pastes the public half, and is given an API key.
async fn hand_over(site: &Site, public_key_pem: &str) -> String {
    let demo = site.server.demo.as_ref().expect("the pretend exchange runs").url();
    let request = site.visitor().client.post(format!("{demo}/_demo/binance/keys"));
    let given = request.json(&json!({ "public_key_pem": public_key_pem })).send().await.unwrap();
    given.json::<Value>().await.unwrap()["api_key"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn from_the_wizard_to_a_bots_call_with_a_key_made_here() {
    let site = site().await;
    let mut owner = site.owner().await;
    let wizard = owner.get(WIZARD).await;
    lint::answer(&wizard);
    assert!(
        wizard.text.contains("action=\"/connections/new/own-key\"") && wizard.text.contains("value=\"rsa\"")
    );
    let page = make(&mut owner, "ed25519").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.text.contains("1. Paste the public key at Binance") && page.text.contains("/_demo/"));
    assert!(!page.text.contains("PRIVATE KEY"));
    let public = public_key(&page);
    assert!(public.starts_with("-----BEGIN PUBLIC KEY-----\n") && public.trim_end().ends_with("-----"));
    let list = owner.get("/connections").await;
    lint::answer(&list);
    assert!(list.text.contains(&format!("href=\"{}\"", page.path)), "the way back: {}", list.text);
    let api_key = hand_over(&site, &public).await;
    let fields = [("name", "Born"), ("api_key", &*api_key), ("trade", "on")];
    let connection = owner.submit(&page.path, &page.path, &fields).await;
    lint::answer(&connection);
    assert!(connection.text.contains("never anywhere but here"), "{}", connection.text);
    assert_eq!(owner.get(&page.path).await.status, StatusCode::NOT_FOUND, "it waits no more");
    let bot = owner.add_bot(&connection.path).await;
    let once = owner.make_pair(&bot, &["read", "trade"]).await;
    let key = once.between("<code data-copy=\"the key\">", "</code>");
    let secret = once.between("export BINANCE_API_SECRET='", "'");
    assert_eq!(site.call("GET /api/v3/account", &key, &secret).await, StatusCode::OK);
    site.server.stop().await;
}

#[tokio::test]
async fn wrong_api_key_brings_the_page_back_with_the_check_and_the_key_still_waits() {
    let site = site().await;
    let mut owner = site.owner().await;
    let page = make(&mut owner, "rsa").await;
    let wrong = "U".repeat(64);
    let again = owner.submit(&page.path, &page.path, &[("name", "Born"), ("api_key", &wrong)]).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
    lint::answer(&again);
    assert!(
        again.text.contains(Code::WrongKey.title()) && again.text.contains("Live check"),
        "{}",
        again.text
    );
    assert!(again.text.contains(&format!("value=\"{wrong}\"")) && again.text.contains("value=\"Born\""));
    assert_eq!(public_key(&again), public_key(&page), "the same key waits on");
    let nameless = owner.submit(&page.path, &page.path, &[("name", ""), ("api_key", &wrong)]).await;
    assert!(nameless.text.contains("<a href=\"#name\">name: "), "{}", nameless.text);
    site.server.stop().await;
}

#[tokio::test]
async fn only_exchanges_that_take_public_keys_offer_it() {
    let site = site().await;
    let mut owner = site.owner().await;
    let coinone = owner.get("/connections/new?exchange=coinone").await;
    assert!(!coinone.text.contains(MAKE));
    let bybit = owner.get("/connections/new?exchange=bybit").await;
    assert!(bybit.text.contains(MAKE) && !bybit.text.contains("ed25519"));
    let refused = make(&mut owner, "hmac").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.text.contains("ed25519, rsa"), "{}", refused.text);
    site.server.stop().await;
}

#[tokio::test]
async fn waiting_key_is_destroyed_by_its_owner_and_by_nobody_else() {
    let site = site().await;
    let mut owner = site.owner().await;
    let page = make(&mut owner, "ed25519").await.path;
    let person =
        [("email", "eve@example.org"), ("name", "Eve"), ("password", PASSWORD), ("your_password", PASSWORD)];
    owner.submit("/admin/users", "/admin/users", &person).await;
    let mut eve = site.visitor();
    eve.submit("/login", "/login", &[("email", "eve@example.org"), ("password", PASSWORD)]).await;
    let gone = format!("{page}/delete");
    assert_eq!(eve.get(&page).await.status, StatusCode::NOT_FOUND);
    assert_eq!(eve.submit("/", &gone, &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        eve.submit("/", &page, &[("name", "x"), ("api_key", "x")]).await.status,
        StatusCode::NOT_FOUND
    );
    assert!(!eve.get("/connections").await.text.contains(&page));
    assert_eq!(owner.get(&page).await.status, StatusCode::OK, "it is still there");
    let destroyed = owner.submit(&page, &gone, &[]).await;
    assert!(destroyed.text.contains("Destroyed."), "{}", destroyed.text);
    assert_eq!(owner.get(&page).await.status, StatusCode::NOT_FOUND);
    site.server.stop().await;
}
