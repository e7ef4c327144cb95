//! In Chromium: what only a browser can tell. Pages fit a narrow screen, the theme is seen, letters jump.

use std::time::Duration;

use serde_json::json;
use thirtyfour::{common::cookie::SameSite, prelude::*};

use crate::{
    browser::{browser, complaints},
    visitor::{Site, Visitor, site},
};

/// Opens a browser, and sees that it had nothing to complain about.
async fn watched(steps: impl AsyncFnOnce(&Site, &WebDriver) -> WebDriverResult<()>) {
    let site = site().await;
    let (_driver, window, _profile) = browser().await;
    let outcome = steps(&site, &window).await;
    let complaints = complaints(&window).await;
    window.quit().await.unwrap();
    outcome.unwrap();
    assert_eq!(complaints, json!([]));
    site.server.stop().await;
}

/// The owner's session, carried over into the browser.
async fn sign_in(site: &Site, window: &WebDriver, owner: &Visitor) -> WebDriverResult<()> {
    window.goto(format!("{}/login", site.url)).await?;
    for (name, value) in &owner.cookies {
        let mut cookie = Cookie::new(name, value);
        cookie.set_secure(true);
        cookie.set_path("/");
        cookie.set_same_site(SameSite::Strict);
        window.add_cookie(cookie).await?;
    }
    Ok(())
}

/// Everything a person can come to, with names too long for a narrow screen.
async fn furnished(owner: &mut Visitor) -> Vec<String> {
    let connection = owner.connect().await;
    let bot = owner.add_bot(&connection).await;
    owner.make_pair(&bot, &["read", "trade"]).await;
    let long = "Wide".repeat(25);
    owner.submit(&connection, &connection, &[("name", &long), ("label", &long), ("trade", "on")]).await;
    owner.submit(&bot, &bot, &[("name", &long), ("symbol", ""), ("is_active", "on")]).await;
    owner
        .submit("/access-keys", "/access-keys", &[("name", &long), ("read", "on"), ("expires_in_days", "9")])
        .await;
    let own = ["", "/delete"].map(|end| format!("{connection}{end}"));
    let bots = ["", "/connect"].map(|end| format!("{bot}{end}"));
    PAGES.map(str::to_owned).into_iter().chain(own).chain(bots).collect()
}

/// The elements that reach over the edge of the screen.
async fn over_the_edge(window: &WebDriver) -> WebDriverResult<Vec<String>> {
    let script = "const width = document.documentElement.scrollWidth; \
        const over = (element) => element.getBoundingClientRect().right > innerWidth; \
        const elements = [...document.querySelectorAll('body *')].filter(over); \
        return width <= innerWidth ? [] : [`${width}`, ...elements.map((element) => element.outerHTML.slice(0, 80))]";
    window.execute(script, Vec::new()).await?.convert()
}

/// Makes the window as wide as the smallest phones are, or as wide as a small laptop.
async fn resize(window: &WebDriver, width: i64) {
    let address = format!("{}session/{}/goog/cdp/execute", window.handle().server_url(), window.session_id());
    let params = json!({"width": width, "height": 640, "deviceScaleFactor": 1, "mobile": false});
    let order = json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": params});
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    assert_eq!(client.post(address).json(&order).send().await.unwrap().status(), 200);
}

async fn fits(window: &WebDriver, width: i64) -> WebDriverResult<()> {
    window.query(By::Css("h1")).first().await?;
    let page = window.current_url().await?;
    let screen: i64 = window.execute("return innerWidth", Vec::new()).await?.convert()?;
    assert_eq!(screen, width, "{page}");
    assert_eq!(over_the_edge(window).await?, [""; 0], "{page} at {width}");
    Ok(())
}

async fn all_fit(site: &Site, window: &WebDriver, pages: &[&str]) -> WebDriverResult<()> {
    for width in [320, 1024] {
        resize(window, width).await;
        for page in pages {
            window.goto(format!("{}{page}", site.url)).await?;
            fits(window, width).await?;
        }
    }
    Ok(())
}

