use proptest::prelude::*;

use super::*;
use crate::config::Config;

const BTCUSDT: usize = 0;

fn floor() -> Floor {
    Floor::new(&Config::demo().exchanges["binance"], 1000, 0)
}

fn account(floor: &Floor, name: &str) -> AccountId {
    floor.customers().find(|(known, _)| *known == name).unwrap().1
}

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn order(account: AccountId, side: Side, terms: Terms) -> NewOrder {
    NewOrder { account, pair: BTCUSDT, side, terms, client_id: format!("{side:?}{terms:?}") }
}

fn limit(price: &str, quantity: &str) -> Terms {
    Terms::Limit { price: dec(price), quantity: dec(quantity), force: Force::GoodTillCancel }
}

#[test]
fn better_prices_match_first_and_older_orders_before_younger() {
    let mut floor = floor();
    let (older, younger, taker) =
        (account(&floor, "trade"), account(&floor, "rsa"), account(&floor, "ed25519"));
    let cheap = floor.place(order(younger, Side::Sell, limit("60001", "0.1")), 1).unwrap();
    let first = floor.place(order(older, Side::Sell, limit("60002", "0.1")), 2).unwrap();
    let second = floor.place(order(younger, Side::Sell, limit("60002", "0.1")), 3).unwrap();
    floor.place(order(taker, Side::Buy, limit("60002", "0.25")), 4).unwrap();
    assert_eq!(floor.order(younger, cheap).unwrap().status, Status::Filled);
    assert_eq!(floor.order(older, first).unwrap().status, Status::Filled);
    assert_eq!(floor.order(younger, second).unwrap().filled, dec("0.05"));
}

#[test]
fn a_taker_pays_the_resting_price_and_keeps_what_it_saved() {
    let mut floor = floor();
    let trade = account(&floor, "trade");
    let id = floor.place(order(trade, Side::Buy, limit("70000", "0.1")), 1).unwrap();
    assert_eq!(floor.order(trade, id).unwrap().filled_quote, dec("6001"));
    let usdt = floor.wallet(trade).get("USDT");
    assert_eq!((usdt.free, usdt.locked), (dec("93999"), Decimal::ZERO));
    assert_eq!(floor.wallet(trade).get("BTC").free, dec("2.0999"));
}

#[test]
fn an_order_never_trades_with_its_own_account() {
    let mut floor = floor();
    let trade = account(&floor, "trade");
    let resting = floor.place(order(trade, Side::Sell, limit("60005", "0.1")), 1).unwrap();
    let taking = floor.place(order(trade, Side::Buy, limit("60005", "0.1")), 2).unwrap();
    assert_eq!(floor.order(trade, resting).unwrap().status, Status::Expired);
    assert_eq!(floor.order(trade, taking).unwrap().status, Status::New);
    assert_eq!(floor.wallet(trade).get("BTC"), Balance { free: dec("2"), locked: Decimal::ZERO });
}

#[test]
fn the_ladder_is_restocked_later_but_not_at_once() {
    let mut floor = floor();
    let trade = account(&floor, "trade");
    let id = floor.place(order(trade, Side::Buy, limit("60010", "0.8")), 0).unwrap();
    floor.tick(999);
    assert_eq!(floor.order(trade, id).unwrap().filled, dec("0.5"));
    floor.tick(1000);
    assert_eq!(floor.order(trade, id).unwrap().status, Status::Filled);
    assert_eq!(floor.depth(BTCUSDT, Side::Sell, 1), [(dec("60010"), dec("0.2"))]);
    floor.tick(2000);
    assert_eq!(floor.depth(BTCUSDT, Side::Sell, 1), [(dec("60010"), dec("0.5"))]);
}

#[test]
fn a_moved_price_fills_the_orders_it_crosses() {
    let mut floor = floor();
    let trade = account(&floor, "trade");
    let id = floor.place(order(trade, Side::Buy, limit("55000", "0.1")), 0).unwrap();
    floor.set_price(BTCUSDT, dec("54000"), 1);
    let order = floor.order(trade, id).unwrap();
    assert_eq!((order.status, order.average_price()), (Status::Filled, Some(dec("55000"))));
    assert!(order.fills[0].maker);
}

