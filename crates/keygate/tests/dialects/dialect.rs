//! The demo exchange in one dialect, and whoever asks it through the engine.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use demo_exchange::{Clock, Config, Credential, DemoExchange, Key, Permission, Running};
use exchange::{
    Credentials, Definition, Exchanges, Incoming, MarketList, OpenOrder, Options, OrderStatus, Placed, Probe,
    Reading, Request, Stamp, Symbol, Typed,
};

pub struct Dialect {
    pub definition: Arc<Definition>,
    _running: Running,
    key: Credentials,
    list: Option<MarketList>,
    moment: AtomicU64,
}

#[derive(Debug)]
pub struct Answer {
    status: u16,
    body: Vec<u8>,
}

/// Sixteen bytes that are not those of another number.
pub fn id(number: u8) -> [u8; 16] {
    [number; 16]
}

const HERE: &str = "here";

/// The exchange's clock stands still.
const NOW_MS: i64 = 1_700_000_000_000;

impl Dialect {
    pub async fn new(exchange: &str) -> Dialect {
        let config = Config::demo();
        let venue = config.venue(exchange).unwrap();
        let mut keys = venue.accounts.iter().flat_map(|account| &account.keys);
        let key = keys.find(|key| key.permissions.contains(&Permission::Trade)).unwrap().clone();
        let running = DemoExchange::new(config, Clock::by_hand(Arc::new(AtomicI64::new(NOW_MS))))
            .start()
            .await
            .unwrap();
        let known =
            Exchanges::builtin().get(exchange).unwrap().with_environment(HERE, &running.origin(exchange));
        let definition = Arc::new(known.unwrap());
        let key = credentials(&definition, &key);
        let moment = AtomicU64::new(NOW_MS.unsigned_abs());
        let mut dialect = Dialect { definition, _running: running, key, list: None, moment };
        if dialect.definition.probe(Probe::Markets, "", "").is_some() {
            let answer = dialect.ask(Probe::Markets).await;
            dialect.list = Some(dialect.definition.read_markets(&answer).unwrap());
        }
        dialect
    }

