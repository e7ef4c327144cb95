//! Client order ids put into a frame that has none: as in requests, in the client's own text.

use std::collections::BTreeMap;

use super::{Frame, Json, Part, Refusal, insert::edited};
use crate::{Definition, reading::Inside};

impl Definition {
    /// The frame with an id, made of the bytes that `random` has for the order's place, for every order whose client gave
    /// none; `markets` as for [`Definition::frame_with`]. See [`Definition::with_client_ids`]: the same holds here.
    ///
    /// Errors: the frame with the ids cannot be read, or would be read as another one; send neither.
    pub fn frame_with_client_ids(
        &self,
        frame: &Frame,
        markets: &BTreeMap<String, String>,
        random: impl Fn(usize) -> [u8; 16],
    ) -> Result<Frame, Refusal> {
        let Some(new) = self.new_ids(&frame.request, random)? else { return Ok(frame.clone()) };
        let refuse = || Refusal::new(Part::Frame, "takes no client id without becoming another frame");
        let orders = self.orders_of(frame, new.inside).ok_or_else(refuse)?;
        let name = self.word_in_frames(&frame.path, new.place.name());
        let text = edited(frame.document.text(), new.edits(name, orders)?);
        let read = self.frame_with(&frame.path, &text, markets).map_err(|bad| bad.refusal)?;
        let same = (&read.id, &read.method, &read.key) == (&frame.id, &frame.method, &frame.key);
        match same && new.are_all_that_changed(&frame.request, &read.request) {
            true => Ok(read),
            false => Err(refuse()),
        }
    }

    /// The orders of a frame, where they stand in its text.
    fn orders_of<'f>(&self, frame: &'f Frame, inside: &Inside) -> Option<Vec<&'f Json>> {
        let whole = frame.document.root().get(self.params_member(&frame.path)?)?;
        let whole = match (whole, self.takes_one(&frame.path, &frame.method)) {
            (Json::Array(one), true) => one.first()?,
            (whole, _) => whole,
        };
        if inside.is_whole() {
            return Some(vec![whole]);
        }
        let list = match self.word_in_frames(&frame.path, inside.place()?) {
            "" => whole,
            name => whole.get(name)?,
        };
        match list {
            Json::Array(orders) => Some(orders.iter().collect()),
            _ => None,
        }
    }

    /// The member that holds a frame's parameters.
    fn params_member(&self, path: &str) -> Option<&str> {
        let login = self.login_stream(path).map(|stream| stream.members.params.as_str());
        let token = self.token_stream(path).map(|stream| stream.members.params.as_str());
        let signed = || self.stream.as_ref().map(|stream| stream.members.params.as_str());
        login.or(token).or_else(signed)
    }

    /// Whether the parameters are an array of one, which is the request.
    fn takes_one(&self, path: &str, method: &str) -> bool {
        let endpoint = self.login_stream(path).and_then(|stream| stream.endpoint(method));
        endpoint.is_some_and(|(_, _, whole)| !whole)
    }

    /// What frames call a parameter of requests.
    fn word_in_frames<'n>(&'n self, path: &str, name: &'n str) -> &'n str {
        let words = self.token_stream(path).map(|stream| &stream.words);
        let own = words.and_then(|words| words.iter().find(|(_, word)| word.parts().0 == name));
        own.map_or(name, |(word, _)| word)
    }
}