#[test]
fn a_market_order_larger_than_the_book_expires_with_what_it_got() {
    let mut floor = floor();
    let trade = account(&floor, "trade");
    let ltc = floor.pair_index("LTCBTC").unwrap();
    let new = order(trade, Side::Buy, Terms::Market { quantity: dec("600") });
    let id = floor.place(NewOrder { pair: ltc, ..new }, 0).unwrap();
    let bought = floor.order(trade, id).unwrap();
    assert_eq!((bought.status, bought.filled), (Status::Expired, dec("500")));
    assert_eq!(floor.wallet(trade).get("BTC").locked, Decimal::ZERO);
}

#[test]
fn a_sale_for_an_amount_of_quote_locks_just_what_it_needs() {
    let mut floor = floor();
    let trade = account(&floor, "trade");
    let terms = Terms::MarketQuote { amount: dec("90000") };
    let id = floor.place(order(trade, Side::Sell, terms), 0).unwrap();
    let sold = floor.order(trade, id).unwrap();
    assert_eq!((sold.status, sold.filled), (Status::Filled, dec("1.5005")));
    let too_much = order(trade, Side::Sell, Terms::Market { quantity: dec("1") });
    assert_eq!(floor.place(too_much, 0), Err(Refusal::InsufficientBalance));
    assert_eq!(floor.wallet(trade).get("BTC"), Balance { free: dec("0.4995"), locked: Decimal::ZERO });
}

/// One thing that can happen on a floor.
#[derive(Clone, Debug)]
enum Event {
    Cancel { of: usize, nth: usize },
    Fetch { of: usize, amount: u32 },
    Limit { of: usize, pair: usize, buy: bool, ticks: i32, steps: u32, force: Force },
    Market { of: usize, pair: usize, buy: bool, steps: u32 },
    MarketQuote { of: usize, pair: usize, buy: bool, amount: u32 },
    Move { pair: usize, ticks: i32 },
    Stow { of: usize, amount: u32 },
    Tick,
    Withdraw { of: usize, amount: u32 },
}

fn event() -> impl Strategy<Value = Event> {
    let who = 0_usize..4;
    let pair = 0_usize..3;
    let force = prop_oneof![
        Just(Force::GoodTillCancel),
        Just(Force::ImmediateOrCancel),
        Just(Force::FillOrKill),
        Just(Force::PostOnly)
    ];
    prop_oneof![
        8 => (who.clone(), pair.clone(), any::<bool>(), -12_i32..12, 1_u32..2000, force)
            .prop_map(|(of, pair, buy, ticks, steps, force)| Event::Limit { of, pair, buy, ticks, steps, force }),
        2 => (who.clone(), pair.clone(), any::<bool>(), 1_u32..2000)
            .prop_map(|(of, pair, buy, steps)| Event::Market { of, pair, buy, steps }),
        2 => (who.clone(), pair.clone(), any::<bool>(), 1_u32..200_000)
            .prop_map(|(of, pair, buy, amount)| Event::MarketQuote { of, pair, buy, amount }),
        3 => (who.clone(), 0_usize..5).prop_map(|(of, nth)| Event::Cancel { of, nth }),
        1 => (pair, -5_i32..5).prop_map(|(pair, ticks)| Event::Move { pair, ticks }),
        1 => (who.clone(), 1_u32..1000).prop_map(|(of, amount)| Event::Stow { of, amount }),
        1 => (who.clone(), 1_u32..1000).prop_map(|(of, amount)| Event::Fetch { of, amount }),
        1 => (who, 1_u32..1000).prop_map(|(of, amount)| Event::Withdraw { of, amount }),
        1 => Just(Event::Tick),
    ]
}

