//! Htx: not spoken yet.

use crate::house::{Desk, Dialect, Failure, Route};
use crate::key::{Entry, Keys};
use crate::request::{Answer, Received};

#[derive(Default)]
pub(crate) struct Htx;

impl Dialect for Htx {
    const ID: &'static str = "htx";
    const ROUTES: &'static [&'static [Route<Self>]] = &[];
    type Error = Failure;

    fn signer<'k>(&self, _: &'k Keys, _: &Received) -> Option<&'k Entry> {
        None
    }

    fn admit(&mut self, _: &mut Desk, _: &Received, _: Option<&Entry>) -> Result<Entry, Failure> {
        Err(Failure::NoRoute)
    }

    fn refusal(_: Failure, _: &Received) -> Answer {
        Answer::text(404, "text/plain", "not found\n")
    }
}
