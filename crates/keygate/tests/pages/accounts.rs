//! `/register` and `/admin/users`: who gets an account, and who loses access.

use reqwest::StatusCode;

use crate::{
    lint,
    visitor::{Answer, EMAIL, PASSWORD, Site, Visitor, site, site_with},
};

const EVE: &str = "eve@example.org";
const PERSON: [(&str, &str); 4] =
    [("email", EVE), ("name", "Eve <i>"), ("password", PASSWORD), ("your_password", PASSWORD)];

fn with(name: &str, value: &'static str) -> Vec<(&'static str, &'static str)> {
    PERSON.iter().map(|(field, text)| (*field, if *field == name { value } else { *text })).collect()
}

/// Presses the button beside an account.
async fn switch(owner: &mut Visitor, action: &str) -> Answer {
    let page = owner.get("/admin/users").await;
    let (_, ours) = page.text.split_once(EVE).expect("Eve is in the list");
    let (_, rest) = ours.split_once("action=\"/admin/users/").expect("there is a button");
    let (id, rest) = rest.split_once('/').unwrap();
    assert!(rest.starts_with(action), "the button says {}", &rest[..20]);
    owner.submit("/admin/users", &format!("/admin/users/{id}/{action}"), &[("password", PASSWORD)]).await
}

async fn with_eve() -> (Site, Visitor, Visitor) {
    let site = site().await;
    let mut owner = site.owner().await;
    let made = owner.submit("/admin/users", "/admin/users", &PERSON).await;
    assert!(made.text.contains("The account is made."), "{}", made.text);
    let mut eve = site.visitor();
    assert_eq!(eve.sign_in("/login", EVE).await.path, "/");
    (site, owner, eve)
}

#[tokio::test]
async fn open_registration_makes_an_account_that_owns_nothing_of_others() {
    let site = site_with(|config| config.registration.open = true).await;
    let mut owner = site.owner().await;
    owner.connect().await;
    let mut eve = site.visitor();
    assert!(eve.get("/login").await.text.contains("href=\"/register\""));
    lint::answer(&eve.get("/register").await);
    let home = eve.submit("/register", "/register", &PERSON).await;
    assert_eq!((home.status, &*home.path), (StatusCode::OK, "/"), "{}", home.text);
    assert!(home.text.contains("Your account is ready.") && home.text.contains("Eve &#60;i&#62;"));
    assert!(home.text.contains("Connect your first exchange"), "nothing of the owner's is seen");
    assert_eq!(eve.get("/admin/users").await.status, StatusCode::FORBIDDEN);
    site.server.stop().await;
}

#[tokio::test]
async fn mistake_in_the_form_is_named_and_what_was_typed_stays_but_the_password() {
    let site = site_with(|config| config.registration.open = true).await;
    site.owner().await;
    let cases =
        [("email", "eve", 400), ("name", " ", 400), ("password", "tooshort", 400), ("email", EMAIL, 409)];
    for (field, value, status) in cases {
        let mut eve = site.visitor();
        let again = eve.submit("/register", "/register", &with(field, value)).await;
        assert_eq!(again.status.as_u16(), status, "{field}");
        lint::answer(&again);
        assert!(again.text.contains("value=\"Eve &#60;i&#62;\"") || field == "name", "{field}");
        assert!(!again.text.contains(PASSWORD) && !again.text.contains("tooshort"), "{field}");
        let named = again.text.contains(&format!("<a href=\"#{field}\">"));
        assert_eq!(named, status == 400, "{field}: {}", again.text);
        assert_eq!(eve.get("/").await.status, StatusCode::SEE_OTHER, "nobody is signed in");
    }
    site.server.stop().await;
}

#[tokio::test]
async fn closed_registration_shows_no_form_and_takes_none() {
    let site = site().await;
    site.owner().await;
    let mut eve = site.visitor();
    assert!(!eve.get("/login").await.text.contains("/register"));
    let shown = eve.get("/register").await;
    assert_eq!(shown.status, StatusCode::FORBIDDEN);
    assert!(shown.text.contains("Ask the owner of this Keygate for an account."));
    lint::answer(&shown);
    let token = eve.get("/login").await.form_token();
    let mut fields = PERSON.to_vec();
    fields.push(("form_token", &token));
    assert_eq!(eve.post("/register", &fields).await.status, StatusCode::FORBIDDEN);
    let refused = eve.sign_in("/login", EVE).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "there is no such account");
    site.server.stop().await;
}