    pub fn quote(&self) -> &'static str {
        match self.definition.id() {
            "bithumb" | "coinone" | "upbit" => "KRW",
            "bitfinex" | "bitstamp" | "coinbase" | "coinbaseexchange" | "kraken" => "USD",
            _ => "USDT",
        }
    }

    /// A price at which a purchase rests, or is filled at once.
    pub fn price(&self, filled: bool) -> &'static str {
        match (self.quote(), filled) {
            ("KRW", false) => "40000000",
            ("KRW", true) => "88000000",
            (_, false) => "30000",
            (_, true) => "66000",
        }
    }

    pub fn assets(&self, symbol: &Symbol) -> Option<(String, String)> {
        self.definition.assets(symbol, self.list.as_ref())
    }

    /// The request of an order, without an id.
    pub async fn order(&self, endpoint: &str, body: &str, price: &str) -> Request {
        let account = match body.contains("{account}") {
            true => self.first_of(Probe::Balances).await,
            false => String::new(),
        };
        let filled = |text: &str| text.replace("{price}", price).replace("{account}", &account);
        let (method, target) = endpoint.split_once(' ').unwrap();
        let (target, body) = (filled(target), filled(body));
        let request = self.definition.request(Incoming {
            method,
            target: &target,
            body: body.as_bytes(),
            ..Incoming::default()
        });
        let request = request.unwrap();
        assert_eq!(request.client_ids(), [None]);
        request
    }

    /// The same with an id.
    pub fn placed(&self, order: &Request, number: u8) -> Request {
        let made = self.definition.with_client_ids(order, |_| id(number)).unwrap();
        assert!(made.client_ids()[0].is_some());
        made
    }

    pub fn symbol<'r>(&self, order: &'r Request) -> &'r Symbol {
        let Reading::Orders(orders) = order.reading() else { panic!("not an order: {order:?}") };
        &orders[0].symbol
    }

    /// Asks in turn until one answer finds the order.
    pub async fn status(&self, order: &Request) -> OrderStatus {
        let Reading::Orders(orders) = order.reading() else { panic!("not an order: {order:?}") };
        let placed = Placed {
            method: order.method(),
            group: order.group(),
            path: order.path(),
            symbol: &orders[0].symbol,
            client_id: order.client_ids()[0].as_deref().unwrap(),
            quantity: orders[0].quantity,
            at_ms: self.moment.load(Ordering::Relaxed),
        };
        let requests = self.definition.order_status_requests(&placed, placed.at_ms);
        assert!(!requests.is_empty());
        for (nth, request) in requests.iter().enumerate() {
            let Answer { status, body } = self.send(request).await;
            match self.definition.read_order_status(&placed, nth, status, &body) {
                OrderStatus::NotFound => {}
                OrderStatus::Unreadable if status == 404 => return OrderStatus::Unreadable,
                OrderStatus::Unreadable => panic!("{request:?}: {status} {}", String::from_utf8_lossy(&body)),
                found => return found,
            }
        }
        OrderStatus::NotFound
    }

    pub async fn open_orders(&self, order: &Request) -> Vec<OpenOrder> {
        let symbol = self.definition.open_orders_need_market().then(|| self.symbol(order));
        let request = self.definition.open_orders_request(symbol).unwrap();
        let Answer { status, body } = self.send(&request).await;
        let open = self.definition.read_open_orders(status, &body);
        open.unwrap_or_else(|| panic!("{status} {}", String::from_utf8_lossy(&body)))
    }

    /// Takes all orders back, at once where the exchange does that.
    pub async fn panic(&self, order: &Request) {
        for number in [7, 8] {
            self.send(&self.placed(order, number)).await.success(self);
        }
        let open = self.open_orders(order).await;
        assert_eq!(open.len(), 2);
        let all = self.definition.cancel_all_request().map(|all| vec![all]);
        let each = || open.iter().map(|order| self.definition.cancel_order_request(order).unwrap()).collect();
        for request in all.unwrap_or_else(each) {
            self.send(&request).await.success(self);
        }
        assert_eq!(self.open_orders(order).await, []);
    }

    /// The body of the answer to a question.
    pub async fn ask(&self, probe: Probe) -> Vec<u8> {
        let answer = self.send(&self.definition.probe(probe, "", "").unwrap()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }

    async fn first_of(&self, probe: Probe) -> String {
        let answer = self.send(&self.definition.probe_before(probe).unwrap()).await;
        self.definition.read_before(probe, &answer.body).unwrap()
    }

    /// Signs and sends. Every request has a later moment than the one before.
    pub async fn send(&self, request: &Request) -> Answer {
        let now_ms = self.moment.fetch_add(1, Ordering::Relaxed);
        let kind = self.definition.nonce_kind(request, &Options::default());
        let random = u128::from(now_ms).to_be_bytes();
        let stamp = Stamp { now_ms, nonce: kind.map(|kind| kind.text(now_ms, random)) };
        let upstream = self.definition.upstream(HERE, request).unwrap();
        let signed = self.definition.sign(request, &upstream, &self.key, &stamp).unwrap();
        let method = signed.method.as_str().parse::<reqwest::Method>().unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let headers = signed.headers.iter();
        let call = headers
            .fold(client.request(method, signed.url()), |call, (name, value)| call.header(&**name, value));
        let response = call.body(signed.body.clone()).send().await.unwrap();
        let status = response.status().as_u16();
        Answer { status, body: response.bytes().await.unwrap().to_vec() }
    }
}

impl Answer {
    #[track_caller]
    pub fn success(&self, at: &Dialect) {
        assert!(!self.refused(at), "{} {}", self.status, String::from_utf8_lossy(&self.body));
    }

    pub fn refused(&self, at: &Dialect) -> bool {
        at.definition.read_error(self.status, &self.body).is_some()
    }
}

fn credentials(definition: &Definition, key: &Key) -> Credentials {
    let secret = match &key.credential {
        Credential::Hmac(secret) | Credential::HmacUpper(secret) => secret.clone(),
        _ => {
            let private = key.private.as_ref().unwrap();
            format!("-----BEGIN {0}-----\n{1}\n-----END {0}-----\n", private.pem, private.body)
        }
    };
    let (secret, passphrase) = (secret.into(), key.passphrase.clone().map(Into::into));
    let typed = Typed { api_key: &key.api_key, secret: &secret, passphrase: passphrase.as_ref() };
    Credentials::parse(definition, typed, Options::default()).unwrap()
}
