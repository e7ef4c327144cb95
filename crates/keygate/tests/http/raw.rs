//! Bytes on a socket, for requests that no client library would send.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::api::Api;

/// Sends these bytes and reads until the server closes or falls silent. Gives status and body; no status if
/// the connection was closed without an answer.
pub async fn send(api: &Api, bytes: &[u8]) -> (Option<u16>, String) {
    let address = api.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may close before it has read all of it.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let patience = std::time::Duration::from_millis(1500);
    let mut chunk = [0; 4096];
    loop {
        match tokio::time::timeout(patience, stream.read(&mut chunk)).await {
            Ok(Ok(length)) if length > 0 => answer.extend_from_slice(&chunk[..length]),
            _ => break,
        }
        if complete(&answer) {
            break;
        }
    }
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status, text.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned())
}

/// The host of a server as it stands in `Host`.
pub fn host(api: &Api) -> &str {
    api.base.strip_prefix("http://").unwrap()
}

fn complete(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    length.and_then(|length| length.parse::<usize>().ok()).is_some_and(|length| body.len() >= length)
}
