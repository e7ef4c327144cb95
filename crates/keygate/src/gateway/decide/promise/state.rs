//! What a call is decided on, made of bytes: the account, the limits, the moment, the prices and what was done before.
//! Figures lie at the edges: a limit is just what the call comes to, a cent less, or a cent more.

use std::{collections::HashMap, net::IpAddr, slice::Iter};

use exchange::{Class, Definition, Leverage, Reading, Request};
use rust_decimal::Decimal;
use serde_json::json;
use time::{Duration, OffsetDateTime, Time};
use uuid::Uuid;

use super::{market, worth, worth::Prices};
use crate::{
    gateway::{
        account::{self, Account, Bot},
        exposure::{Look, Open},
        ledger::{
            Window,
            sample::{Purchase, Rows},
        },
        price::Book,
    },
    limits::{Limits, network},
};

pub struct State {
    pub at: OffsetDateTime,
    /// The caller's address, as the socket gives it.
    pub peer: IpAddr,
    /// Signed with a virtual pair, and whether nobody has used the signature.
    pub pair: Option<bool>,
    /// Whether the same call is signed anew when it is sent again.
    pub signs_anew: bool,
    pub key_stopped: bool,
    pub revoked: bool,
    pub expires_at: Option<OffsetDateTime>,
    pub user_is_active: bool,
    /// Whether it goes, and its symbol.
    pub bot: Option<(bool, Option<&'static str>)>,
    pub status: &'static str,
    pub scopes: Vec<&'static str>,
    /// Where the access key may be used.
    pub key_networks: Option<Vec<&'static str>>,
    /// Where the connection may be used.
    pub networks: Option<Vec<&'static str>>,
    pub limits: Limits,
    pub prices: Option<Prices>,
    pub held: Vec<(&'static str, Decimal)>,
    pub open: Vec<(&'static str, Decimal)>,
    /// Open orders of unknown size are about these.
    pub unknown: Vec<&'static str>,
    pub looked_at: OffsetDateTime,
    /// What the ledger holds: all signing is stopped, the access key is suspended.
    pub stopped: bool,
    pub suspended: bool,
    pub used: Used,
    pub bought: Vec<Purchase>,
}

/// What is used of the windows the moment is in.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Used {
    pub trade_day: Decimal,
    pub withdraw_day: Decimal,
    pub withdraw_month: Decimal,
}

/// Bytes as choices; when there are no more, the first of them.
struct Dice<'a>(Iter<'a, u8>);

impl Dice<'_> {
    fn byte(&mut self) -> u8 {
        self.0.next().copied().unwrap_or_default()
    }

    fn rarely(&mut self) -> bool {
        self.byte() >= 250
    }

