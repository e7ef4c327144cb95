//! Signing in leads to where the visitor wanted to go, and never to another server.

use reqwest::StatusCode;

use crate::{
    lint,
    visitor::{EMAIL, Site, site},
};

/// What browsers, or careless programs, take for another server or for a script.
const HOSTILE: [&str; 15] = [
    "//evil.example",
    "//evil.example/bots",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/bots\\evil.example",
    "https://evil.example/",
    "https:evil.example",
    "javascript:alert(1)",
    "evil.example",
    "/\t/evil.example",
    "/\r\n/evil.example",
    " //evil.example",
    "/b\u{f6}ts",
    "",
];

async fn set_up() -> Site {
    let site = site().await;
    site.owner().await;
    site
}

fn encoded(next: &str) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish()
}

#[tokio::test]
async fn visitor_comes_back_to_the_page_and_the_filters_they_asked_for() {
    let site = set_up().await;
    let mut ada = site.visitor();
    for wish in ["/connections", "/activity?decision=deny&class=trade", "/connections/new?exchange=binance"] {
        let door = ada.get(wish).await;
        assert_eq!(door.status, StatusCode::SEE_OTHER);
        let page = ada.sign_in(door.location(), EMAIL).await;
        assert_eq!((page.status, &*page.path), (StatusCode::OK, wish), "{}", page.text);
        ada.submit("/", "/logout", &[]).await;
    }
    assert_eq!(ada.get("/").await.location(), "/login", "the overview needs no mention");
    assert_eq!(ada.sign_in("/login", EMAIL).await.path, "/");
    site.server.stop().await;
}

#[tokio::test]
async fn place_on_this_server_is_kept_as_it_is_and_one_of_no_sensible_length_is_not() {
    let site = set_up().await;
    let long = format!("/{}", "a".repeat(1000));
    let places = ["/", "/a:b", "/@b", "/./bots", "/activity?since=2026-01-31T12%3A00", &long[..1000]];
    for place in places {
        let page = site.visitor().get(&format!("/login?{}", encoded(place))).await;
        assert_eq!(page.between("name=\"next\" value=\"", "\""), place);
    }
    let page = site.visitor().get(&format!("/login?{}", encoded(&long))).await;
    assert_eq!(page.between("name=\"next\" value=\"", "\""), "/");
    site.server.stop().await;
}

#[tokio::test]
async fn wish_outlives_a_mistyped_password() {
    let site = set_up().await;
    let mut ada = site.visitor();
    let fields = [("next", "/bots"), ("email", EMAIL), ("password", "not the password")];
    let again = ada.submit("/login?next=%2Fbots", "/login", &fields).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED);
    lint::answer(&again);
    assert_eq!(again.between("name=\"next\" value=\"", "\""), "/bots");
    site.server.stop().await;
}

#[tokio::test]
async fn link_to_the_door_never_leads_to_another_server() {
    let site = set_up().await;
    for next in HOSTILE {
        let page = site.visitor().get(&format!("/login?{}", encoded(next))).await;
        assert_eq!(page.status, StatusCode::OK, "{next:?}");
        lint::answer(&page);
        assert_eq!(page.between("name=\"next\" value=\"", "\""), "/", "{next:?}");
    }
    let mut ada = site.visitor();
    ada.sign_in("/login", EMAIL).await;
    for next in HOSTILE {
        assert_eq!(ada.get(&format!("/login?{}", encoded(next))).await.location(), "/", "{next:?}");
    }
    site.server.stop().await;
}

#[tokio::test]
async fn forged_form_leads_to_no_other_server() {
    let site = set_up().await;
    for next in HOSTILE {
        let mut ada = site.visitor();
        let token = ada.get("/login").await.form_token();
        let fields = [
            ("form_token", &*token),
            ("next", next),
            ("email", EMAIL),
            ("password", crate::visitor::PASSWORD),
        ];
        let answer = ada.post("/login", &fields).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/"), "{next:?}");
        let token = ada.get("/keys").await.form_token();
        let fields = [("form_token", &*token), ("next", next), ("theme", "dark")];
        assert_eq!(ada.post("/theme", &fields).await.location(), "/", "{next:?}");
    }
    site.server.stop().await;
}

#[tokio::test]
async fn form_sent_after_the_session_ended_leads_to_the_door_which_says_that_it_did_nothing() {
    let site = set_up().await;
    for (form, told) in [("/bots/new", "Nothing was done: sign in first"), ("/logout", "You are signed out.")]
    {
        let mut visitor = site.visitor();
        let answer = visitor.post(form, &[("name", "Grid")]).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/login"));
        let door = visitor.get("/login").await;
        assert!(door.text.contains(told), "{form}: {}", door.text);
        lint::answer(&door);
    }
    site.server.stop().await;
}

#[tokio::test]
async fn stop_sent_after_the_session_ended_says_that_nothing_stopped_and_leads_back_to_the_button() {
    let site = site().await;
    let mut ada = site.owner().await;
    let token = ada.get("/panic").await.form_token();
    site.server.app.clock.advance(time::Duration::minutes(16));
    let answer = ada.post("/panic", &[("form_token", &*token), ("scope", "own")]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/login?next=%2Fpanic"));
    let door = ada.get(answer.location()).await;
    assert!(door.text.contains("Nothing was stopped: sign in first."), "{}", door.text);
    let page = ada.sign_in(answer.location(), EMAIL).await;
    assert_eq!((page.status, &*page.path), (StatusCode::OK, "/panic"));
    assert!(!page.text.contains("stopped</span>"), "{}", page.text);
    site.server.stop().await;
}
