//! A walk along one chain, row after row as PostgreSQL sends them: what does not follow is a finding with its place.

use uuid::Uuid;

use super::{Head, Keys, Log, chain::ChainKey, verify::Finding};

pub struct Walk<'k> {
    keys: &'k Keys,
    user: Uuid,
    log: Log,
    key: Option<(i32, ChainKey)>,
    /// Where the walk began: everything up to there was judged before, or deleted for its age.
    start: i64,
    at: Head,
    /// The MAC that the row before should have had, where it is another one than it has.
    instead: Option<[u8; 32]>,
    /// After a gap nobody knows what the next row followed.
    lost: bool,
    /// What checkpoints say of this chain, in the order of their numbers.
    marks: std::iter::Peekable<std::slice::Iter<'k, (u64, Head)>>,
    pub rows: u64,
    pub findings: Vec<Finding>,
}

/// One row as `copy … (format binary)` sends it.
pub struct Sent<'b> {
    pub seq: i64,
    pub key: i32,
    pub mac: &'b [u8],
    /// All columns but the chain's, and but a null at the end: the very form that is authenticated. The first is the id.
    pub row: &'b [u8],
}

impl<'k> Walk<'k> {
    pub fn new(keys: &'k Keys, user: Uuid, log: Log, start: Head, marks: &'k [(u64, Head)]) -> Walk<'k> {
        let marks = marks.iter().peekable();
        let mut walk = Walk {
            keys,
            user,
            log,
            key: None,
            start: start.seq,
            at: start,
            instead: None,
            lost: false,
            marks,
            rows: 0,
            findings: Vec::new(),
        };
        walk.compare_with_marks(start.seq, None);
        walk
    }

    pub fn row(&mut self, sent: &Sent<'_>) {
        self.rows += 1;
        if sent.seq <= self.start {
            return self.find(sent, "is back, though it was deleted for its age");
        }
        if sent.seq <= self.at.seq {
            return self.find(sent, "has the number of another row");
        }
        if sent.seq != self.at.seq + 1 {
            self.missing(self.at.seq + 1, sent.seq - 1, id_of(sent.row));
            self.lost = true;
        }
        let Ok(mac) = <[u8; 32]>::try_from(sent.mac) else {
            return self.find(sent, "has no MAC");
        };
        match self.should_be(sent) {
            None => self.find(sent, "names a key that was never there"),
            Some(_) if self.lost => self.lost = false,
            Some(first) if first == mac => self.instead = None,
            Some(first) => match self.instead.take().and_then(|before| self.mac_after(&before, sent)) {
                Some(second) if second == mac => {}
                _ => {
                    self.find(sent, "is not the row that was written");
                    self.instead = Some(first);
                }
            },
        }
        self.at = Head { seq: sent.seq, mac };
        self.compare_with_marks(sent.seq, id_of(sent.row));
    }

    /// All rows were seen; does the chain end where its head is?
    pub fn end(&mut self, head: Option<Head>) {
        let at = self.at;
        match head {
            None if at.seq == 0 => {}
            None => self.place(Some(at.seq), None, "the head of the chain is gone"),
            Some(head) if head.seq > at.seq => self.missing(at.seq + 1, head.seq, None),
            Some(head) if head.seq < at.seq => {
                self.place(Some(head.seq), None, "the head of the chain is behind its rows");
            }
            Some(head) if head.mac != at.mac => {
                self.place(Some(head.seq), None, "the head of the chain is not its last row");
            }
            Some(_) => {}
        }
        if let Some((number, mark)) = self.marks.by_ref().last().copied() {
            let text = format!(
                "checkpoint {number} has seen record {}; the database was rolled back or cut",
                mark.seq
            );
            self.place(Some(at.seq), None, &text);
        }
    }

    fn should_be(&mut self, sent: &Sent<'_>) -> Option<[u8; 32]> {
        if self.key.as_ref().is_none_or(|(version, _)| *version != sent.key) {
            self.key = Some((sent.key, self.keys.chain_key(sent.key, self.user, self.log)?));
        }
        let before = self.at.mac;
        self.mac_after(&before, sent)
    }

    fn mac_after(&self, before: &[u8; 32], sent: &Sent<'_>) -> Option<[u8; 32]> {
        let (_, key) = self.key.as_ref()?;
        Some(key.mac(sent.seq, before, sent.row))
    }

    /// A checkpoint of a row that is missing is no finding of its own.
    fn compare_with_marks(&mut self, seq: i64, row: Option<Uuid>) {
        while let Some((number, mark)) = self.marks.next_if(|(_, mark)| mark.seq <= seq) {
            if mark.seq == seq && mark.mac != self.at.mac {
                self.place(Some(seq), row, &format!("is another row than checkpoint {number} has seen"));
            }
        }
    }

    /// `next`: the row after the gap, which may itself be what does not belong there.
    fn missing(&mut self, from: i64, to: i64, next: Option<Uuid>) {
        let before = if next.is_some() { " before this record" } else { "" };
        let text = match from == to {
            true => format!("is missing{before}"),
            false => format!("and all up to {to} are missing{before}"),
        };
        self.place(Some(from), next, &text);
    }

    fn find(&mut self, sent: &Sent<'_>, text: &str) {
        self.place(Some(sent.seq), id_of(sent.row), text);
    }

    fn place(&mut self, seq: Option<i64>, row: Option<Uuid>, text: &str) {
        if self.findings.len() < MOST {
            let (user, log) = (Some(self.user), Some(self.log));
            self.findings.push(Finding { user, log, seq, row, text: text.to_owned() });
        }
    }
}

