//! How the cases of `orders.json` are written.

use std::fmt::Debug;

use crate::{OrderState, OrderStatus, Request, Symbol, request::Body};

/// `BASE|QUOTE` for a market whose request names both assets, else its name.
pub(super) fn symbol(text: &str) -> Symbol {
    match text.split_once('|') {
        Some((base, quote)) => Symbol::Pair { base: base.to_owned(), quote: quote.to_owned() },
        None => Symbol::Market(text.to_owned()),
    }
}

pub(super) fn name(symbol: &Symbol) -> String {
    match symbol {
        Symbol::Market(name) => name.clone(),
        Symbol::Pair { base, quote } => format!("{base}|{quote}"),
    }
}

pub(super) fn status(read: OrderStatus) -> String {
    let OrderStatus::Found { state, filled } = read else {
        return if read == OrderStatus::NotFound { "not found" } else { "unreadable" }.to_owned();
    };
    let state = match state {
        OrderState::Open => "open",
        OrderState::Done => "done",
        OrderState::Cancelled => "cancelled",
        OrderState::Rejected => "rejected",
    };
    filled.map_or(state.to_owned(), |filled| format!("{state} {}", filled.normalize()))
}

/// A request as definitions write it.
pub(super) fn written(request: &Request) -> String {
    let query = request.query.text();
    let mark = if query.is_empty() { "" } else { "?" };
    let body = match &request.body {
        Body::Empty => String::new(),
        Body::Form(params) => format!(" {}", params.text()),
        Body::Json(document) | Body::Payload(document, _) => format!(" {}", document.text()),
    };
    format!("{} {}{mark}{query}{body}", request.method.as_str(), request.path)
}

pub(super) fn same<T: PartialEq + Debug>(found: &T, expected: &T) -> Result<(), String> {
    match found == expected {
        true => Ok(()),
        false => Err(format!("is {found:?}, not {expected:?}")),
    }
}
