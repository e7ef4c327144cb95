//! What a client of each exchange reads when it is refused: the status and the code that its exchange has for it, over HTTP,
//! in answer to an order that is signed with a virtual pair.

use data_encoding::BASE64;
use exchange::{Credentials, Definition, Exchanges, Incoming, Options, PRODUCTION, Request, Stamp, Typed};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::{
    api::Reply,
    bot::{Bot, now},
    dialects::ORDERS,
    world::World,
};

mod table;

use table::{Row, TABLE};

/// A client of one exchange that signs with a pair.
struct Client {
    definition: &'static Definition,
    bot: Bot,
    order: Request,
}

fn definition(exchange: &str) -> &'static Definition {
    Box::leak(Box::new((**Exchanges::builtin().get(exchange).unwrap()).clone()))
}

/// The order as its client would write it, without an id.
fn order(definition: &Definition) -> Request {
    let (_, endpoint, body) = ORDERS.iter().find(|(own, ..)| *own == definition.id()).unwrap();
    let price = if ["bithumb", "coinone", "upbit"].contains(&definition.id()) { "40000000" } else { "30000" };
    let text = |text: &str| text.replace("{price}", price).replace("{account}", "100001");
    let (method, target) = endpoint.split_once(' ').unwrap();
    let (target, body) = (text(target), text(body));
    let incoming = Incoming { method, target: &target, body: body.as_bytes(), ..Incoming::default() };
    definition.request(incoming).unwrap()
}

impl Client {
    async fn new(world: &World, exchange: &str) -> Client {
        let definition = definition(exchange);
        Client { definition, bot: world.bot(exchange, "withdraw").await, order: order(definition) }
    }

    /// One order, signed at this time by whoever holds this.
    fn signed(&self, key: &str, secret: &str, at_ms: i64) -> RequestBuilder {
        let (secret, passphrase) = (secret.to_owned().into(), self.bot.passphrase.clone());
        let passphrase = Some(passphrase).filter(|text| !text.is_empty()).map(Into::into);
        let typed = Typed { api_key: key, secret: &secret, passphrase: passphrase.as_ref() };
        let credentials = Credentials::parse(self.definition, typed, Options::default()).unwrap();
        let now_ms = at_ms.unsigned_abs();
        let kind = self.definition.nonce_kind(&self.order, &Options::default());
        let nonce = kind.map(|kind| kind.text(now_ms, seal::random::array()));
        let upstream = self.definition.upstream(PRODUCTION, &self.order).unwrap();
        let stamp = Stamp { now_ms, nonce };
        let signed = self.definition.sign(&self.order, &upstream, &credentials, &stamp).unwrap();
        let path = format!("/x/{}{}", self.definition.id(), signed.target);
        let call = self.bot.api.request(signed.method.as_str(), &path).body(signed.body);
        signed.headers.iter().fold(call, |call, (name, value)| call.header(&**name, value))
    }

    async fn ordered(&self, key: &str, secret: &str, at_ms: i64) -> Reply {
        Reply::of(self.signed(key, secret, at_ms)).await
    }

    /// As it should be.
    async fn own(&self) -> Reply {
        self.ordered(&self.bot.key, &self.bot.secret, now()).await
    }

    fn refused(&self, reply: &Reply, rule: &str, (status, code): (u16, &str)) {
        let name = self.definition.id();
        assert_eq!(reply.header("keygate-problem"), Some(rule), "{name} {rule}: {}", reply.text);
        assert_eq!(reply.status, status, "{name} {rule}: {}", reply.text);
        match code {
            "" => assert!(reply.text.starts_with("Keygate: "), "{name} {rule}: {}", reply.text),
            code => {
                let said = scalars(&reply.body);
                assert!(said.iter().any(|own| own == code), "{name} {rule}: no {code} in {}", reply.text);
                assert!(said.iter().any(|own| own.starts_with("Keygate: ")), "{name} {rule}: {}", reply.text);
            }
        }
    }
}