/// The bytes of a COPY, of which rows are taken as soon as they are whole.
#[derive(Default)]
pub struct Copied {
    bytes: Vec<u8>,
    begun: bool,
}

impl Copied {
    /// Calls `each` for every row that is whole now. `None`: that is no COPY of ours.
    pub fn push(&mut self, chunk: &[u8], mut each: impl FnMut(&Sent<'_>)) -> Option<()> {
        // a chunk is a row, nearly always: then nothing is copied
        if self.begun && self.bytes.is_empty() {
            let rest = rows(chunk, &mut each)?;
            self.bytes.extend_from_slice(rest);
            return Some(());
        }
        self.bytes.extend_from_slice(chunk);
        let mut bytes = self.bytes.as_slice();
        if !self.begun {
            // signature, flags, and a header extension of no length
            let Some((_, rest)) = bytes.split_at_checked(19) else { return Some(()) };
            (bytes, self.begun) = (rest, true);
        }
        let left = rows(bytes, &mut each)?.len();
        self.bytes.drain(..self.bytes.len() - left);
        Some(())
    }
}

/// What is left after the whole rows.
fn rows<'b>(mut bytes: &'b [u8], each: &mut impl FnMut(&Sent<'_>)) -> Option<&'b [u8]> {
    loop {
        let Some((count, rest)) = take::<2>(bytes) else { return Some(bytes) };
        let count = i16::from_be_bytes(count);
        if count < 0 {
            return Some(&[]);
        }
        let Some((fields, after)) = fields(rest, usize::try_from(count).ok()?)? else { return Some(bytes) };
        each(&sent(fields)?);
        bytes = after;
    }
}

/// The fields of a row without a null at their end, and what follows, once all of it has come.
fn fields(bytes: &[u8], count: usize) -> Option<Option<(&[u8], &[u8])>> {
    let (mut rest, mut null) = (bytes, 0);
    for _ in 0..count {
        let Some((length, after)) = take::<4>(rest) else { return Some(None) };
        let length = i32::from_be_bytes(length);
        null = if length == -1 { 4 } else { 0 };
        let length = if length == -1 { 0 } else { usize::try_from(length).ok()? };
        let Some(after) = after.get(length..) else { return Some(None) };
        rest = after;
    }
    let used = bytes.len() - rest.len();
    Some(bytes.get(..used.checked_sub(null)?).map(|fields| (fields, rest)))
}

fn sent(fields: &[u8]) -> Option<Sent<'_>> {
    let (seq, rest) = field(fields)?;
    let (key, rest) = field(rest)?;
    let (mac, row) = field(rest)?;
    Some(Sent {
        seq: i64::from_be_bytes(seq.try_into().ok()?),
        key: key.try_into().map_or(0, i32::from_be_bytes),
        mac,
        row,
    })
}

fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = take::<4>(bytes)?;
    rest.split_at_checked(usize::try_from(i32::from_be_bytes(length)).unwrap_or(0))
}

fn take<const N: usize>(bytes: &[u8]) -> Option<([u8; N], &[u8])> {
    bytes.split_first_chunk().map(|(first, rest)| (*first, rest))
}

fn id_of(row: &[u8]) -> Option<Uuid> {
    Uuid::from_slice(field(row)?.0).ok()
}

/// Findings of one chain; more of them say nothing new.
const MOST: usize = 1000;

#[cfg(test)]
mod tests;
