//! The page for people: an index of the exchanges with their addresses, then each with its accounts, keys and orders
//! folded away, and the last requests. Plain HTML without a script.

use crate::config::Key;
use crate::floor::{AccountId, Balance, Floor, Order};
use crate::key::Keys;
use crate::record::Record;
use crate::server::{Open, State};

/// How many orders of an exchange, and how many requests are shown.
const ROWS: usize = 50;

pub(crate) fn page(state: &State) -> String {
    let mut html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
         <title>Demo exchange</title><style>{STYLE}</style><h1>Demo exchange</h1><p>Nothing here is real: no \
         coin, no key, no price. As JSON: <a href=/_demo/state>state</a>, \
         <a href=/_demo/requests>requests</a>.</p>"
    );
    index(&mut html, state);
    html.push_str(OWN_KEY);
    for open in &state.exchanges {
        section(&mut html, open, &state.origin(open.spoken.id));
    }
    html.push_str(&format!("<h2 id=requests>Last requests of {}</h2>", state.records.count()));
    let rows = state.records.iter().rev().take(ROWS).map(request_row);
    table(&mut html, &["#", "status", "fault", "signed by", "request"], rows);
    html
}

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;\
color-scheme:light dark}div{overflow-x:auto}table{border-collapse:collapse;margin:.5rem 0 1.5rem}th,td{text-align:left;\
padding:.2rem .8rem .2rem 0;border-bottom:1px solid #8884;vertical-align:top}code{font-variant-numeric:\
tabular-nums}td:last-child code{overflow-wrap:anywhere}summary{cursor:pointer;padding:.3rem 0}summary h2{display:\
inline;font-size:1.1rem;margin-right:.8rem}";

/// The other way to a key: the user makes the pair, and hands over its public half.
const OWN_KEY: &str = "<details><summary><h2>A key of your own</h2></summary><form method=post \
action=/_demo/binance/keys><p><label for=public_key_pem>Public key for Binance (Ed25519 or RSA, PEM)</label></p><p>\
<textarea id=public_key_pem name=public_key_pem rows=4 cols=66 required></textarea></p><p><button>Get an API key for \
it</button> that may read and trade on the account <code>trade</code>. As JSON: <code>POST /_demo/binance/keys</code> \
with <code>{\"public_key_pem\", \"permissions\", \"account\"}</code>.</p></form></details>";

/// What is open, where, and what goes on there.
fn index(html: &mut String, state: &State) {
    html.push_str("<div><table><tr><th scope=col>exchange<th scope=col>address<th scope=col>orders");
    for open in &state.exchanges {
        let (id, name, origin) = (open.spoken.id, open.spoken.name, state.origin(open.spoken.id));
        let orders = orders(open.exchange.floor()).len();
        html.push_str(&format!("<tr><td><a href=#{id}>{name}</a><td><code>{origin}</code><td>{orders}"));
    }
    html.push_str("</table></div>");
}

/// Unfolded once there are orders. A link to what is inside unfolds it, too.
fn section(html: &mut String, open: &Open, origin: &str) {
    let (floor, keys) = (open.exchange.floor(), open.exchange.keys());
    let orders = orders(floor);
    html.push_str(&format!(
        "<details{}><summary><h2>{}</h2><code>{origin}</code></summary><div id={}>",
        if orders.is_empty() { "" } else { " open" },
        open.spoken.name,
        open.spoken.id,
    ));
    let accounts = floor.customers().map(|(name, id)| account_row(floor, keys, name, id));
    table(html, &["account", "keys", "balances"], accounts);
    if !orders.is_empty() {
        let rows = orders.into_iter().take(ROWS).map(|(name, order)| order_row(floor, name, order));
        table(html, &["order", "account", "pair", "side", "price", "quantity", "filled", "status"], rows);
    }
    html.push_str("</div></details>");
}

/// Every order with the name of its account, newest first.
fn orders(floor: &Floor) -> Vec<(&str, &Order)> {
    let orders = floor.customers().flat_map(|(name, id)| floor.orders(id).map(move |order| (name, order)));
    let mut orders: Vec<_> = orders.collect();
    orders.sort_by_key(|(_, order)| std::cmp::Reverse(order.id));
    orders
}

fn account_row(floor: &Floor, keys: &Keys, name: &str, id: AccountId) -> Vec<String> {
    let own = keys.iter().filter(|entry| entry.account == id);
    let mut keys: Vec<String> = own.map(|entry| key(&entry.key)).collect();
    keys.sort();
    let held = floor.wallet(id).iter().map(|(asset, balance)| held(asset, balance));
    vec![name.to_owned(), keys.join(", "), held.collect::<Vec<_>>().join(", ")]
}

/// `trade (read trade)`
fn key(key: &Key) -> String {
    let may: Vec<String> = key.permissions.iter().map(|one| format!("{one:?}").to_lowercase()).collect();
    format!("{} ({})", key.name, may.join(" "))
}

/// `100 USDT (+50 in orders)`
fn held(asset: &str, balance: Balance) -> String {
    let (free, locked) = (balance.free.normalize(), balance.locked.normalize());
    if locked.is_zero() { format!("{free} {asset}") } else { format!("{free} {asset} (+{locked} in orders)") }
}

fn order_row(floor: &Floor, account: &str, order: &Order) -> Vec<String> {
    vec![
        order.id.to_string(),
        account.to_owned(),
        floor.pairs[order.pair].symbol(),
        order.side.as_lower().to_owned(),
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
