//! What would be decided about an order or a withdrawal: by the same rules and sums as for a call, but nothing is signed
//! for it and nothing is set aside. Only the exchange's balances may be asked for.

use exchange::{Class, Definition, Leverage, Order, Reading, Withdrawal};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{Denial, decide, exposure::Holder, ledger, leverage, symbol};
use crate::{
    app::App,
    connection::{Row, secrets},
    error::{Error, Result},
    key_ring,
    limits::Limits,
};

/// What somebody thinks of doing.
pub enum Act {
    Order { order: Order, leverage: Option<Decimal> },
    Withdrawal(Withdrawal),
}

/// What would be decided.
pub struct Preview {
    /// What it is worth at most, as far as it is limited in dollars.
    pub usd: Option<Decimal>,
    /// The rule that decides and its text; nothing if it is allowed.
    pub refused: Option<(&'static str, String)>,
}

pub async fn preview(app: &App, user: Uuid, row: &Row, limits: &Limits, act: Act) -> Result<Preview> {
    let definition = app.exchanges.get(&row.exchange).ok_or_else(|| Error::internal("no such exchange"))?;
    let mut tx = app.db.user(user).await?;
    let user_key = key_ring::user_key(app, &mut tx, user).await?;
    tx.commit().await?;
    let key = || secrets::open_with(&user_key, row.id, &row.sealed).map_err(Denial::down);
    let holder = Holder {
        app,
        definition,
        environment: &row.environment,
        user,
        connection: row.id,
        api_key: row.api_key_id,
        limits,
        noted: None,
        key: &key,
    };
    Ok(match Box::pin(decided(&holder, act)).await {
        Ok(usd) => Preview { usd, refused: None },
        Err(denial) => Preview { usd: None, refused: Some((denial.rule, denial.text)) },
    })
}

async fn decided(holder: &Holder<'_>, act: Act) -> Result<Option<Decimal>, Denial> {
    let (class, reading, borrowed) = match act {
        Act::Order { order, leverage } => (Class::Trade, Reading::Orders(vec![order]), leverage),
        Act::Withdrawal(withdrawal) => (Class::Withdraw, Reading::Withdrawal(withdrawal), None),
    };
    ruled(holder.definition, class, &reading, borrowed, holder.limits)?;
    let ask = Box::pin(holder.cost(class, &reading)).await?;
    let verdict =
        ledger::preview(holder.app, holder.user, holder.connection, &ask).await.map_err(Denial::down)?;
    match verdict.denial(ask.usd()) {
        Some(denial) => Err(denial),
        None => Ok(ask.reserve.iter().find_map(|own| own.usd)),
    }
}

/// What needs no figures.
fn ruled(
    definition: &Definition,
    class: Class,
    reading: &Reading,
    borrowed: Option<Decimal>,
    limits: &Limits,
) -> Result<(), Denial> {
    decide::permitted(class, limits)?;
    symbol::of_connection(definition, class, reading, limits)?;
    let borrowed = borrowed.map_or(Leverage::None, |times| Leverage::Borrows(Some(times)));
    leverage::fits(borrowed, limits.max_leverage)
}
