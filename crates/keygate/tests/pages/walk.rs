//! Every page and every form, without script.

use keygate::error::Code;
use reqwest::StatusCode;

use crate::{
    lint,
    visitor::{EMAIL, KEY, PASSWORD, SECRET, WIZARD, connection_form, site},
};

#[tokio::test]
async fn from_setup_to_a_virtual_pair_without_script() {
    let site = site().await;
    let mut owner = site.owner().await;
    let home = owner.get("/").await;
    assert!(home.text.contains("Connect your first exchange"));
    let connection = owner.connect().await;
    let bot = owner.add_bot(&connection).await;
    let page = owner.get(&format!("{bot}/connect")).await;
    assert!(page.text.contains("Waiting for the first call"));
    let fields = [
        ("form_token", &*page.form_token()),
        ("pair_id", &*page.between("name=\"pair_id\" value=\"", "\"")),
        ("name", ""),
        ("read", "on"),
        ("trade", "on"),
    ];
    let once = owner.post(&format!("{bot}/connect"), &fields).await;
    lint::answer(&once);
    let secret = once.between("export BINANCE_API_SECRET='", "'");
    assert_eq!(once.text.matches(&secret).count(), 1, "a secret stands on its page once");
    assert!(once.text.contains("Grid &#60;b&#62;") && !once.text.contains("Grid <b>"));
    let again = owner.post(&format!("{bot}/connect"), &fields).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "a reload makes no second pair");
    let pages = [
        "/",
        "/connections",
        "/connections/new",
        WIZARD,
        "/bots",
        "/bots/new",
        "/access-keys",
        "/suspensions",
        "/unsettled",
        "/activity",
        "/admin/users",
        "/account",
        "/docs/api",
        "/keys",
        &connection,
        &format!("{connection}/delete"),
        &bot,
        &format!("{bot}/connect"),
    ];
    for path in pages {
        let page = owner.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        lint::answer(&page);
        assert!(!page.text.contains(&secret), "{path} shows the virtual secret");
    }
    site.server.stop().await;
}

#[tokio::test]
async fn wrong_secret_brings_the_form_back_without_it_and_stores_nothing() {
    let site = site().await;
    let mut owner = site.owner().await;
    let wrong = SECRET.replace("Secret0", "Secret9");
    let again = owner.submit(WIZARD, "/connections/new", &connection_form(&wrong)).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
    lint::answer(&again);
    assert!(
        again.text.contains("The secret does not fit the key")
            && again.text.contains(&format!("value=\"{KEY}\""))
    );
    assert!(!again.text.contains(&wrong), "the secret is not given back");
    assert!(owner.get("/connections").await.text.contains("Connect your first exchange"));
    site.server.stop().await;
}

#[tokio::test]
async fn form_without_the_sessions_token_is_refused() {
    let site = site().await;
    let mut owner = site.owner().await;
    let connection = owner.connect().await;
    let stranger = site.visitor().get("/login").await.form_token();
    for token in ["", "00", &*stranger] {
        let refused = owner.post(&format!("{connection}/pause"), &[("form_token", token)]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        lint::answer(&refused);
    }
    assert!(owner.get(&connection).await.text.contains(">Pause<"), "nothing was paused");
    site.server.stop().await;
}

#[tokio::test]
async fn what_belongs_to_another_does_not_exist() {
    let site = site().await;
    let mut owner = site.owner().await;
    let connection = owner.connect().await;
    let bot = owner.add_bot(&connection).await;
    let person =
        [("email", "eve@example.org"), ("name", "Eve"), ("password", PASSWORD), ("your_password", PASSWORD)];
    owner.submit("/admin/users", "/admin/users", &person).await;
    let mut eve = site.visitor();
    let home = eve.submit("/login", "/login", &[("email", "eve@example.org"), ("password", PASSWORD)]).await;
    assert_eq!(home.path, "/", "{}", home.text);
    for path in [
        &connection,
        &format!("{connection}/delete"),
        &bot,
        &format!("{bot}/connect"),
        &format!("{bot}/status"),
    ] {
        assert_eq!(eve.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    for action in ["pause", "check", "restore"] {
        let answer = eve.submit("/", &format!("{connection}/{action}"), &[]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{action}");
    }
    assert_eq!(eve.get("/admin/users").await.status, StatusCode::FORBIDDEN);
    site.server.stop().await;
}

#[tokio::test]
async fn signed_out_is_signed_out() {
    let site = site().await;
    let mut owner = site.owner().await;
    let cookies = owner.cookies.clone();
    owner.submit("/", "/logout", &[]).await;
    owner.cookies = cookies;
    let answer = owner.get("/connections").await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/login?next=%2Fconnections"));
    let wrong = owner.submit("/login", "/login", &[("email", EMAIL), ("password", "not the password")]).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.text.contains(EMAIL) && !wrong.text.contains("not the password"));
    lint::answer(&wrong);
    site.server.stop().await;
}

#[tokio::test]
async fn session_cookie_opens_no_api() {
    let site = site().await;
    let mut owner = site.owner().await;
    assert_eq!(owner.get("/connections").await.status, StatusCode::OK, "the session itself is good");
    assert_eq!(owner.get("/api/v1/users/me").await.status, StatusCode::UNAUTHORIZED);
    for value in owner.cookies.values() {
        let bearer = owner.client.get(format!("{}/api/v1/users/me", site.url)).bearer_auth(value);
        assert_eq!(bearer.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    }
    site.server.stop().await;
}

#[tokio::test]
async fn every_error_code_has_its_page() {
    let site = site().await;
    let mut owner = site.owner().await;
    for code in Code::ALL {
        let page = owner.get(&format!("/problems/{}", code.text())).await;
        assert_eq!(page.status, StatusCode::OK, "{}", code.text());
        lint::answer(&page);
    }
    site.server.stop().await;
}
