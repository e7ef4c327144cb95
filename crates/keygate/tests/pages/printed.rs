//! The lines on the page of a new pair are those that `keygate config` prints.

use std::process::{Command, Stdio};

use crate::{
    lint,
    visitor::{Site, site},
};

/// By title and command, and how the program writes an environment variable and a text. The page has the key itself.
const PROGRAMS: [(&str, &str, &str, &str); 4] = [
    ("ccxt, Python", "ccxt", "os.environ[\"{}\"]", "\""),
    ("ccxt, JavaScript", "ccxt-js", "process.env.{}", "\""),
    ("python-binance", "python-binance", "os.environ[\"{}\"]", "\""),
    ("curl", "curl", "\"${}\"", "'"),
];

/// What the command prints for the only bot.
async fn printed(site: &Site, token: &str, program: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keygate"));
    command.env_clear().env("KEYGATE_URL", &site.url).env("KEYGATE_TOKEN", token).stdin(Stdio::null());
    command.args(["config", program, "--bot", "Grid <b>", "--base-url", &site.server.app.config.public_url]);
    let done = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout).unwrap()
}

fn as_text(html: &str) -> String {
    let signs = [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")];
    signs.iter().fold(html.to_owned(), |text, (escaped, sign)| text.replace(escaped, sign))
}

#[tokio::test]
async fn page_and_command_print_the_same_lines() {
    let site = site().await;
    let mut owner = site.owner().await;
    let form = [("name", "cli"), ("expires_in_days", "30"), ("read", "on")];
    let token = owner.submit("/access-keys", "/access-keys", &form).await;
    let token = token.between("aria-label=\"Access key\">", "</pre>");
    let connection = owner.connect().await;
    let bot = owner.add_bot(&connection).await;
    let page = owner.make_pair(&bot, &["read", "trade"]).await;
    lint::answer(&page);
    let key = page.between("<code data-copy=\"the key\">", "</code>");
    for (title, program, variable, quote) in PROGRAMS {
        let shown = as_text(&page.between(&format!("aria-label=\"Lines for {title}\">"), "</pre>"));
        let read = variable.replace("{}", "BINANCE_API_KEY");
        let command = printed(&site, &token, program).await;
        assert!(command.contains(&read), "{program}: {command}");
        assert_eq!(shown, command.replace(&read, &format!("{quote}{key}{quote}")), "{program}");
    }
    site.server.stop().await;
}
