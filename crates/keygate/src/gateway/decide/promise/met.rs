//! A state as the gateway meets it: the account, prices and look it has loaded, and the rows it locks.

use std::collections::HashMap;

use exchange::Definition;
use rust_decimal::Decimal;
use time::{Duration, Time};
use uuid::Uuid;

use super::{
    market,
    state::{SIGNATURES, State},
};
use crate::{
    gateway::{
        account::{self, Account, Bot},
        exposure::{Look, Open},
        ledger::{Window, sample::Rows},
        price::Book,
    },
    limits::network,
};

impl State {
    pub fn account(&self) -> Account {
        let networks = |list: &Option<Vec<&str>>| {
            list.as_ref().map(|list| list.iter().map(|text| network(text).expect("a network")).collect())
        };
        let mut account = account::sample::account(self.limits.clone());
        account.stopped = self.key_stopped;
        account.revoked = self.revoked;
        account.expires_at = self.expires_at;
        account.user_is_active = self.user_is_active;
        account.bot = self.bot.map(|(is_active, symbol)| Bot {
            id: Uuid::nil(),
            is_active,
            symbol: symbol.map(str::to_owned),
        });
        account.connection.status = self.status.to_owned();
        account.scopes = self.scopes.iter().map(|scope| (*scope).to_owned()).collect();
        account.allowed_addresses = networks(&self.key_networks);
        account
    }

    pub fn book(&self, definition: &Definition) -> Option<Book> {
        let last = self.prices.as_ref()?.0.iter();
        let last = last.map(|(base, quote, price)| (((*base).to_owned(), (*quote).to_owned()), *price));
        Some(Book { at: self.at, last: last.collect(), list: market::list(definition) })
    }

    pub fn look(&self) -> Look {
        let owned = |list: &[(&str, Decimal)]| -> HashMap<String, Decimal> {
            list.iter().map(|(asset, amount)| ((*asset).to_owned(), *amount)).collect()
        };
        let unknown = self.unknown.iter().map(|asset| (*asset).to_owned()).collect();
        Look {
            at: self.looked_at,
            held: owned(&self.held),
            open: Some(Open { usd: owned(&self.open), unknown }),
        }
    }

    /// The ledger's rows: those that count, and others of yesterday, tomorrow and another connection that do not.
    pub fn rows(&self, account: &Account) -> Rows {
        let (own, other) = (account.connection.id, Uuid::from_u128(99));
        let (day, much) = (self.at.replace_time(Time::MIDNIGHT), Decimal::from(1_000_000_000));
        let month = day.replace_day(1).expect("every month has one");
        let before = |start| start - Duration::milliseconds(1);
        let mut used = vec![
            (own, Window::TradeDay, day, self.used.trade_day),
            (own, Window::WithdrawDay, day, self.used.withdraw_day),
            (own, Window::WithdrawMonth, month, self.used.withdraw_month),
            (own, Window::WithdrawMonth, before(month), much),
            (own, Window::Day, self.at, much),
        ];
        for at in [before(day), day + Duration::DAY] {
            used.extend([(own, Window::TradeDay, at, much), (own, Window::WithdrawDay, at, much)]);
        }
        for window in [Window::TradeDay, Window::WithdrawDay, Window::WithdrawMonth] {
            used.push((other, window, self.at, much));
        }
        Rows {
            used,
            bought: self.bought.clone(),
            stopped: if self.stopped {
                vec![(Some(account.user), Some(own))]
            } else {
                vec![(Some(account.user), Some(other))]
            },
            suspended: if self.suspended { vec![account.access_key] } else { Vec::new() },
            fresh: SIGNATURES
                .into_iter()
                .skip(usize::from(self.pair == Some(false)))
                .map(|own| (account.access_key, own))
                .collect(),
        }
    }
}
