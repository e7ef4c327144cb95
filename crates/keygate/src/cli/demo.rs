//! `keygate demo`: everything at once in a throw-away directory, with a bot that calls already.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    process::ExitCode,
    time::Duration,
};

use demo_exchange::Credential;
use exchange::Options;
use http::Method;
use seal::SecretText;

use super::{out, server::until_told};
use crate::{
    access_key::{self, Bounds, NewPair, PAIR_DAYS},
    app::App,
    auth::{Caller, Client, Origin, Role, Via},
    bot::{self, NewBot},
    clock::Clock,
    cluster::Cluster,
    config::{Config, Flags, MasterKeySource},
    connection::{self, Allow, ExchangeKey, NewConnection},
    db::prepare_cluster,
    error::{Code, Error, Fatal},
    http::{Listener, RequestId},
    log,
    start::{self, PRACTICE, Store},
    user::{self, NewUser, StepUp},
};

pub async fn run(flags: Flags) -> Result<ExitCode, Fatal> {
    let listener = listener(&flags.listen).await?;
    let cluster = tokio::task::spawn_blocking(|| Cluster::throw_away(None)).await;
    let cluster = cluster.map_err(|error| Fatal::new(error.to_string(), ""))??;
    let config = config(flags, &listener, &cluster)?;
    log::init(&config.log);
    start::make_data_dir(&config.data_dir)?;
    let store =
        Store { settings: prepare_cluster(&cluster, "keygate").await?, cluster: Some(cluster.into()) };
    let server = start::start_with(config, Clock::default(), true, listener, store).await?;
    let password = SecretText::from(data_encoding::BASE32_NOPAD.encode(&seal::random::array::<10>()));
    let link = server.setup_link.clone().unwrap_or_default();
    let token = furnish(&server.app, &link, &password).await.map_err(|error| unfurnished(&error))?;
    let url = server.app.config.public_url.clone();
    out(&lines(&url, password.expose(), &server.demo.as_ref().map_or_else(String::new, |demo| demo.url())));
    let bot = tokio::spawn(call_for_ever(url, token));
    let ended = until_told(&server).await;
    bot.abort();
    server.stop().await;
    ended.map(|()| ExitCode::SUCCESS)
}

/// The usual port, or when that is taken and none was asked for, a free one.
async fn listener(wished: &[SocketAddr]) -> Result<Listener, Fatal> {
    if !wished.is_empty() {
        return Listener::bind(wished).await;
    }
    let usual = ["127.0.0.1:8480", "[::1]:8480"].map(|address| address.parse::<SocketAddr>());
    match Listener::bind(&usual.into_iter().flatten().collect::<Vec<_>>()).await {
        Ok(listener) => Ok(listener),
        Err(_) => Listener::bind(&[SocketAddr::from(([127, 0, 0, 1], 0))]).await,
    }
}

/// Settings of the machine hold, but nothing of its data is touched.
fn config(flags: Flags, listener: &Listener, cluster: &Cluster) -> Result<Config, Fatal> {
    let port = listener.addresses().first().map_or(8480, SocketAddr::port);
    let public_url = flags.public_url.unwrap_or_else(|| format!("http://localhost:{port}"));
    let data_dir = cluster.directory().join("keygate");
    let flags = Flags { public_url: Some(public_url), data_dir: Some(data_dir), ..flags };
    let mut config = Config::load(&flags)?;
    config.master_key.source = MasterKeySource::File;
    config.master_key.path.clear();
    config.log.level = "error".to_owned();
    Ok(config)
}

