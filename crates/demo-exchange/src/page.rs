//! What a person or a test reads about the running exchange: `/_demo/` as a page, `/_demo/state` and
//! `/_demo/requests` as JSON, `/_demo/faults` to switch faults on, `/_demo/sockets` to end every WebSocket, `/_demo/binance/keys` to hand over a public key.
//! No secret is ever shown.

use serde_json::{Value, json};

use crate::fault::Switch;
use crate::floor::{Floor, Order};
use crate::html;
use crate::key::Keys;
use crate::own_key;
use crate::request::{Answer, Received};
use crate::server::{Shared, State};

pub(crate) fn answer(shared: &Shared, request: &Received) -> Answer {
    let mut state = shared.state();
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/_demo" | "/_demo/") => {
            let page = Answer::text(200, "text/html; charset=utf-8", html::page(&state));
            page.with("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'")
        }
        ("GET", "/_demo/state") => Answer::json(200, &view(&state)),
        ("GET", "/_demo/requests") => Answer::json(200, &json!(state.records.iter().collect::<Vec<_>>())),
        ("DELETE", "/_demo/requests") => {
            state.records.clear();
            Answer::json(200, &json!({}))
        }
        ("POST", "/_demo/binance/keys") => own_key::answer(&mut state, request),
        ("POST", "/_demo/faults") => match switch(&request.body) {
            Ok(switch) => {
                state.faults.add(switch);
                Answer::json(200, &json!({}))
            }
            Err(error) => Answer::json(400, &json!({ "error": error })),
        },
        ("DELETE", "/_demo/faults") => {
            state.faults.clear();
            Answer::json(200, &json!({}))
        }
        ("DELETE", "/_demo/sockets") => {
            shared.hang_up();
            Answer::json(200, &json!({}))
        }
        _ => Answer::json(404, &json!({ "error": "not found" })),
    }
}

fn switch(body: &[u8]) -> Result<Switch, String> {
    let switch: Switch = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    match &switch.exchange {
        Some(id) if !crate::spoken().any(|known| known == id) => Err(format!("{id} is not spoken")),
        _ => Ok(switch),
    }
}

/// The request count, and accounts and orders by exchange.
pub(crate) fn view(state: &State) -> Value {
    let mut view = json!({ "requests": state.records.count() });
    for open in &state.exchanges {
        view[open.spoken.id] = exchange(open.exchange.floor(), open.exchange.keys());
    }
    view
}

fn exchange(floor: &Floor, keys: &Keys) -> Value {
    let account = |(name, id): (&str, usize)| {
        let balances: serde_json::Map<String, Value> = floor
            .wallet(id)
            .iter()
            .map(|(asset, balance)| {
                let shown = json!({ "free": balance.free.normalize(), "locked": balance.locked.normalize() });
                (asset.to_owned(), shown)
            })
            .collect();
        let keys = keys.iter().filter(|entry| entry.account == id).map(|entry| {
            json!({ "name": entry.key.name, "permissions": entry.key.permissions, "ips": entry.key.ips })
        });
        let orders = floor.orders(id).map(|order| shown(floor, order));
        json!({ "name": name, "balances": balances, "keys": keys.collect::<Vec<_>>(),
                "orders": orders.collect::<Vec<_>>() })
    };
    json!({ "accounts": floor.customers().map(account).collect::<Vec<_>>() })
}

fn shown(floor: &Floor, order: &Order) -> Value {
    json!({
        "id": order.id, "pair": floor.pairs[order.pair].symbol(), "side": order.side.as_upper(),
        "price": order.terms.price(), "quantity": order.quantity(), "filled": order.filled,
        "status": format!("{:?}", order.status), "client_id": order.client_id, "created_ms": order.created_ms,
    })
}
