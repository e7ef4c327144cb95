//! How a reader wants the pages, without script: the theme, and letters to jump by.

use reqwest::StatusCode;

use crate::{
    lint,
    visitor::{Answer, Visitor, site},
};

async fn choose(visitor: &mut Visitor, page: &str, theme: &str) -> Answer {
    visitor.submit(page, "/theme", &[("theme", theme), ("next", page)]).await
}

fn theme(page: &Answer) -> String {
    page.between("<html lang=\"en\" data-theme=\"", "\"")
}

#[tokio::test]
async fn chosen_theme_holds_on_every_page_until_it_is_chosen_otherwise() {
    let site = site().await;
    let mut owner = site.owner().await;
    assert_eq!(theme(&owner.get("/").await), "automatic");
    for chosen in ["dark", "light"] {
        let back = choose(&mut owner, "/activity?decision=deny", chosen).await;
        assert_eq!((&*back.path, theme(&back)), ("/activity?decision=deny", chosen.to_owned()));
        for path in ["/", "/bots/new", "/problems/internal", "/docs/api", "/nothing-here"] {
            let page = owner.get(path).await;
            assert_eq!(theme(&page), chosen, "{path}");
            assert!(page.text.contains(&format!("name=\"color-scheme\" content=\"{chosen}\"")), "{path}");
            lint::answer(&page);
        }
    }
    let back = choose(&mut owner, "/", "automatic").await;
    assert_eq!(theme(&back), "automatic");
    assert!(back.text.contains("name=\"color-scheme\" content=\"light dark\""));
    assert!(!owner.cookies.contains_key("__Host-keygate_theme"), "nothing is kept");
    site.server.stop().await;
}

#[tokio::test]
async fn pages_before_signing_in_have_the_switch_too() {
    let site = site().await;
    site.owner().await;
    let mut visitor = site.visitor();
    let back = choose(&mut visitor, "/login", "dark").await;
    assert_eq!((&*back.path, theme(&back)), ("/login", "dark".to_owned()));
    assert_eq!(back.text.matches("aria-pressed=\"true\"").count(), 1);
    assert!(back.text.contains("value=\"dark\" aria-pressed=\"true\""));
    site.server.stop().await;
}

#[tokio::test]
async fn theme_that_is_none_is_refused_by_name_and_a_forged_cookie_is_ignored() {
    let site = site().await;
    let mut owner = site.owner().await;
    let refused = choose(&mut owner, "/", "\"><script>").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.text.contains("theme: needs one of: automatic, light, dark"), "{}", refused.text);
    lint::answer(&refused);
    let untold = owner.post("/theme", &[("theme", "dark")]).await;
    assert_eq!(untold.status, StatusCode::FORBIDDEN, "without the token of a page");
    owner.cookies.insert("__Host-keygate_theme".to_owned(), "\"><script>".to_owned());
    let page = owner.get("/").await;
    assert_eq!(theme(&page), "automatic");
    lint::answer(&page);
    site.server.stop().await;
}

#[tokio::test]
async fn letters_are_listed_and_can_be_switched_off_and_on() {
    let site = site().await;
    let mut owner = site.owner().await;
    let list = owner.get("/keys").await;
    lint::answer(&list);
    assert!(list.text.contains("<kbd>g</kbd> <kbd>a</kbd></dt><dd>Activity</dd>"));
    assert!(list.text.contains(">Sign out<"), "who is signed in keeps the navigation");
    assert!(owner.get("/").await.text.contains("/assets/keys-"));
    let off = owner.submit("/keys", "/keys", &[]).await;
    assert!(off.text.contains("Single letters do nothing any more."), "{}", off.text);
    for path in ["/", "/bots", "/login", "/keys"] {
        let page = owner.get(path).await;
        assert!(!page.text.contains("/assets/keys-") && !page.text.contains("<dialog"), "{path}");
    }
    let on = owner.submit("/keys", "/keys", &[("letters", "on")]).await;
    assert!(on.text.contains("/assets/keys-") && on.text.contains("name=\"letters\" checked"));
    site.server.stop().await;
}

#[tokio::test]
async fn nothing_on_a_page_with_a_secret_leads_away_by_accident() {
    let site = site().await;
    let mut owner = site.owner().await;
    let connection = owner.connect().await;
    let bot = owner.add_bot(&connection).await;
    let once = owner.make_pair(&bot, &["read"]).await;
    assert_eq!(once.status, StatusCode::OK, "{}", once.text);
    for trap in ["/assets/keys-", "<dialog", "action=\"/theme\""] {
        assert!(!once.text.contains(trap), "{trap}");
    }
    let mut visitor = site.visitor();
    let door = visitor.get("/login").await;
    assert!(door.text.contains("action=\"/theme\""), "elsewhere the switch is there");
    site.server.stop().await;
}

#[tokio::test]
async fn setup_page_has_no_switch_that_would_lose_its_token() {
    let site = site().await;
    let page = site.visitor().get("/setup").await;
    lint::answer(&page);
    assert!(!page.text.contains("action=\"/theme\""));
    site.server.stop().await;
}
