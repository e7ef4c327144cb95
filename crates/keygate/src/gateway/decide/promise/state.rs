//! What a call is decided on, made of bytes: the account, the limits, the moment, the prices and what was done before.
//! Figures lie at the edges: a limit is just what the call comes to, a cent less, or a cent more.

use std::net::IpAddr;

use exchange::{Class, Definition, Leverage, Reading, Request};
use rust_decimal::Decimal;
use serde_json::json;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{dice::Dice, market, worth, worth::Prices};
use crate::{
    gateway::{account, ledger::sample::Purchase},
    limits::Limits,
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
const PEERS: [&str; 8] = [
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
