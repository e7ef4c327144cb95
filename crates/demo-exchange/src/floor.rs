//! The trading floor of one exchange: wallets, books, orders and a matching rule by price, then age.
//!
//! A taker trades at the resting order's price. Both sides pay the fee out of what they receive. Everything is
//! exact decimal arithmetic, and nothing is created or destroyed: fees go to a fee wallet, withdrawals to a
//! wallet for the outside world. Time comes in as an argument, ids are counted, so a replay gives the same
//! floor again.

mod book;
mod journal;
mod ladder;
mod matching;
mod order;
mod own;
mod wallet;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use rust_decimal::Decimal;

use self::book::Book;
pub(crate) use self::journal::{Change, Journal, What};
use self::ladder::Ladder;
pub(crate) use self::order::{Fill, Force, NewOrder, Order, Side, Status, Terms};
pub(crate) use self::wallet::{Balance, Short, Wallet};
use crate::config::{Account, Pair, Venue};

/// Index of a wallet.
pub(crate) type AccountId = usize;

const MAKER: AccountId = 0;
const FEES: AccountId = 1;
const OUTSIDE: AccountId = 2;

/// Public trades kept per pair.
const TAPE: usize = 1000;

pub(crate) struct Floor {
    pub(crate) pairs: Vec<Pair>,
    names: Vec<String>,
    wallets: Vec<Wallet>,
    /// A customer's other wallet, where nothing trades.
    pockets: BTreeMap<AccountId, Wallet>,
    books: Vec<Book>,
    ladders: Vec<Ladder>,
    tapes: Vec<VecDeque<Print>>,
    orders: BTreeMap<u64, Order>,
    open: BTreeSet<(AccountId, u64)>,
    by_client_id: HashMap<(AccountId, String), u64>,
    fee_rate: Decimal,
    restock_ms: i64,
    restocked_ms: i64,
    last_id: u64,
    last_trade: u64,
    journal: Journal,
}

/// A trade as the public sees it.
#[derive(Clone, Debug)]
pub(crate) struct Print {
    pub(crate) id: u64,
    pub(crate) price: Decimal,
    pub(crate) quantity: Decimal,
    pub(crate) buyer_is_maker: bool,
    pub(crate) at_ms: i64,
}

impl Print {
    /// The side that came and took.
    pub(crate) fn taker(&self) -> Side {
        if self.buyer_is_maker { Side::Sell } else { Side::Buy }
    }
}

#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    /// An open order of the account has this client id.
    DuplicateClientId,
    InsufficientBalance,
    /// The order must rest, but would match.
    WouldMatch,
}

impl Floor {
    pub(crate) fn new(venue: &Venue, restock_ms: i64, now: i64) -> Self {
        let mut floor = Self {
            names: ["maker", "fees", "outside"].map(str::to_owned).to_vec(),
            wallets: vec![ladder::funds(&venue.pairs), Wallet::default(), Wallet::default()],
            pockets: BTreeMap::new(),
            books: venue.pairs.iter().map(|_| Book::default()).collect(),
            ladders: venue.pairs.iter().map(Ladder::new).collect(),
            tapes: venue.pairs.iter().map(|_| VecDeque::new()).collect(),
            pairs: venue.pairs.clone(),
            orders: BTreeMap::new(),
            open: BTreeSet::new(),
            by_client_id: HashMap::new(),
            fee_rate: venue.fee_rate,
            restock_ms,
            restocked_ms: now,
            last_id: 0,
            last_trade: 0,
            journal: Journal::default(),
        };
        for account in &venue.accounts {
            floor.admit(account);
        }
        floor.restock(now);
        floor
    }

    /// A new customer with these balances.
    pub(crate) fn admit(&mut self, account: &Account) -> AccountId {
        self.names.push(account.name.clone());
        self.wallets.push(Wallet::of(&account.balances));
        self.wallets.len() - 1
    }

    /// The customers, not the floor's own three wallets.
    pub(crate) fn customers(&self) -> impl Iterator<Item = (&str, AccountId)> {
        self.names.iter().enumerate().skip(OUTSIDE + 1).map(|(id, name)| (name.as_str(), id))
    }

    pub(crate) fn pair_index(&self, symbol: &str) -> Option<usize> {
        self.pairs
            .iter()
            .position(|pair| symbol.strip_prefix(pair.base.as_str()).is_some_and(|quote| quote == pair.quote))
    }

    pub(crate) fn wallet(&self, account: AccountId) -> &Wallet {
        &self.wallets[account]
    }

    /// The id of the newest order.
    pub(crate) fn last_id(&self) -> u64 {
        self.last_id
    }

    pub(crate) fn fee_rate(&self) -> Decimal {
        self.fee_rate
    }

    /// Everything that exists of an asset, wherever it is.
    pub(crate) fn supply(&self, asset: &str) -> Decimal {
        self.wallets.iter().chain(self.pockets.values()).map(|wallet| wallet.get(asset).total()).sum()
    }

    /// Public trades, oldest first.
    pub(crate) fn tape(&self, pair: usize) -> &VecDeque<Print> {
        &self.tapes[pair]
    }

    /// The price of the last trade, or the middle of the ladder before the first.
    pub(crate) fn last_price(&self, pair: usize) -> Decimal {
        self.tapes[pair].back().map_or(self.pairs[pair].price, |print| print.price)
    }

    /// Quantity and price per price level, best first.
    pub(crate) fn depth(&self, pair: usize, side: Side, limit: usize) -> Vec<(Decimal, Decimal)> {
        let mut levels: Vec<(Decimal, Decimal)> = Vec::new();
        for (price, id) in self.books[pair].iter(side) {
            let quantity = self.orders[&id].remaining();
            let full = levels.len() == limit;
            match levels.last_mut() {
                Some(level) if level.0 == price => level.1 += quantity,
                _ if full => break,
                _ => levels.push((price, quantity)),
            }
        }
        levels
    }

    /// What happened to customers' orders, oldest first; for who tells them.
    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    fn note(&mut self, id: u64, what: What) {
        if let Some(order) = self.orders.get(&id).filter(|order| order.account > OUTSIDE) {
            self.journal.push(what, order.clone());
        }
    }

    /// The customer's other wallet, if anything was ever moved there.
    pub(crate) fn pocket(&self, account: AccountId) -> Option<&Wallet> {
        self.pockets.get(&account)
    }

    /// Moves free funds to the customer's other wallet.
    pub(crate) fn stow(&mut self, account: AccountId, asset: &str, amount: Decimal) -> Result<(), Short> {
        self.wallets[account].take_free(asset, amount)?;
        self.pockets.entry(account).or_default().receive(asset, amount);
        Ok(())
    }

    /// Moves funds back from the customer's other wallet.
    pub(crate) fn fetch(&mut self, account: AccountId, asset: &str, amount: Decimal) -> Result<(), Short> {
        self.pockets.entry(account).or_default().take_free(asset, amount)?;
        self.wallets[account].receive(asset, amount);
        Ok(())
    }

    /// Moves free funds out of the exchange.
    pub(crate) fn withdraw(&mut self, account: AccountId, asset: &str, amount: Decimal) -> Result<(), Short> {
        self.wallets[account].take_free(asset, amount)?;
        self.wallets[OUTSIDE].receive(asset, amount);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
