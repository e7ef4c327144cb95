//! Reading one answer of an exchange: RFC 9112, and of that no more than exchanges use. What has two readings, does
//! not end where it says, or is larger than allowed is no answer.

use std::{mem::MaybeUninit, ops::ControlFlow};

use bytes::Bytes;
use http::StatusCode;
use memchr::memmem;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::{Answer, Headers};

/// Reads one answer from a stream.
pub struct Reader<'c, S> {
    stream: &'c mut S,
    /// What has arrived. It belongs to the connection, which uses it again for the next answer.
    buffer: &'c mut Vec<u8>,
    /// How much of that has been read.
    at: usize,
    /// The most a body may have.
    max: usize,
}

/// What stands before the body.
struct Head {
    status: StatusCode,
    headers: Headers,
    /// Whether the exchange means to take another request on this connection.
    stays: bool,
}

/// How a body ends.
enum End {
    After(usize),
    LastChunk,
    WithConnection,
}

impl<'c, S: AsyncRead + Unpin> Reader<'c, S> {
    pub fn new(stream: &'c mut S, buffer: &'c mut Vec<u8>, max: usize) -> Self {
        Reader { stream, buffer, at: 0, max }
    }

    /// The answer, and whether the connection can take another request.
    pub async fn answer(mut self) -> Result<(Answer, bool), String> {
        let head = self.final_head().await?;
        let end = end(&head)?;
        let body = match end {
            End::After(length) => self.exactly(length).await?.into(),
            End::LastChunk => self.chunks().await?,
            End::WithConnection => self.rest().await?,
        };
        // Bytes nobody asked for belong to no request of ours.
        let again = head.stays && self.unread().is_empty() && !matches!(end, End::WithConnection);
        self.wipe();
        Ok((Answer { status: head.status, headers: head.headers, body, age: None }, again))
    }

    /// The first head that is not an interim one.
    async fn final_head(&mut self) -> Result<Head, String> {
        for _ in 0..=MOST_INTERIM {
            let head = self.head().await?;
            match head.status.as_u16() {
                101 => return Err("the exchange changed the protocol".to_owned()),
                100..200 => {}
                _ => return Ok(head),
            }
        }
        Err("the exchange does not come to its answer".to_owned())
    }

    async fn head(&mut self) -> Result<Head, String> {
        loop {
            match parse_head(self.unread())? {
                ControlFlow::Break((head, length)) => {
                    self.at += length;
                    return Ok(head);
                }
                ControlFlow::Continue(()) if self.unread().len() > MAX_HEAD => {
                    return Err("the head of the answer is too large".to_owned());
                }
                ControlFlow::Continue(()) => self.more().await?,
            }
        }
    }

    async fn exactly(&mut self, length: usize) -> Result<Vec<u8>, String> {
        self.within(length)?;
        let here = length.min(self.unread().len());
        // What an exchange announces takes room only as it comes.
        let mut body = Vec::with_capacity(length.min(MOST_AT_ONCE));
        body.extend_from_slice(&self.unread()[..here]);
        self.at += here;
        while body.len() < length {
            let rest = length - body.len();
            body.reserve(rest.min(MOST_AT_ONCE));
            let mut stream = (&mut *self.stream).take(rest as u64);
            arrived(stream.read_buf(&mut body).await)?;
        }
        Ok(body)
    }

    async fn chunks(&mut self) -> Result<Bytes, String> {
        let mut body = Vec::new();
        loop {
            let size = self.chunk_size().await?;
            if size == 0 {
                self.trailers().await?;
                return Ok(body.into());
            }
            self.within(body.len().saturating_add(size))?;
            body.extend_from_slice(&self.exactly(size).await?);
            if self.exactly(2).await? != b"\r\n" {
                return Err("a chunk of the answer does not end where it says".to_owned());
            }
        }
    }

    async fn chunk_size(&mut self) -> Result<usize, String> {
        loop {
            match httparse::parse_chunk_size(self.unread()) {
                Ok(httparse::Status::Complete((taken, size))) => {
                    self.at += taken;
                    return usize::try_from(size).map_err(|_| too_large());
                }
                Ok(httparse::Status::Partial) if self.unread().len() <= MAX_LINE => self.more().await?,
                _ => return Err("a chunk of the answer has no readable size".to_owned()),
            }
        }
    }

    /// Lines after the last chunk. They are read away: nothing of them reaches anybody.
    async fn trailers(&mut self) -> Result<(), String> {
        let mut left = MAX_LINE;
        loop {
            match memmem::find(self.unread(), b"\r\n") {
                Some(length) => {
                    self.at += length + 2;
                    if length == 0 {
                        return Ok(());
                    }
                    left = left.checked_sub(length).ok_or("there is too much after the answer")?;
                }
                None if self.unread().len() <= left => self.more().await?,
                None => return Err("there is too much after the answer".to_owned()),
            }
        }
    }