/// Lets it happen; refusals are part of life.
fn play(floor: &mut Floor, event: &Event, now: i64) {
    let customers: Vec<AccountId> = floor.customers().map(|(_, id)| id).collect();
    let side = |buy| if buy { Side::Buy } else { Side::Sell };
    let place = |floor: &mut Floor, of: usize, pair, side, terms| {
        let client_id = format!("event-{now}");
        let _ = floor.place(NewOrder { account: customers[of], pair, side, terms, client_id }, now);
    };
    match *event {
        Event::Limit { of, pair, buy, ticks, steps, force } => {
            let known = &floor.pairs[pair];
            let price = known.price + known.rung * Decimal::from(ticks);
            let quantity = known.depth * Decimal::from(steps) / Decimal::from(1000);
            place(floor, of, pair, side(buy), Terms::Limit { price, quantity, force });
        }
        Event::Market { of, pair, buy, steps } => {
            let quantity = floor.pairs[pair].step * Decimal::from(steps);
            place(floor, of, pair, side(buy), Terms::Market { quantity });
        }
        Event::MarketQuote { of, pair, buy, amount } => {
            let amount = Decimal::new(i64::from(amount), 2);
            place(floor, of, pair, side(buy), Terms::MarketQuote { amount });
        }
        Event::Cancel { of, nth } => {
            let id = floor.open_orders(customers[of]).nth(nth).map(|order| order.id);
            id.map(|id| floor.cancel(customers[of], id, now).unwrap().id);
        }
        Event::Move { pair, ticks } => {
            let known = &floor.pairs[pair];
            floor.set_price(pair, known.price + known.rung * Decimal::from(ticks), now);
        }
        Event::Stow { of, amount } => drop(floor.stow(customers[of], "USDT", amount.into())),
        Event::Fetch { of, amount } => drop(floor.fetch(customers[of], "USDT", amount.into())),
        Event::Withdraw { of, amount } => drop(floor.withdraw(customers[of], "USDT", amount.into())),
        Event::Tick => floor.tick(now),
    }
}

fn assert_sound(floor: &Floor) {
    for (account, wallet) in floor.wallets.iter().enumerate() {
        for (asset, balance) in wallet.iter() {
            assert!(balance.free >= Decimal::ZERO, "{account} {asset} {balance:?}");
            let own = floor.open_orders(account).filter(|order| floor.spends(order) == asset);
            assert_eq!(balance.locked, own.map(|order| order.locked).sum::<Decimal>(), "{account} {asset}");
        }
    }
    for pair in 0..floor.pairs.len() {
        let best = |side| floor.depth(pair, side, 1).first().map(|level| level.0);
        if let (Some(bid), Some(ask)) = (best(Side::Buy), best(Side::Sell)) {
            assert!(bid < ask, "book {pair} is crossed: {bid} {ask}");
        }
    }
    for order in floor.orders.values() {
        let traded: Decimal = order.fills.iter().map(|fill| fill.quantity).sum();
        assert_eq!(traded, order.filled);
        assert!(order.filled <= order.quantity(), "{order:?}");
        assert!(order.is_open() || order.locked.is_zero(), "{order:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_no_asset_is_made_or_lost(events in prop::collection::vec(event(), 1..60)) {
        let mut floor = floor();
        let assets = ["BTC", "USDT", "ETH", "LTC", "BNB"];
        let before = assets.map(|asset| floor.supply(asset));
        for (now, event) in events.iter().enumerate() {
            play(&mut floor, event, i64::try_from(now).unwrap() * 100);
            assert_sound(&floor);
        }
        prop_assert_eq!(before, assets.map(|asset| floor.supply(asset)));
    }

    #[test]
    fn the_same_events_give_the_same_floor(events in prop::collection::vec(event(), 1..30)) {
        let replay = || {
            let mut floor = floor();
            for (now, event) in events.iter().enumerate() {
                play(&mut floor, event, i64::try_from(now).unwrap() * 100);
            }
            format!("{:?} {:?} {:?}", floor.orders, floor.wallets, floor.tapes)
        };
        prop_assert_eq!(replay(), replay());
    }
}
