use exchange::{Exchanges, Incoming, Request};

use super::{super::Whose, *};
use crate::upstream::Headers;

/// Once for each of these keys, at a time; whether each was let through.
fn asked(budgets: &Budgets, keys: &[u128], rank: Rank, now_ms: i64) -> Vec<bool> {
    let exchanges = Exchanges::builtin();
    let definition = exchanges.get("binance").unwrap();
    let request = read(definition);
    let whose = |key: &u128| Whose { user: Uuid::nil(), api_key: Uuid::from_u128(*key) };
    let place = |key| Place { rank, ..Place::new(definition, "production", &request, Some(whose(key))) };
    keys.iter().map(|key| budgets.try_admit(&place(key), now_ms).is_ok()).collect()
}

fn read(definition: &exchange::Definition) -> Request {
    let incoming = Incoming { method: "GET", target: "/api/v3/account", ..Incoming::default() };
    definition.request(incoming).unwrap()
}

#[test]
fn one_key_does_not_use_up_what_all_share() {
    let budgets = Budgets::default();
    let many =
        |key, rank| asked(&budgets, &vec![key; 10_000], rank, 0).into_iter().filter(|let_by| *let_by).count();
    assert_eq!(asked(&budgets, &[1, 2], Rank::Read, 0), [true, true]);
    let flood = many(1, Rank::Cancel);
    assert!(many(2, Rank::Read) > 0 && many(2, Rank::Order) > 0 && many(2, Rank::Cancel) > 0);
    let alone = Budgets::default();
    let all = asked(&alone, &vec![1; 10_000], Rank::Cancel, 0).into_iter().filter(|let_by| *let_by).count();
    assert!(flood < all, "{flood} of {all}");
}

#[test]
fn silence_that_was_asked_for_is_not_made_shorter_by_an_older_answer() {
    let budgets = Budgets::default();
    let exchanges = Exchanges::builtin();
    let definition = exchanges.get("binance").unwrap();
    let request = read(definition);
    let place = Place::new(definition, "production", &request, None);
    for seconds in ["60", "1"] {
        let headers = Headers::told([("retry-after", seconds)]);
        let answer =
            Answer { status: StatusCode::TOO_MANY_REQUESTS, headers, body: Default::default(), age: None };
        budgets.heard(&place, &answer, None, (0, 0));
    }
    let speaks = |now_ms| budgets.try_admit(&place, now_ms).is_ok();
    assert_eq!([speaks(30_000), speaks(61_000)], [false, true]);
}

#[test]
fn those_who_wait_for_one_budget_are_in_the_way_of_nobody_at_another() {
    let budgets = Budgets::default();
    let ahead = |whom| budgets.lock().waits_before(whom, Rank::Order);
    let cancel = budgets.stand(1, Rank::Cancel).unwrap();
    assert_eq!((ahead(1), ahead(2)), (true, false));
    drop(cancel);
    assert!(!ahead(1) && budgets.lock().waiting.is_empty(), "an empty line is forgotten");
    let many: Vec<_> = (0..MOST_WAITING).map(|_| budgets.stand(1, Rank::Read).unwrap()).collect();
    assert!(budgets.stand(1, Rank::Read).is_err());
    assert!(budgets.stand(2, Rank::Read).is_ok() && budgets.stand(1, Rank::Cancel).is_ok());
    drop(many);
}

#[test]
fn strangers_ask_an_exchange_that_states_no_budget_five_times_a_second() {
    // the others count by key, and say nothing of who shows none
    for exchange in ["bitstamp", "kraken", "coinbaseexchange"] {
        let (budgets, exchanges) = (Budgets::default(), Exchanges::builtin());
        let definition = exchanges.get(exchange).unwrap();
        let request = definition.probe(exchange::Probe::Time, "", "").unwrap();
        let place = |rank| Place { rank, ..Place::new(definition, "production", &request, None) };
        let asked = |rank, from_ms: i64, to_ms: i64| {
            (from_ms..to_ms).step_by(10).filter(|at| budgets.try_admit(&place(rank), *at).is_ok()).count()
        };
        assert_eq!(asked(Rank::Stranger, 1_000_000, 1_000_100), 10, "a client that starts, at {exchange}");
        assert_eq!(asked(Rank::Stranger, 1_002_000, 1_012_000), 59, "{exchange}");
        assert_eq!(asked(Rank::Order, 1_010_000, 1_011_000), 100, "the gateway itself, at {exchange}");
    }
}

/// It says how much was used of a minute that is over.
#[test]
fn answer_to_what_left_in_another_window_uses_nothing_of_this_one() {
    let exchanges = Exchanges::builtin();
    let definition = exchanges.get("binance").unwrap();
    let request = read(definition);
    let place = Place::new(definition, "production", &request, None);
    // of a minute in which 5,880 were used, and then of the next one
    let has_room = |told: &str, left_ms, now_ms| {
        let budgets = Budgets::default();
        for (told, left_ms, now_ms) in [("5880", 50_000, 50_100), (told, left_ms, now_ms)] {
            let headers = Headers::told([("x-mbx-used-weight-1m", told)]);
            let answer = Answer { status: StatusCode::OK, headers, body: Default::default(), age: None };
            budgets.heard(&place, &answer, None, (left_ms, now_ms));
        }
        budgets.try_admit(&place, now_ms).is_ok()
    };
    assert!(has_room("5900", 59_700, 60_300), "it left before");
    assert!(has_room("5900", 60_500, 60_600), "by a clock that is a little ahead of the exchange's");
    assert!(!has_room("5900", 62_000, 62_300), "of this minute little is left");
    assert!(!has_room("5500", 60_500, 60_600), "nothing like it was used of the one before");
}