    async fn rest(&mut self) -> Result<Bytes, String> {
        let mut body = self.unread().to_vec();
        self.at = self.buffer.len();
        loop {
            self.within(body.len())?;
            body.reserve(FIRST);
            if self.stream.read_buf(&mut body).await.map_err(|error| error.to_string())? == 0 {
                return Ok(body.into());
            }
        }
    }

    fn unread(&self) -> &[u8] {
        &self.buffer[self.at..]
    }

    async fn more(&mut self) -> Result<(), String> {
        if self.at >= MOST_READ {
            self.forget_read();
        }
        self.buffer.reserve(FIRST);
        arrived(self.stream.read_buf(self.buffer).await)
    }

    /// What stands around a body, such as the sizes of its chunks, has no end of its own and shall take no room.
    fn forget_read(&mut self) {
        let left = self.unread().len();
        self.buffer.copy_within(self.at.., 0);
        self.buffer[left..].fill(0);
        self.buffer.truncate(left);
        self.at = 0;
    }

    fn within(&self, length: usize) -> Result<(), String> {
        if length > self.max { Err(too_large()) } else { Ok(()) }
    }

    /// An idle connection holds nothing of an answer.
    fn wipe(&mut self) {
        self.buffer.fill(0);
        self.buffer.clear();
        self.buffer.shrink_to(KEPT);
    }
}

fn arrived(read: std::io::Result<usize>) -> Result<(), String> {
    match read {
        Ok(0) => Err("the connection was closed before the answer was whole".to_owned()),
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// A whole head and its length, or that there is none yet.
fn parse_head(bytes: &[u8]) -> Result<ControlFlow<(Head, usize)>, String> {
    let mut fields = [const { MaybeUninit::uninit() }; MOST_HEADERS];
    let mut parsed = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let length = match config.parse_response_with_uninit_headers(&mut parsed, bytes, &mut fields) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(ControlFlow::Continue(())),
        Err(_) => return Err("the head of the answer is not HTTP".to_owned()),
    };
    let status = parsed.code.and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.ok_or("the answer has no status")?;
    let headers =
        Headers::of(&bytes[..length], parsed.headers).ok_or("the head of the answer is too large")?;
    // A length beside chunks is ignored, and so is whatever else this connection would say (section 6.1).
    let doubtful = headers.get(TRANSFER_ENCODING).is_some() && headers.get(CONTENT_LENGTH).is_some();
    let stays = parsed.version == Some(1) && !doubtful && !says_close(&headers);
    Ok(ControlFlow::Break((Head { status, headers, stays }, length)))
}

/// RFC 9112, section 6.3, for answers to requests that are not HEAD and not CONNECT.
fn end(head: &Head) -> Result<End, String> {
    let Head { status, headers, .. } = head;
    if *status == StatusCode::NO_CONTENT || *status == StatusCode::NOT_MODIFIED {
        return Ok(End::After(0));
    }
    // What is packed cannot be searched for the key, and may unpack to anything.
    if headers.all(CONTENT_ENCODING).any(|coding| !coding.eq_ignore_ascii_case(b"identity")) {
        return Err("the answer is packed, and nobody asked for that".to_owned());
    }
    let mut codings = headers.all(TRANSFER_ENCODING);
    match (codings.next(), codings.next()) {
        (None, _) => {}
        (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => return Ok(End::LastChunk),
        _ => return Err("the answer is coded in a way nobody asked for".to_owned()),
    }
    let mut lengths = headers.all(CONTENT_LENGTH).map(length);
    match (lengths.next(), lengths.next()) {
        (None, _) => Ok(End::WithConnection),
        (Some(Some(length)), None) => Ok(End::After(length)),
        _ => Err("the answer does not say in one way how long it is".to_owned()),
    }
}

fn length(value: &[u8]) -> Option<usize> {
    let digits = std::str::from_utf8(value).ok()?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

fn says_close(headers: &Headers) -> bool {
    let words = headers.all("connection").flat_map(|list| list.split(|byte| *byte == b','));
    words.into_iter().any(|word| word.trim_ascii().eq_ignore_ascii_case(b"close"))
}

fn too_large() -> String {
    "the answer is too large".to_owned()
}

const TRANSFER_ENCODING: &str = "transfer-encoding";
const CONTENT_LENGTH: &str = "content-length";
const CONTENT_ENCODING: &str = "content-encoding";
/// Most answers fit into the first read.
const FIRST: usize = 4 * 1024;
const KEPT: usize = 16 * 1024;
const MOST_AT_ONCE: usize = 256 * 1024;
const MAX_HEAD: usize = 32 * 1024;
const MAX_LINE: usize = 8 * 1024;
const MOST_HEADERS: usize = 100;
const MOST_INTERIM: usize = 8;
const MOST_READ: usize = 64 * 1024;

#[cfg(test)]
mod tests;