    fn mostly(&mut self) -> bool {
        self.byte() < 224
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::from(self.byte()) % from.len()]
    }

    fn some<T: Copy>(&mut self, from: &[T]) -> Vec<T> {
        let count = self.byte() % 4;
        (0..count).map(|_| self.pick(from)).collect()
    }

    /// No list, more often than a list.
    fn list(&mut self, from: &[&'static str]) -> Option<Vec<&'static str>> {
        (self.byte() % 4 == 3).then(|| self.some(from))
    }

    fn amount(&mut self) -> Decimal {
        Decimal::from(self.pick(&[0, 0, 1, 100, 499, 5000]))
    }

    /// A limit at an edge, or none.
    fn figure(&mut self, edge: Decimal) -> Option<Decimal> {
        let cent = Decimal::new(1, 2);
        match self.byte() % 9 {
            0..=3 => None,
            4 | 5 => Some(edge),
            6 => Some((edge - cent).max(Decimal::ZERO)),
            7 => Some(edge + cent),
            _ => Some(self.amount()),
        }
    }
}

impl State {
    pub fn new(bytes: &[u8], definition: &Definition, request: &Request) -> State {
        let dice = &mut Dice(bytes.iter());
        let at = OffsetDateTime::UNIX_EPOCH + Duration::seconds(dice.pick(&MOMENTS));
        let prices = (!dice.rarely()).then(|| prices(dice));
        let used = Used {
            trade_day: dice.amount(),
            withdraw_day: dice.amount(),
            withdraw_month: dice.amount() + Decimal::from(5000),
        };
        let held = dice.some(&[
            ("BTC", Decimal::new(1, 2)),
            ("ETH", Decimal::TWO),
            ("USDT", Decimal::from(900)),
            ("NEW", Decimal::ONE),
        ]);
        let open = dice.some(&[("BTC", Decimal::from(150)), ("ETH", Decimal::from(20))]);
        let looked_at = at - Duration::seconds(dice.pick(&[0, 3, 10]));
        let bought = bought(dice, looked_at);
        let mut state = State {
            at,
            peer: dice.pick(&PEERS).parse().expect("an address"),
            pair: dice.mostly().then(|| !dice.rarely()),
            signs_anew: dice.mostly(),
            key_stopped: dice.rarely(),
            revoked: dice.rarely(),
            expires_at: match dice.byte() {
                0..120 => None,
                120..240 => Some(at + Duration::milliseconds(dice.pick(&[1, 86_400_000]))),
                _ => Some(at - Duration::milliseconds(dice.pick(&[0, 1]))),
            },
            user_is_active: !dice.rarely(),
            bot: dice
                .mostly()
                .then(|| (!dice.rarely(), (dice.byte() % 6 == 5).then(|| dice.pick(&market::LISTED)))),
            status: if dice.rarely() { dice.pick(&["paused", "deleted", "anything"]) } else { "active" },
            scopes: Vec::new(),
            key_networks: dice.list(&NETWORKS),
            networks: dice.list(&NETWORKS),
            limits: unlimited(),
            prices,
            held: sums(held),
            open: sums(open),
            unknown: if dice.rarely() { vec!["BTC"] } else { Vec::new() },
            looked_at,
            stopped: dice.rarely(),
            suspended: dice.rarely(),
            used,
            bought,
        };
        state.scopes = SCOPES.into_iter().filter(|_| dice.mostly()).collect();
        state.limits = state.limits(dice, definition, request);
        state
    }

    fn limits(&self, dice: &mut Dice<'_>, definition: &Definition, request: &Request) -> Limits {
        let trades: Vec<Decimal> = self.worths(definition, request.reading());
        let total: Decimal = trades.iter().sum();
        let most = trades.iter().copied().max().unwrap_or_default();
        let times = Decimal::from(dice.pick(&[1, 1, 2]));
        let day = self.used.trade_day + total * times;
        let leaves = if request.class() == Class::Withdraw { total * times } else { Decimal::ZERO };
        let owned = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let json = json!({
            "dry_run": dice.byte() % 4 == 3,
            "can_read": dice.mostly(), "can_trade": dice.mostly(), "can_withdraw": dice.mostly(),
            "can_transfer": dice.mostly(), "can_manage_sub_accounts": dice.mostly(),
            "max_trade_amount_usd": dice.figure(most),
            "max_daily_trade_volume_usd": dice.figure(day),
            "max_withdrawal_amount_usd": dice.figure(most),
            "max_daily_withdrawal_usd": dice.figure(self.used.withdraw_day + leaves),
            "daily_withdraw_limit": dice.figure(self.used.withdraw_day + leaves),
            "monthly_withdraw_limit": dice.figure(self.used.withdraw_month + leaves),
            "max_position_size": dice.figure(self.position_edge(definition, request, times)),
            "max_leverage": dice.figure(times_of(request.leverage())),
            "stop_loss_percentage": if dice.byte() % 8 == 7 { Some("10") } else { None },
            "allowed_symbols": dice.list(&market::LISTED).map(owned),
            "blocked_symbols": owned(dice.list(&market::LISTED).unwrap_or_default()),
            "allowed_ip_addresses": self.networks,
        });
        serde_json::from_value(json).expect("limits")
    }

    /// What each order, or the withdrawal, is worth, as far as that is known.
    fn worths(&self, definition: &Definition, reading: &Reading) -> Vec<Decimal> {
        let Some(prices) = &self.prices else { return Vec::new() };
        match reading {
            Reading::Orders(orders) => {
                orders.iter().filter_map(|order| worth::order(definition, prices, order).usd()).collect()
            }
            Reading::Withdrawal(own) => worth::amount(prices, definition.usual_asset(&own.asset), own.amount)
                .usd()
                .into_iter()
                .collect(),
            _ => Vec::new(),
        }
    }

    /// What the first purchase of a call leads to.
    fn position_edge(&self, definition: &Definition, request: &Request, times: Decimal) -> Decimal {
        let (Some(prices), Reading::Orders(orders)) = (&self.prices, request.reading()) else {
            return Decimal::ZERO;
        };
        let Some(asset) = orders.iter().find_map(|order| worth::buys(definition, order)) else {
            return Decimal::ZERO;
        };
        let own = orders.iter().filter(|order| worth::buys(definition, order).as_ref() == Some(&asset));
        let own: Decimal = own.filter_map(|order| worth::order(definition, prices, order).usd()).sum();
        self.leads_to(prices, &asset, &self.bought).unwrap_or_default() + own * times
    }

    /// Dollars of an asset that are held, may be bought by open orders, or are being bought.
    pub fn leads_to(&self, prices: &Prices, asset: &str, bought: &[Purchase]) -> Option<Decimal> {
        let of = |list: &[(&str, Decimal)]| {
            list.iter().filter(|own| own.0 == asset).map(|own| own.1).sum::<Decimal>()
        };
        let units = of(&self.held);
        let held = if units.is_zero() { Decimal::ZERO } else { prices.dollars(asset)? * units };
        let unseen = bought.iter().filter(|own| own.connection == CONNECTION && own.asset == asset);
        let unseen = unseen.filter(|own| {
            // clocks differ by a second, and what was lost may arrive for two minutes
            let since = self.looked_at - Duration::seconds(1);
            own.confirmed_at.map_or(own.made_at >= since - Duration::minutes(2), |at| at >= since)
        });
        Some(held + of(&self.open) + unseen.map(|own| own.usd).sum::<Decimal>())
    }

    /// What is being bought once the call was let through: just now, and not confirmed.
    pub fn purchases(&self, definition: &Definition, request: &Request) -> Vec<Purchase> {
        let (Some(prices), Reading::Orders(orders)) = (&self.prices, request.reading()) else {
            return Vec::new();
        };
        let one = |order| {
            let usd = worth::order(definition, prices, order).usd()?;
            let asset = worth::buys(definition, order)?;
            Some(Purchase { connection: CONNECTION, asset, usd, made_at: self.at, confirmed_at: None })
        };
        orders.iter().filter_map(one).collect()
    }

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

/// What a call sets or borrows.
fn times_of(leverage: Leverage) -> Decimal {
    match leverage {
        Leverage::Sets(times) | Leverage::Borrows(Some(times)) => times,
        Leverage::None | Leverage::Borrows(None) | Leverage::Unknown => Decimal::TWO,
    }
}

/// No limits, and every right.
fn unlimited() -> Limits {
    let all = json!({
        "can_read": true, "can_trade": true, "can_withdraw": true, "can_transfer": true,
        "can_manage_sub_accounts": true, "allowed_ip_addresses": null, "blocked_symbols": [],
    });
    serde_json::from_value(all).expect("limits")
}

/// Most markets have a price; what they say of an asset may differ.
fn prices(dice: &mut Dice<'_>) -> Prices {
    // in hundredths of a cent
    let usd = |asset: &str| match asset {
        "BTC" => 500_000_000,
        "ETH" => 25_000_000,
        "EUR" => 12_500,
        "KRW" => 8,
        "XRP" | "ADA" | "XLM" => 5000,
        "DOGE" => 800,
        "LTC" | "SOL" => 1_000_000,
        _ => 10_000_i64,
    };
    let pairs = market::PAIRS.into_iter().filter_map(|(base, quote)| {
        let price = Decimal::from(usd(base)) / Decimal::from(usd(quote));
        let (times, is_there) = (dice.pick(&[1, 1, 2, 4]), dice.mostly());
        is_there.then_some((base, quote, price / Decimal::from(times)))
    });
    Prices(pairs.collect())
}

fn bought(dice: &mut Dice<'_>, looked_at: OffsetDateTime) -> Vec<Purchase> {
    let count = dice.byte() % 3;
    let since = looked_at - Duration::seconds(1);
    let one = |_| Purchase {
        connection: if dice.mostly() { CONNECTION } else { Uuid::from_u128(99) },
        asset: dice.pick(&["BTC", "ETH"]).to_owned(),
        usd: Decimal::from(dice.pick(&[1, 100, 777])),
        made_at: since + Duration::milliseconds(dice.pick(&[-121_000, -120_000, -119_000, 0, 500])),
        confirmed_at: dice
            .pick(&[None, Some(-1), Some(0), Some(400)])
            .map(|ms| since + Duration::milliseconds(ms)),
    };
    (0..count).map(one).collect()
}

fn sums(list: Vec<(&'static str, Decimal)>) -> Vec<(&'static str, Decimal)> {
    let mut sums: Vec<(&'static str, Decimal)> = Vec::new();
    for (asset, amount) in list {
        match sums.iter_mut().find(|own| own.0 == asset) {
            Some(own) => own.1 += amount,
            None => sums.push((asset, amount)),
        }
    }
    sums
}

pub const SIGNATURES: [[u8; 32]; 2] = [[7; 32], [8; 32]];
const CONNECTION: Uuid = account::sample::CONNECTION;
/// Of 2026 in UTC: midnight of New Year, noon of the last of March, the last moment of that month, a day in summer.
const MOMENTS: [i64; 4] = [1_767_225_600, 1_774_958_400, 1_775_001_599, 1_782_907_200];
const SCOPES: [&str; 4] = ["read", "trade", "transfer", "withdraw"];
pub const PEERS: [&str; 8] = [
    "10.0.0.5",
    "::ffff:10.0.0.5",
    "10.0.1.6",
    "192.0.2.1",
    "192.0.2.2",
    "2001:db8::5",
    "2001:db8:1::5",
    "::1",
];
const NETWORKS: [&str; 10] = [
    "10.0.0.5",
    "10.0.0.0/24",
    "::ffff:10.0.0.0/120",
    "10.0.0.0/23",
    "192.0.2.0/31",
    "0.0.0.0/0",
    "2001:db8::/48",
    "2001:db8::5",
    "::/0",
    "203.0.113.7",
];
