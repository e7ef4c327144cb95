//! What a key is and has: permissions, balances, transfers between the trading and the main account,
//! withdrawals.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::error::Error;
use super::public::{self, chain};
use super::{Kucoin, Reply};
use crate::amount::plain;
use crate::config::Permission::{self, Read, Transfer, Withdraw};
use crate::floor::{Balance, Wallet};
use crate::house::{Ask, House, Route, Withdrawal};
use crate::key::Entry;

pub(super) const ROUTES: &[Route<Kucoin>] = &[
    Route::signed("GET", "/api/ua/v1/account/mode", Read, |_, _, _| {
        Ok(json!({ "selfAccountMode": "CLASSIC", "subAccountMode": [] }))
    }),
    Route::signed("GET", "/api/v1/hf/accounts/opened", Read, |_, _, _| Ok(true.into())),
    Route::signed("GET", "/api/v3/margin/symbols", Read, |_, ask, _| {
        Ok(json!({ "timestamp": ask.now, "items": [] }))
    }),
    Route::signed("GET", "/api/v1/isolated/symbols", Read, |_, _, _| Ok(json!([]))),
    Route::signed("GET", "/api/v3/market/orderbook/level2", Read, |house, ask, _| {
        public::book(house, ask, 1000)
    }),
    Route::signed("GET", "/api/v1/user/api-key", Read, key),
    Route::signed("GET", "/api/v1/accounts", Read, accounts),
    Route::signed("GET", "/api/v1/trade-fees", Read, fees),
    Route::signed("POST", "/api/v3/accounts/universal-transfer", Transfer, transfer),
    Route::signed("POST", "/api/v1/withdrawals", Withdraw, |house, ask, caller| {
        withdraw(house, ask, caller, "address")
    }),
    Route::signed("POST", "/api/v3/withdrawals", Withdraw, |house, ask, caller| {
        match ask.params.text("withdrawType").as_deref() {
            Some("ADDRESS") => withdraw(house, ask, caller, "toAddress"),
            _ => Err(Error::PARAMETER),
        }
    }),
];

/// What the exchange says about the key itself.
fn key(_: &mut House<Kucoin>, ask: &Ask, caller: &Entry) -> Reply {
    let words = [(Read, "General"), (Permission::Trade, "Spot"), (Transfer, "FlexTransfers")];
    let words = words.into_iter().chain([(Withdraw, "Withdrawal")]).filter(|(held, _)| caller.may(*held));
    let ips: Vec<String> = caller.key.ips.iter().map(ToString::to_string).collect();
    Ok(json!({
        "remark": caller.key.name, "apiKey": caller.key.api_key, "apiVersion": 3, "uid": 1000 + caller.account,
        "permission": words.map(|(_, word)| word).collect::<Vec<_>>().join(","), "ipWhitelist": ips.join(","),
        "createdAt": ask.now, "isMaster": true,
    }))
}

/// The balances of the account that `type` names, or of all of them.
fn accounts(house: &mut House<Kucoin>, ask: &Ask, caller: &Entry) -> Reply {
    let kind = ask.params.text("type");
    let floor = &house.desk.floor;
    let trading = kind.as_deref().unwrap_or("trade");
    let shown = match trading {
        "trade" | "trade_hf" => shown_balances(floor.wallet(caller.account), trading),
        _ => Vec::new(),
    };
    let main = matches!(kind.as_deref(), None | Some("main"));
    let main = floor.pocket(caller.account).filter(|_| main).map(|pocket| shown_balances(pocket, "main"));
    let of = ask.params.text("currency");
    let wanted = |balance: &Value| of.as_ref().is_none_or(|of| balance["currency"] == **of);
    Ok(shown.into_iter().chain(main.into_iter().flatten()).filter(wanted).collect())
}

fn shown_balances(wallet: &Wallet, kind: &str) -> Vec<Value> {
    let show = |(index, (asset, balance)): (usize, (&str, Balance))| {
        json!({
            "id": format!("{index:024x}"), "currency": asset, "type": kind, "balance": plain(balance.total()),
            "available": plain(balance.free), "holds": plain(balance.locked),
        })
    };
    wallet.iter().enumerate().map(show).collect()
}

fn fees(house: &mut House<Kucoin>, ask: &Ask, _: &Entry) -> Reply {
    let rate = plain(house.desk.floor.fee_rate());
    let symbols = ask.params.text("symbols").ok_or(Error::SYMBOL)?;
    let fee = |symbol: &str| {
        let symbol = house.symbol(house.pair(symbol)?);
        Ok(json!({ "symbol": symbol, "takerFeeRate": rate, "makerFeeRate": rate }))
    };
    symbols.split(',').map(fee).collect()
}

/// The asset and the amount that money is moved of.
fn money(house: &House<Kucoin>, ask: &Ask) -> Result<(String, Decimal), Error> {
    let asset = ask.params.text("currency").unwrap_or_default();
    if !house.desk.floor.assets().contains(asset.as_str()) {
        return Err(Error::CURRENCY);
    }
    let amount = ask.params.decimal("amount").filter(|amount| !amount.is_zero()).ok_or(Error::PARAMETER)?;
    Ok((asset, amount))
}

fn transfer(house: &mut House<Kucoin>, ask: &Ask, caller: &Entry) -> Reply {
    let (asset, amount) = money(house, ask)?;
    let name = |name: &str| ask.params.text(name).unwrap_or_default();
    if name("type") != "INTERNAL" || name("clientOid").is_empty() {
        return Err(Error::PARAMETER);
    }
    let (floor, account) = (&mut house.desk.floor, caller.account);
    let moved = match (name("fromAccountType").as_str(), name("toAccountType").as_str()) {
        ("MAIN", "TRADE" | "TRADE_HF") => floor.fetch(account, &asset, amount),
        ("TRADE" | "TRADE_HF", "MAIN") => floor.stow(account, &asset, amount),
        _ => return Err(Error::PARAMETER),
    };
    moved.map_err(|_| Error::BALANCE)?;
    Ok(json!({ "orderId": name("clientOid") }))
}

fn withdraw(house: &mut House<Kucoin>, ask: &Ask, caller: &Entry, target: &str) -> Reply {
    let (asset, amount) = money(house, ask)?;
    let named = ask.params.text("chain");
    if named.is_some_and(|named| named != chain(&asset)) {
        return Err(Error::PARAMETER);
    }
    let address = ask.params.text(target).ok_or(Error::PARAMETER)?;
    let withdrawal = Withdrawal { account: caller.account, asset, amount, address };
    let number = house.desk.withdraw(withdrawal).ok_or(Error::WITHDRAWAL)?;
    Ok(json!({ "withdrawalId": format!("{number:024x}") }))
}
