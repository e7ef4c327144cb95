//! In Chromium: what only a browser can tell. Pages fit a narrow screen, the theme is seen, letters jump.

use std::time::Duration;

use serde_json::json;
use thirtyfour::{common::cookie::SameSite, prelude::*};

use crate::{
    browser::{browser, complaints},
    visitor::{Site, Visitor, site},
};

/// The owner's session, carried over into the browser.
async fn signed_in(site: &Site, window: &WebDriver, owner: &Visitor) -> WebDriverResult<()> {
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

/// As on the smallest phones.
async fn narrow(window: &WebDriver) {
    let address = format!("{}session/{}/goog/cdp/execute", window.handle().server_url(), window.session_id());
    let params = json!({"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": false});
    let order = json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": params});
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    assert_eq!(client.post(address).json(&order).send().await.unwrap().status(), 200);
}

async fn all_fit(site: &Site, window: &WebDriver, pages: &[String]) -> WebDriverResult<()> {
    narrow(window).await;
    for page in pages {
        window.goto(format!("{}{page}", site.url)).await?;
        window.find(By::Css("h1")).await?;
        let screen: i64 = window.execute("return innerWidth", Vec::new()).await?.convert()?;
        assert_eq!(screen, 320, "{page}");
        assert_eq!(over_the_edge(window).await?, [""; 0], "{page}");
    }
    Ok(())
}

async fn colour(window: &WebDriver) -> WebDriverResult<String> {
    let script = "return getComputedStyle(document.documentElement).backgroundColor";
    window.execute(script, Vec::new()).await?.convert()
}

async fn themes_are_seen(site: &Site, window: &WebDriver) -> WebDriverResult<()> {
    window.goto(format!("{}/bots", site.url)).await?;
    for (theme, paper) in [("dark", DARK), ("light", LIGHT)] {
        window.find(By::Css(format!("button[name=theme][value={theme}]"))).await?.click().await?;
        window.query(By::Css(format!("html[data-theme={theme}]"))).first().await?;
        assert_eq!(colour(window).await?, paper, "{theme}");
        assert!(window.current_url().await?.path().ends_with("/bots"), "back on the same page");
    }
    Ok(())
}

async fn typed(window: &WebDriver, keys: &str) -> WebDriverResult<()> {
    window.action_chain().send_keys(keys).perform().await
}

async fn led_to(window: &WebDriver, path: &str) -> WebDriverResult<()> {
    for _ in 0..50 {
        if window.current_url().await?.path() == path {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("at {} instead of {path}", window.current_url().await?)
}

async fn letters_jump(site: &Site, window: &WebDriver) -> WebDriverResult<()> {
    window.goto(format!("{}/access-keys", site.url)).await?;
    for (keys, path) in [("gc", "/connections"), ("gb", "/bots"), ("go", "/"), ("ga", "/activity")] {
        typed(window, keys).await?;
        led_to(window, path).await?;
        window.query(By::Css("h1")).first().await?;
    }
    typed(window, "/").await?;
    let focused = window.active_element().await?;
    assert_eq!(focused.id().await?.as_deref(), Some("connection"), "the first of the filters");
    typed(window, "?").await?;
    assert!(!window.find(By::Id("keys")).await?.is_displayed().await?, "a field has the focus");
    window.goto(format!("{}/bots", site.url)).await?;
    typed(window, "?").await?;
    assert!(window.find(By::Id("keys")).await?.is_displayed().await?);
    window.find(By::Css("#keys button")).await?.click().await?;
    assert!(!window.find(By::Id("keys")).await?.is_displayed().await?);
    Ok(())
}

/// Letters do nothing while somebody types, and nothing at all once they are turned off.
async fn letters_keep_still(site: &Site, window: &WebDriver) -> WebDriverResult<()> {
    window.goto(format!("{}/access-keys", site.url)).await?;
    let field = window.find(By::Id("name")).await?;
    field.clear().await?;
    field.send_keys("gb?/go").await?;
    assert_eq!(field.value().await?.as_deref(), Some("gb?/go"));
    assert!(!window.find(By::Id("keys")).await?.is_displayed().await?);
    window.goto(format!("{}/keys", site.url)).await?;
    window.find(By::Css("input[name=letters]")).await?.click().await?;
    window.find(By::Css("main button")).await?.click().await?;
    window.query(By::Css(".flash")).first().await?;
    typed(window, "gb").await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    led_to(window, "/keys").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_fit_a_narrow_screen_themes_are_seen_and_letters_jump() {
    let site = site().await;
    let mut owner = site.owner().await;
    let pages = furnished(&mut owner).await;
    let (_driver, window, _profile) = browser().await;
    let outcome = async {
        signed_in(&site, &window, &owner).await?;
        themes_are_seen(&site, &window).await?;
        letters_jump(&site, &window).await?;
        letters_keep_still(&site, &window).await?;
        all_fit(&site, &window, &pages).await
    };
    let outcome = outcome.await;
    let complaints = complaints(&window).await;
    window.quit().await.unwrap();
    outcome.unwrap();
    assert_eq!(complaints, json!([]));
    site.server.stop().await;
}

const PAGES: [&str; 12] = [
    "/",
    "/connections",
    "/connections/new",
    "/connections/new?exchange=binance",
    "/bots",
    "/bots/new",
    "/access-keys",
    "/activity",
    "/admin/users",
    "/docs/api",
    "/keys",
    "/problems/wrong-key",
];
const DARK: &str = "rgb(18, 21, 24)";
const LIGHT: &str = "rgb(244, 245, 247)";
