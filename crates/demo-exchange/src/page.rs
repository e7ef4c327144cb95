//! What a person or a test reads about the running exchange: `/_demo/` as a page, `/_demo/state` and
//! `/_demo/requests` as JSON, `/_demo/faults` to switch faults on, `/_demo/sockets` to end every WebSocket, `/_demo/binance/keys` to hand over a public key.
//! No secret is ever shown.

use serde_json::{Value, json};

use crate::fault::Switch;
use crate::floor::{Floor, Order};
use crate::key::Keys;
use crate::own_key;
use crate::record::Record;
use crate::request::{Answer, Received};
use crate::server::{Shared, State};

pub(crate) fn answer(shared: &Shared, request: &Received) -> Answer {
    let mut state = shared.state();
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/_demo" | "/_demo/") => {
            let page = Answer::text(200, "text/html; charset=utf-8", page(&state));
            page.with("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'")
        }
        ("GET", "/_demo/state") => Answer::json(200, &view(&state)),
        ("GET", "/_demo/requests") => Answer::json(200, &json!(state.records.iter().collect::<Vec<_>>())),
        ("DELETE", "/_demo/requests") => {
            state.records.clear();
            Answer::json(200, &json!({}))
        }
        ("POST", "/_demo/binance/keys") => own_key::answer(&mut state, request),
        ("POST", "/_demo/faults") => match serde_json::from_slice::<Switch>(&request.body) {
            Ok(switch) => {
                state.faults.add(switch);
                Answer::json(200, &json!({}))
            }
            Err(error) => Answer::json(400, &json!({ "error": error.to_string() })),
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

/// The request count, and accounts and orders by exchange.
pub(crate) fn view(state: &State) -> Value {
    let mut view = json!({ "requests": state.records.count() });
    for (id, open) in &state.exchanges {
        view[id] = exchange(open.floor(), open.keys());
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

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;\
color-scheme:light dark}div{overflow-x:auto}table{border-collapse:collapse;margin:.5rem 0 1.5rem}th,td{text-align:left;\
padding:.2rem .8rem .2rem 0;border-bottom:1px solid #8884;vertical-align:top}code{font-variant-numeric:\
tabular-nums}td:last-child code{overflow-wrap:anywhere}";

/// The other way to a key: the user makes the pair, and hands over its public half.
const OWN_KEY: &str = "<h2>A key of your own</h2><form method=post action=/_demo/binance/keys><p><label \
for=public_key_pem>Public key for Binance (Ed25519 or RSA, PEM)</label></p><p><textarea id=public_key_pem \
name=public_key_pem rows=4 cols=66 required></textarea></p><p><button>Get an API key for it</button> that may read and \
trade on the account <code>trade</code>. As JSON: <code>POST /_demo/binance/keys</code> with \
<code>{\"public_key_pem\", \"permissions\", \"account\"}</code>.</p></form>";

fn page(state: &State) -> String {
    let mut html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
         <title>Demo exchange</title><style>{STYLE}</style><h1>Demo exchange</h1><p>Nothing here is real: no \
         coin, no key, no price. As JSON: <a href=/_demo/state>state</a>, \
         <a href=/_demo/requests>requests</a>.</p>{OWN_KEY}"
    );
    for (id, open) in &state.exchanges {
        section(&mut html, id, open.floor(), open.keys());
    }
    html.push_str(&format!("<h2>Last requests of {}</h2>", state.records.count()));
    let rows = state.records.iter().rev().take(50).map(request_row);
    table(&mut html, &["#", "status", "fault", "signed by", "request"], rows);
    html
}

fn section(html: &mut String, title: &str, floor: &Floor, keys: &Keys) {
    html.push_str(&format!("<h2>{title}</h2>"));
    let balances = floor.customers().map(|(name, id)| {
        let mut keys: Vec<String> = keys
            .iter()
            .filter(|entry| entry.account == id)
            .map(|entry| format!("{} ({})", entry.key.name, permissions(&entry.key)))
            .collect();
        keys.sort();
        let held = floor.wallet(id).iter().map(|(asset, balance)| match balance.locked.is_zero() {
            true => format!("{} {asset}", balance.free.normalize()),
            false => {
                format!("{} {asset} (+{} in orders)", balance.free.normalize(), balance.locked.normalize())
            }
        });
        vec![name.to_owned(), keys.join(", "), held.collect::<Vec<_>>().join(", ")]
    });
    table(html, &["account", "keys", "balances"], balances);
    let orders = floor.customers().flat_map(|(name, id)| floor.orders(id).map(move |order| (name, order)));
    let mut orders: Vec<(&str, &Order)> = orders.collect();
    orders.sort_by_key(|(_, order)| std::cmp::Reverse(order.id));
    let rows = orders.into_iter().take(50).map(|(name, order)| order_row(floor, name, order));
    table(html, &["order", "account", "pair", "side", "price", "quantity", "filled", "status"], rows);
}

fn permissions(key: &crate::config::Key) -> String {
    let names: Vec<String> =
        key.permissions.iter().map(|permission| format!("{permission:?}").to_lowercase()).collect();
    names.join(" ")
}

fn order_row(floor: &Floor, account: &str, order: &Order) -> Vec<String> {
    vec![
        order.id.to_string(),
        account.to_owned(),
        floor.pairs[order.pair].symbol(),
        order.side.as_upper().to_lowercase(),
        order.terms.price().map_or_else(|| "market".to_owned(), |price| price.to_string()),
        order.quantity().to_string(),
        order.filled.to_string(),
        format!("{:?}", order.status).to_lowercase(),
    ]
}

fn request_row(record: &Record) -> Vec<String> {
    let signer = record.signed_by.as_ref();
    vec![
        record.number.to_string(),
        outcome(record),
        record.fault.unwrap_or_default().to_owned(),
        signer.map_or_else(|| "nobody".to_owned(), |signer| format!("{} / {}", signer.account, signer.key)),
        format!("{} {} {}", record.exchange, record.method, record.target),
    ]
}

fn outcome(record: &Record) -> String {
    match (record.status, &record.error) {
        (Some(status), Some(code)) => format!("{status}, code {code}"),
        (Some(status), None) => status.to_string(),
        (None, _) => "dropped".to_owned(),
    }
}

fn table(html: &mut String, head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    html.push_str("<div><table><tr>");
    html.extend(head.iter().map(|title| format!("<th scope=col>{title}")));
    for row in rows {
        html.push_str("<tr>");
        html.extend(row.iter().map(|cell| format!("<td><code>{}</code>", escape(cell))));
    }
    html.push_str("</table></div>");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
