//! Balances, what a key may do, and withdrawals.

use serde_json::{Value, json};

use super::symbol::{currency, method};
use super::{Bitfinex, Error, Reply, notice};
use crate::amount::number;
use crate::config::Permission;
use crate::floor::Balance;
use crate::house::{Ask, House, Route, Withdrawal};
use crate::key::Entry;

pub(super) const ROUTES: &[Route<Bitfinex>] = &[
    Route::signed("POST", "/v2/auth/r/wallets", Permission::Read, wallets),
    Route::any_key("POST", "/v2/auth/r/permissions", permissions),
    Route::signed("POST", "/v2/auth/w/withdraw", Permission::Withdraw, withdraw),
];

/// Everything lies in the exchange wallet.
fn wallets(house: &mut House<Bitfinex>, _: &Ask, caller: &Entry) -> Reply {
    let balances = house.desk.floor.wallet(caller.account).iter();
    let row = |(asset, balance): (&str, Balance)| {
        let (total, free) = (number(balance.total()), number(balance.free));
        json!(["exchange", currency(asset), total, 0, free, null, null])
    };
    Ok(balances.map(row).collect())
}

/// Scope, read, write.
fn permissions(_: &mut House<Bitfinex>, _: &Ask, caller: &Entry) -> Reply {
    let may = |permission| u8::from(caller.may(permission));
    let (read, trade) = (may(Permission::Read), may(Permission::Trade));
    Ok(json!([
        ["account", read, 0],
        ["history", read, 0],
        ["orders", read, trade],
        ["positions", 0, 0],
        ["funding", 0, 0],
        ["settings", 0, 0],
        ["wallets", read, may(Permission::Transfer)],
        ["withdraw", 0, may(Permission::Withdraw)],
        ["ui_withdraw", 0, 0],
    ]))
}

fn withdraw(house: &mut House<Bitfinex>, ask: &Ask, caller: &Entry) -> Reply {
    let way = ask.params.text("method").unwrap_or_default();
    let asset = house.desk.floor.assets().into_iter().find(|asset| method(asset).to_lowercase() == way);
    let asset = asset.ok_or(Error::argument("method"))?.to_owned();
    if ask.params.text("wallet").as_deref() != Some("exchange") {
        return Err(Error::argument("wallet"));
    }
    let amount = ask.params.decimal("amount").filter(|amount| !amount.is_zero());
    let amount = amount.ok_or(Error::argument("amount"))?;
    let address = ask.params.text("address").ok_or(Error::argument("address"))?;
    let free = house.desk.floor.wallet(caller.account).get(&asset).free;
    let short = || {
        let asked = format!("Cannot withdraw {amount} {asset} from your exchange wallet.");
        Error::refused(format!("{asked} The available balance is only {free} {asset}."))
    };
    let withdrawal = Withdrawal { account: caller.account, asset: asset.clone(), amount, address };
    let id = house.desk.withdraw(withdrawal).ok_or_else(short)?;
    let tag = ask.params.value("payment_id").cloned().unwrap_or(Value::Null);
    let row = json!([id, null, way, tag, "exchange", number(amount), null, null, 0]);
    Ok(notice(ask, "acc_wd-req", row, "Your withdrawal request has been successfully submitted.".to_owned()))
}