/// Every text and number of a document.
fn scalars(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(scalars).collect(),
        Value::Object(members) => members.values().flat_map(scalars).collect(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}

/// Without the password, which takes its time.
async fn tighten(world: &World, bot: &Bot, limits: Value) {
    let path = format!("/api/v1/connections/{}/limits", bot.connection);
    world.api.patch(&path, json!({ "limits": limits })).await.is(200);
}

/// Not carried out, whichever of these it is.
async fn refusals(world: &World, row: &Row) {
    let client = Client::new(world, row.exchange).await;
    let bot = &client.bot;
    let other = world.bot_beside(bot).await;
    world.demo.forget_requests();
    let wrong = client.ordered(&bot.key, &other.secret, now()).await;
    client.refused(&wrong, "bad-signature", row.bad_signature);
    let unknown = client.ordered("kg_Abcd1234", &bot.secret, now()).await;
    client.refused(&unknown, "unknown-key", row.unknown_key);
    if let Some(stale) = row.stale {
        client.refused(&client.ordered(&bot.key, &bot.secret, now() - HOUR).await, "stale", stale);
    }
    tighten(world, bot, json!({"max_requests_per_minute": 0})).await;
    client.refused(&client.own().await, "rate", row.rate);
    tighten(world, bot, json!({"can_trade": false})).await;
    client.refused(&client.own().await, "permission", row.denied);
    assert_eq!(world.demo.requests().len(), 0, "{}: it reached the exchange", row.exchange);
}

/// Sent, and nobody knows what became of it: its client is told by which id it can ask.
async fn lost(world: &World, row: &Row) {
    let client = Client::new(world, row.exchange).await;
    world.demo.forget_requests();
    world.demo.fault(demo_exchange::Switch {
        fault: demo_exchange::Fault::DropAfter,
        count: 1,
        path: client.order.path().to_owned(),
        exchange: Some(row.exchange.to_owned()),
    });
    let lost = client.own().await;
    client.refused(&lost, "outcome-unknown", row.lost);
    let id = lost.text.split("its client order id is ").nth(1).unwrap_or_else(|| panic!("{}", lost.text));
    let id = id.split(' ').next().unwrap();
    let [sent] = &world.demo.requests()[..] else { panic!("{}: not sent once", row.exchange) };
    assert!(said(sent).contains(id), "{}: {id} is not what was sent: {sent:?}", row.exchange);
}

/// Everything that stands in a request; Coinone's has its text in a header.
fn said(request: &demo_exchange::Record) -> String {
    let payload = request.headers.iter().find(|(name, _)| name == "x-coinone-payload");
    let payload = payload.map(|(_, value)| BASE64.decode(value.as_bytes()).unwrap()).unwrap_or_default();
    format!("{} {} {}", request.target, request.body, String::from_utf8(payload).unwrap())
}

/// The same signed order is sent again; only the first one is carried out.
async fn replay(world: &World, row: &Row) {
    let client = Client::new(world, row.exchange).await;
    world.demo.forget_requests();
    let request = client.signed(&client.bot.key, &client.bot.secret, now());
    let again = request.try_clone().unwrap();
    let first = Reply::of(request).await;
    assert_eq!(first.header("keygate-problem"), None, "{}: {}", row.exchange, first.text);
    client.refused(&Reply::of(again).await, "replay", row.denied);
    let sent = world.demo.requests();
    let sent = sent.iter().filter(|own| own.target.starts_with(client.order.path())).count();
    assert_eq!(sent, 1, "{}", row.exchange);
}

macro_rules! at_every_exchange {
    ($($name:ident: $check:ident),*) => {$(
        #[tokio::test]
        async fn $name() {
            let world = World::new().await;
            for row in &TABLE {
                $check(&world, row).await;
            }
        }
    )*};
}

at_every_exchange! {
    refusal_has_the_status_and_code_of_its_exchange: refusals,
    lost_answer_has_them_too_and_names_the_id_to_ask_by: lost,
    signed_order_is_carried_out_once: replay
}

/// An exchange that the demo exchange does not speak cannot be asked.
#[test]
fn every_exchange_that_is_spoken_is_in_the_table() {
    let known: Vec<&str> = TABLE.iter().map(|row| row.exchange).collect();
    let mut spoken: Vec<&str> = demo_exchange::spoken().collect();
    spoken.sort_unstable();
    assert_eq!(known, spoken);
}

const HOUR: i64 = 3_600_000;
