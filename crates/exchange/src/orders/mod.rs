//! What a gateway asks about orders after it has sent them: what became of one, which are open, and taking them back.

mod ask;
mod open;
mod status;
mod template;

pub use self::{
    open::OpenOrder,
    status::{OrderState, OrderStatus, Placed},
};
pub(crate) use self::{
    open::{CancelOrder, OpenOrders},
    status::StatusQuestions,
};