/// An owner, a connection, a bot and its access key: the token the bot shows.
async fn furnish(app: &App, link: &str, password: &SecretText) -> Result<SecretText, Error> {
    let owner = NewUser::parse(EMAIL, "Demo", SecretText::from(password.expose().to_owned()))?;
    let token = SecretText::from(link.rsplit('#').next().unwrap_or_default().to_owned());
    let owner = user::set_up(app, &token, owner).await?;
    let key = demo_key().ok_or(Code::NotFound)?;
    let new = NewConnection {
        exchange: "binance".to_owned(),
        environment: PRACTICE.to_owned(),
        name: "Practice".to_owned(),
        label: None,
        key,
        own_key: None,
        allow: Allow { trade: true, ..Allow::default() },
        accept_withdraw: false,
    };
    let origin = Origin::from(RequestId(app.clock.id()));
    let connection = connection::add(app, owner, new, &origin).await?.id;
    let new = NewBot { connection, name: "first bot".to_owned(), symbol: Some("BTC/USDT".to_owned()) };
    let bot = bot::create(app, owner, new, &origin).await?;
    let bounds = Bounds::parse(app, PAIR_DAYS, None)?;
    let new = NewPair { id: app.clock.id(), name: None, scopes: None, honey: false, bounds };
    let via = Via::Session { id: app.clock.id(), confirmed_at: app.clock.now() };
    let caller =
        Caller { user: owner, email: EMAIL.to_owned(), name: "Demo".to_owned(), role: Role::Owner, via };
    let client = Client { ip: IpAddr::V4(Ipv4Addr::LOCALHOST), agent: None, language: None };
    let step_up = StepUp { caller: &caller, client: &client, password: None };
    Ok(access_key::create_for_bot(app, &bot, new, step_up, &origin).await?.token)
}

/// The demo exchange's key that may trade and not withdraw.
fn demo_key() -> Option<ExchangeKey> {
    let venue = demo_exchange::Config::demo().exchanges.remove("binance")?;
    let key = venue.accounts.into_iter().flat_map(|account| account.keys).find(|key| key.name == "trade")?;
    match key.credential {
        Credential::Hmac(secret) => Some(ExchangeKey {
            api_key: key.api_key,
            secret: secret.into(),
            passphrase: None,
            options: Options::default(),
        }),
        _ => None,
    }
}

/// The bot: looks at the account, buys and sells a little in turn, and now and then tries another pair, which
/// the gate refuses.
async fn call_for_ever(url: String, token: SecretText) {
    let Ok(http) = reqwest::Client::builder().no_proxy().build() else { return };
    for (method, call) in CALLS.iter().cycle() {
        let request = http.request(method.clone(), format!("{url}/x/binance{call}"));
        // The bot of a demo has nothing to do about an error; the timeline shows it.
        let _ = request.header("x-keygate-key", token.expose()).send().await;
        tokio::time::sleep(PAUSE).await;
    }
}

fn lines(url: &str, password: &str, demo: &str) -> String {
    format!(
        "Everything below lives in a throw-away directory and is gone after Ctrl-C.\n\
         1. Sign in at {url}/login as {EMAIL}, password {password}\n\
         2. Activity shows what the bot \"first bot\" does every three seconds, and what it may not\n\
         3. {demo}/_demo/ is the exchange: its orders are signed with a key the bot never saw\n\
         4. In another terminal: keygate login --url {url} --email {EMAIL}\n\
         5. Then: keygate activity tail --follow, and keygate connection pause Practice: the bot is refused\n"
    )
}

fn unfurnished(error: &Error) -> Fatal {
    Fatal::new(format!("the demo cannot be furnished: {error}"), "run it with KEYGATE_LOG__LEVEL=debug")
}

const EMAIL: &str = "owner@example.org";
const PAUSE: Duration = Duration::from_secs(3);
const CALLS: [(Method, &str); 5] = [
    (Method::GET, "/api/v3/account"),
    (Method::POST, "/api/v3/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.001"),
    (Method::GET, "/api/v3/openOrders?symbol=BTCUSDT"),
    (Method::POST, "/api/v3/order?symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.001"),
    (Method::POST, "/api/v3/order?symbol=ETHUSDT&side=BUY&type=MARKET&quantity=0.01"),
];