async fn colour(window: &WebDriver) -> WebDriverResult<String> {
    let script = "return getComputedStyle(document.documentElement).backgroundColor";
    window.execute(script, Vec::new()).await?.convert()
}

async fn typed(window: &WebDriver, keys: &str) -> WebDriverResult<()> {
    window.action_chain().send_keys(keys).perform().await
}

async fn list_is_open(window: &WebDriver) -> WebDriverResult<bool> {
    window.find(By::Id("keys")).await?.is_displayed().await
}

/// Waits until the page at this path is there, with its scripts.
async fn led_to(window: &WebDriver, path: &str) -> WebDriverResult<()> {
    for _ in 0..50 {
        let state: String = window.execute("return document.readyState", Vec::new()).await?.convert()?;
        if state == "complete" && window.current_url().await?.path() == path {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("at {} instead of {path}", window.current_url().await?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_fits_the_screen_however_long_the_names() {
    watched(async |site, window| {
        all_fit(site, window, &["/setup"]).await?;
        let mut owner = site.owner().await;
        let pages = furnished(&mut owner).await;
        all_fit(site, window, &["/login"]).await?;
        sign_in(site, window, &owner).await?;
        all_fit(site, window, &pages.iter().map(String::as_str).collect::<Vec<_>>()).await?;
        resize(window, 320).await;
        let connect = pages.last().unwrap();
        window.goto(format!("{}{connect}", site.url)).await?;
        window.find(By::Css("main button")).await?.click().await?;
        window.query(By::Css("pre[data-copy='the secret']")).first().await?;
        fits(window, 320).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_themes_are_seen() {
    watched(async |site, window| {
        sign_in(site, window, &site.owner().await).await?;
        window.goto(format!("{}/bots", site.url)).await?;
        for (theme, paper) in [("dark", DARK), ("light", LIGHT)] {
            window.find(By::Css(format!("button[name=theme][value={theme}]"))).await?.click().await?;
            window.query(By::Css(format!("html[data-theme={theme}]"))).first().await?;
            assert_eq!(colour(window).await?, paper, "{theme}");
            led_to(window, "/bots").await?;
        }
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_jump_to_pages_filters_and_their_own_list() {
    watched(async |site, window| {
        sign_in(site, window, &site.owner().await).await?;
        window.goto(format!("{}/access-keys", site.url)).await?;
        for (keys, path) in [("gc", "/connections"), ("gb", "/bots"), ("go", "/"), ("ga", "/activity")] {
            typed(window, keys).await?;
            led_to(window, path).await?;
        }
        typed(window, "/").await?;
        let focused = window.active_element().await?;
        assert_eq!(focused.id().await?.as_deref(), Some("connection"), "the first of the filters");
        window.goto(format!("{}/bots", site.url)).await?;
        typed(window, "?").await?;
        assert!(list_is_open(window).await?);
        window.find(By::Css("#keys button")).await?.click().await?;
        assert!(!list_is_open(window).await?);
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_do_nothing_in_a_field_or_when_turned_off() {
    watched(async |site, window| {
        sign_in(site, window, &site.owner().await).await?;
        window.goto(format!("{}/access-keys", site.url)).await?;
        let field = window.find(By::Id("name")).await?;
        field.send_keys("gb?/go").await?;
        assert_eq!(field.value().await?.as_deref(), Some("gb?/go"));
        assert!(!list_is_open(window).await?);
        window.goto(format!("{}/keys", site.url)).await?;
        window.find(By::Css("input[name=letters]")).await?.click().await?;
        window.find(By::Css("main button")).await?.click().await?;
        window.query(By::Css(".flash")).first().await?;
        typed(window, "gb").await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        led_to(window, "/keys").await
    })
    .await;
}

const PAGES: [&str; 13] = [
    "/",
    "/connections",
    "/connections/new",
    "/connections/new?exchange=binance",
    "/bots",
    "/bots/new",
    "/access-keys",
    "/activity",
    "/admin/users",
    "/account",
    "/docs/api",
    "/keys",
    "/problems/wrong-key",
];
const DARK: &str = "rgb(18, 21, 24)";
const LIGHT: &str = "rgb(244, 245, 247)";
