//! A program that trades: it holds a virtual pair and signs as the client libraries of the exchanges do. The
//! signing here is this file's own and shares nothing with what it tests.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use data_encoding::HEXLOWER;
use keygate::clock::Clock;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::{
    api::{Api, Reply, text},
    world::{PASSWORD, World},
};

#[derive(Clone)]
pub struct Bot {
    pub id: String,
    pub connection: String,
    /// The row of its pair.
    pub access_key: String,
    pub key: String,
    pub secret: String,
    /// Empty where the exchange has none.
    pub passphrase: String,
    /// The whole access key, for the bearer forms.
    pub token: String,
    /// Where it believes the exchange to be.
    pub api: Api,
}

pub const FORM: &str = "application/x-www-form-urlencoded";
pub const BUY: &str = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=50000";

impl Bot {
    /// On this connection, restricted to a symbol unless that is null.
    pub async fn make(api: &Api, connection: &Value, symbol: Value) -> Bot {
        let name = format!("bot {}", HEXLOWER.encode(&seal::random::array::<4>()));
        let input = json!({"connection_id": connection["id"], "name": name, "symbol": symbol});
        let bot = api.post("/api/v1/bots", input).await.is(201);
        Bot::pair(api, &bot).await
    }

    /// A pair for a bot that is there.
    pub async fn pair(api: &Api, bot: &Value) -> Bot {
        let path = format!("/api/v1/bots/{}/access-keys", text(&bot["id"]));
        Bot::of(api, bot, &api.post(&path, json!({"password": PASSWORD})).await.is(201))
    }

    pub fn of(api: &Api, bot: &Value, issued: &Value) -> Bot {
        let pair = &issued["virtual_pair"];
        Bot {
            id: text(&bot["id"]).to_owned(),
            connection: text(&bot["connection_id"]).to_owned(),
            access_key: text(&issued["id"]).to_owned(),
            key: text(&pair["api_key"]).to_owned(),
            secret: text(&pair["secret"]).to_owned(),
            passphrase: pair["passphrase"].as_str().unwrap_or_default().to_owned(),
            token: text(&issued["token"]).to_owned(),
            api: api.nobody(),
        }
    }

    /// A Binance call, signed now.
    pub async fn binance(&self, method: &str, path: &str, params: &str) -> Reply {
        Reply::of(self.binance_request(method, path, &self.signed(params, now()))).await
    }

    /// The parameters with the time and the signature behind them.
    pub fn signed(&self, params: &str, at_ms: i64) -> String {
        let separator = if params.is_empty() { "" } else { "&" };
        let timed = format!("{params}{separator}timestamp={at_ms}");
        let signature = binance_signature(&self.secret, &timed);
        format!("{timed}&signature={signature}")
    }

    /// These parameters as they are: in the body of a POST, else in the query.
    pub fn binance_request(&self, method: &str, path: &str, params: &str) -> RequestBuilder {
        let request = match method {
            "POST" => {
                let request = self.api.request(method, &format!("/x/binance{path}"));
                request.header("content-type", FORM).body(params.to_owned())
            }
            _ => self.api.request(method, &format!("/x/binance{path}?{params}")),
        };
        request.header("x-mbx-apikey", &self.key)
    }

    pub async fn order(&self) -> Reply {
        self.binance("POST", "/api/v3/order", BUY).await
    }

    pub async fn account(&self) -> Reply {
        self.binance("GET", "/api/v3/account", "").await
    }

    /// A Coinone call, signed with a fresh nonce.
    pub async fn coinone(&self, path: &str, fields: Value) -> Reply {
        Reply::of(self.coinone_request(path, &self.coinone_payload(fields))).await
    }

    pub fn coinone_payload(&self, fields: Value) -> String {
        let nonce = uuid::Builder::from_random_bytes(seal::random::array()).into_uuid();
        let mut payload = json!({"access_token": self.key, "nonce": nonce});
        payload.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        STANDARD.encode(payload.to_string())
    }

    pub fn coinone_request(&self, path: &str, payload: &str) -> RequestBuilder {
        let key = hmac::Key::new(hmac::HMAC_SHA512, self.secret.as_bytes());
        let signature = HEXLOWER.encode(hmac::sign(&key, payload.as_bytes()).as_ref());
        let body = String::from_utf8(STANDARD.decode(payload).unwrap()).unwrap();
        self.api
            .request("POST", &format!("/x/coinone{path}"))
            .header("content-type", "application/json")
            .header("x-coinone-payload", payload)
            .header("x-coinone-signature", signature)
            .body(body)
    }

    /// Changes the limits of its connection, with the owner's password.
    pub async fn limited(&self, world: &World, limits: Value) -> Reply {
        let path = format!("/api/v1/connections/{}/limits", self.connection);
        world.api.patch(&path, json!({"limits": limits, "password": PASSWORD})).await
    }

    /// The same bot at another server.
    pub fn moved_to(&self, api: &Api) -> Bot {
        Bot { api: api.nobody(), ..self.clone() }
    }
}

pub fn binance_signature(secret: &str, message: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    HEXLOWER.encode(hmac::sign(&key, message.as_bytes()).as_ref())
}

/// The machine's time, as a bot reads it.
pub fn now() -> i64 {
    Clock::default().now_ms()
}
