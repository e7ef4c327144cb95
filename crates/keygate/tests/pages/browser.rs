//! In Chromium: from the setup link to the first call of a bot, with nothing refused by the content policy.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use thirtyfour::prelude::*;

use crate::visitor::{EMAIL, KEY, PASSWORD, SECRET, Site, site};

/// The program that drives the browser; ended with the test.
pub struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub async fn browser() -> (Driver, WebDriver, tempfile::TempDir) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new("/usr/bin/chromedriver");
    command.arg(format!("--port={port}")).stdout(Stdio::null()).stderr(Stdio::null());
    let driver = Driver(command.spawn().expect("chromedriver is installed"));
    let profile = tempfile::tempdir().unwrap();
    let mut wishes = DesiredCapabilities::chrome();
    for flag in FLAGS {
        wishes.add_arg(flag).unwrap();
    }
    wishes.add_arg(&format!("--user-data-dir={}", profile.path().display())).unwrap();
    wishes.set("goog:loggingPrefs", json!({"browser": "ALL"})).unwrap();
    for _ in 0..100 {
        if let Ok(window) = WebDriver::new(format!("http://127.0.0.1:{port}"), wishes.clone()).await {
            return (driver, window, profile);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("the browser does not start");
}

async fn fill(window: &WebDriver, id: &str, text: &str) -> WebDriverResult<()> {
    let field = window.find(By::Id(id)).await?;
    field.clear().await?;
    field.send_keys(text).await
}

async fn press(window: &WebDriver, words: &str) -> WebDriverResult<()> {
    window
        .query(By::XPath(format!("//main//*[self::button or self::a][normalize-space()='{words}']")))
        .first()
        .await?
        .click()
        .await
}

async fn journey(site: &Site, window: &WebDriver) -> WebDriverResult<()> {
    window.goto(format!("{}/setup#{}", site.url, site.setup_token())).await?;
    assert!(!window.current_url().await?.as_str().contains('#'), "the token leaves the address bar");
    for (id, text) in [("email", EMAIL), ("name", "Ada"), ("password", PASSWORD)] {
        fill(window, id, text).await?;
    }
    press(window, "Create the account").await?;
    press(window, "Connect an exchange").await?;
    window.query(By::PartialLinkText("Binance")).first().await?.click().await?;
    fill(window, "api_key", KEY).await?;
    fill(window, "secret", SECRET).await?;
    press(window, "Check and store").await?;
    press(window, "Add a bot").await?;
    fill(window, "name", "Grid").await?;
    press(window, "Add the bot").await?;
    press(window, "Make a virtual pair").await?;
    let line = window.query(By::Css("pre[data-copy='the secret']")).first().await?.text().await?;
    let secret = line.split('\'').nth(1).expect("a quoted secret").to_owned();
    let key = window.find(By::Css("code[data-copy='the key']")).await?.text().await?;
    assert!(window.find(By::Id("status")).await?.text().await?.contains("Waiting"));
    assert_eq!(site.call("GET /api/v3/account", &key, &secret).await, 200);
    window
        .query(By::Css("#status.seen"))
        .wait(Duration::from_secs(15), Duration::from_millis(200))
        .first()
        .await?;
    for path in ["/", "/activity", "/connections", "/bots", "/access-keys", "/admin/users", "/docs/api"] {
        window.goto(format!("{}{path}", site.url)).await?;
        window.find(By::Css("h1")).await?;
    }
    Ok(())
}

/// What the browser complained about since it started: refusals by the policy, errors of scripts.
pub async fn complaints(window: &WebDriver) -> Value {
    let address = format!("{}session/{}/se/log", window.handle().server_url(), window.session_id());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer: Value =
        client.post(address).json(&json!({"type": "browser"})).send().await.unwrap().json().await.unwrap();
    answer["value"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_the_setup_link_to_the_first_call_without_a_complaint_of_the_browser() {
    let site = site().await;
    let (_driver, window, _profile) = browser().await;
    let outcome = journey(&site, &window).await;
    let complaints = complaints(&window).await;
    window.quit().await.unwrap();
    outcome.unwrap();
    assert_eq!(complaints, json!([]));
    site.server.stop().await;
}

const FLAGS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];
