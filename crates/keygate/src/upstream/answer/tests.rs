use std::{
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::ReadBuf;

use super::*;

/// The answer and whether the connection goes on, however the bytes are cut.
async fn read(wire: &str) -> Result<(u16, String, bool), String> {
    let whole = told(&mut wire.as_bytes()).await;
    let cut = told(&mut Slow(wire.as_bytes())).await;
    assert_eq!(whole.is_ok(), cut.is_ok(), "{wire:?}");
    whole
}

async fn told(stream: &mut (impl AsyncRead + Unpin)) -> Result<(u16, String, bool), String> {
    let (answer, again) = Reader::new(stream, &mut Vec::new(), 100).answer().await?;
    Ok((answer.status.as_u16(), String::from_utf8(answer.body.to_vec()).unwrap(), again))
}

/// One byte at a time.
struct Slow<'a>(&'a [u8]);

impl AsyncRead for Slow<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if let Some((first, rest)) = self.0.split_first() {
            buffer.put_slice(&[*first]);
            self.0 = rest;
        }
        Poll::Ready(Ok(()))
    }
}

fn ok(status: u16, body: &str, again: bool) -> Result<(u16, String, bool), String> {
    Ok((status, body.to_owned(), again))
}

#[tokio::test]
async fn an_answer_ends_where_its_head_says() {
    for (wire, expected) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", ok(200, "{}", true)),
        ("HTTP/1.1 200\r\nContent-Length: 2\r\nConnection: Close\r\n\r\n{}", ok(200, "{}", false)),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", ok(200, "{}", false)),
        ("HTTP/1.1 200 OK\r\n\r\nuntil the end", ok(200, "until the end", false)),
        ("HTTP/1.1 204 No Content\r\n\r\n", ok(204, "", true)),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", ok(304, "", true)),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 418 x\r\nContent-Length: 0\r\n\r\n", ok(418, "", true)),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n",
            ok(200, "abc", true),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\nX-Sum: 1\r\nX-B: 2\r\n\r\n",
            ok(200, "", true),
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            ok(200, "a", false),
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200", ok(200, "{}", false)),
        ("HTTP/1.1 200 OK\r\nContent-Encoding: Identity\r\nContent-Length: 2\r\n\r\n{}", ok(200, "{}", true)),
    ] {
        assert_eq!(read(wire).await, expected, "{wire:?}");
    }
}

#[tokio::test]
async fn what_has_two_readings_or_is_not_whole_is_no_answer() {
    let long = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(101));
    let head = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(70_000));
    let interim = "HTTP/1.1 103 x\r\n\r\n".repeat(9) + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    for wire in [
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
        "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Encoding: identity, br\r\nContent-Length: 2\r\n\r\n{}",
        &interim,
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/2 200\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n",
        "",
        &long,
        &head,
    ] {
        assert!(read(wire).await.is_err(), "{wire:?}");
    }
}

#[tokio::test]
async fn what_stands_around_a_body_takes_no_room() {
    let chunks = format!("1;{}\r\na\r\n", "x".repeat(8000)).repeat(100);
    let wire = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n");
    let mut buffer = Vec::new();
    let (answer, again) = Reader::new(&mut wire.as_bytes(), &mut buffer, 100).answer().await.unwrap();
    assert_eq!((answer.body.len(), again), (100, true));
    let mut buffer = Vec::new();
    let mut stream = wire.as_bytes();
    let mut reader = Reader::new(&mut stream, &mut buffer, 99);
    assert!(reader.final_head().await.is_ok() && reader.chunks().await.is_err());
    assert!(buffer.capacity() < 4 * MOST_READ, "{} bytes are kept of chunks of one byte", buffer.capacity());
}
