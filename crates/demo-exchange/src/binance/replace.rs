//! Cancels one order and places another, in one call that can fail by half.

use serde_json::{Value, json};

use super::error::Error;
use super::order::{NEW, read};
use super::public::pair;
use super::show::{Response, cancelled_order};
use super::{Access, Binance, Call, Reply, Route};
use crate::config::Permission;

pub(super) static ROUTES: &[Route] =
    &[Route::post("/api/v3/order/cancelReplace", 1, REPLACE, Access::Signed(Permission::Trade, replace))];

const REPLACE: &[&str] = &{
    let mut names = [""; NEW.len() + OWN.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = if at < NEW.len() { NEW[at] } else { OWN[at - NEW.len()] };
        at += 1;
    }
    names
};
const OWN: &[&str] = &["cancelReplaceMode", "cancelOrderId", "cancelOrigClientOrderId"];

fn replace(binance: &mut Binance, call: &Call) -> Reply {
    let response = Response::parse(call.params)?;
    let goes_on = match call.params.need("cancelReplaceMode")? {
        "ALLOW_FAILURE" => true,
        "STOP_ON_FAILURE" => false,
        _ => return Err(Error::data("cancelReplaceMode")),
    };
    let new = read(binance, call)?;
    let cancelled = cancel(binance, call);
    let placed = (goes_on || cancelled.is_ok()).then(|| -> Reply {
        let id = binance.floor.place(new, call.now).map_err(|refusal| Error::refused(&refusal))?;
        let order = binance.floor.order(call.caller.account, id).ok_or_else(Error::no_such_order)?;
        Ok(response.show(&binance.floor, order))
    });
    let said = json!({
        "cancelResult": result(Some(&cancelled)), "newOrderResult": result(placed.as_ref()),
        "cancelResponse": body(Some(&cancelled)), "newOrderResponse": body(placed.as_ref()),
    });
    match (cancelled.is_ok(), placed.is_some_and(|placed| placed.is_ok())) {
        (true, true) => Ok(said),
        (false, false) => Err(Error::replace_failed(said)),
        _ => Err(Error::replace_failed_by_half(said)),
    }
}

fn cancel(binance: &mut Binance, call: &Call) -> Reply {
    let pair = pair(binance, call.params)?;
    let account = call.caller.account;
    let own = match (call.params.integer("cancelOrderId")?, call.params.get("cancelOrigClientOrderId")?) {
        (Some(id), _) => binance.floor.order(account, id),
        (None, Some(client_id)) => binance.floor.order_by_client_id(account, client_id),
        (None, None) => return Err(Error::either("cancelOrigClientOrderId", "cancelOrderId")),
    };
    let id = own.filter(|order| order.pair == pair).map(|order| order.id).ok_or_else(Error::unknown_order)?;
    let order = binance.floor.cancel(account, id, call.now).cloned().ok_or_else(Error::unknown_order)?;
    Ok(cancelled_order(&binance.floor, &order, call))
}

fn result(reply: Option<&Reply>) -> &'static str {
    match reply {
        Some(Ok(_)) => "SUCCESS",
        Some(Err(_)) => "FAILURE",
        None => "NOT_ATTEMPTED",
    }
}

fn body(reply: Option<&Reply>) -> Value {
    match reply {
        Some(Ok(body)) => body.clone(),
        Some(Err(error)) => error.body(),
        None => Value::Null,
    }
}