#[tokio::test]
async fn deactivated_user_is_out_at_once_and_reactivated_is_in_again() {
    let (site, mut owner, mut eve) = with_eve().await;
    assert_eq!(eve.get("/bots").await.status, StatusCode::OK);
    let out = switch(&mut owner, "deactivate").await;
    lint::answer(&out);
    assert!(out.text.contains("eve@example.org has no access any more"), "{}", out.text);
    assert_ne!(eve.get("/bots").await.status, StatusCode::OK, "the open session is closed");
    let mut elsewhere = site.visitor();
    let refused = elsewhere.sign_in("/login", EVE).await;
    assert!(refused.status.is_client_error(), "{}", refused.status);
    let back = switch(&mut owner, "reactivate").await;
    assert!(back.text.contains("eve@example.org may sign in again."), "{}", back.text);
    assert_eq!(elsewhere.sign_in("/login", EVE).await.path, "/");
    site.server.stop().await;
}

#[tokio::test]
async fn administrator_meets_the_same_rules_when_making_an_account() {
    let (site, mut owner, _) = with_eve().await;
    let again = owner.submit("/admin/users", "/admin/users", &with("email", EVE)).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    let again = owner.submit("/admin/users", "/admin/users", &with("password", "tooshort")).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
    lint::answer(&again);
    assert!(again.text.contains("<a href=\"#password\">") && !again.text.contains("tooshort"));
    assert_eq!(again.text.matches("eve@example.org").count(), 3, "in the list, its button and the field");
    site.server.stop().await;
}

#[tokio::test]
async fn user_without_the_role_administers_nobody() {
    let (site, mut owner, mut eve) = with_eve().await;
    let page = owner.get("/admin/users").await;
    let id = page.between("action=\"/admin/users/", "/");
    for action in ["deactivate", "reactivate"] {
        let refused = eve.submit("/", &format!("/admin/users/{id}/{action}"), &[]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{action}");
    }
    assert!(!page.text.contains(&format!("<span class=\"unseen\"> {EMAIL}</span>")), "none for the owner");
    let unknown = format!("/admin/users/{}/deactivate", uuid::Uuid::nil());
    assert_eq!(owner.submit("/admin/users", &unknown, &[]).await.status, StatusCode::NOT_FOUND);
    site.server.stop().await;
}

#[tokio::test]
async fn new_password_ends_other_sign_ins_and_this_one_goes_on() {
    let (site, _, mut eve) = with_eve().await;
    let mut elsewhere = site.visitor();
    elsewhere.sign_in("/login", EVE).await;
    let page = eve.get("/account").await;
    lint::answer(&page);
    let form = |old: &'static str, new: &'static str| [("password", old), ("new_password", new)];
    let new = "nine other words that nobody knows";
    for (form, status) in
        [(form("not the one", new), 401), (form(PASSWORD, "short"), 400), (form("", new), 403)]
    {
        let refused = eve.submit("/account", "/account/password", &form).await;
        assert_eq!(refused.status.as_u16(), status, "{}", refused.text);
        lint::answer(&refused);
    }
    assert_eq!(elsewhere.get("/account").await.status, StatusCode::OK);
    let changed = eve.submit("/account", "/account/password", &form(PASSWORD, new)).await;
    assert!(changed.text.contains("Your password is changed."), "{}", changed.text);
    assert_eq!(elsewhere.get("/account").await.status, StatusCode::SEE_OTHER, "the other session is over");
    assert!(elsewhere.sign_in("/login", EVE).await.status.is_client_error(), "the old password is no more");
    site.server.stop().await;
}

#[tokio::test]
async fn all_other_sign_ins_end_by_one_button() {
    let (site, _, mut eve) = with_eve().await;
    let mut elsewhere = site.visitor();
    elsewhere.sign_in("/login", EVE).await;
    let ended = eve.submit("/account", "/account/sign-ins/end", &[]).await;
    assert!(ended.text.contains("All other sign-ins have ended."), "{}", ended.text);
    assert_eq!(elsewhere.get("/account").await.status, StatusCode::SEE_OTHER);
    site.server.stop().await;
}
