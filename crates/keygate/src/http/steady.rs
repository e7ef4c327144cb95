//! A socket that ends when its other end does not read: an answer nobody takes would hold its place for ever.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

pub struct Steady<S> {
    stream: S,
    patience: Duration,
    /// Since something waits to be written.
    stalled: Option<Pin<Box<Sleep>>>,
    watched: Watched,
}

/// Whether it is watched. What is upgraded has a patience of its own.
#[derive(Clone)]
pub struct Watched(Arc<AtomicBool>);

impl Watched {
    pub fn end(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl<S: AsyncWrite + Unpin> Steady<S> {
    /// Ends what waits for so long without a byte taken.
    pub fn new(stream: S, patience: Duration) -> Self {
        Steady { stream, patience, stalled: None, watched: Watched(Arc::new(AtomicBool::new(true))) }
    }

    pub fn watched(&self) -> Watched {
        self.watched.clone()
    }

    fn progress<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() || !self.watched.0.load(Ordering::Relaxed) {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(self.patience)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Steady<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Steady<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.progress(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.progress(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.progress(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.progress(context, shut)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    fn steady() -> (Steady<DuplexStream>, DuplexStream) {
        let (near, far) = duplex(8);
        (Steady::new(near, Duration::from_millis(200)), far)
    }

    #[tokio::test]
    async fn whoever_does_not_read_loses_the_connection() {
        let (mut near, _far) = steady();
        let error = near.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn whoever_reads_slowly_keeps_it() {
        let (mut near, mut far) = steady();
        let reading = tokio::spawn(async move {
            for _ in 0..8 {
                tokio::time::sleep(Duration::from_millis(50)).await;
                far.read_exact(&mut [0; 8]).await.unwrap();
            }
        });
        near.write_all(&[0; 64]).await.unwrap();
        reading.await.unwrap();
    }

    #[tokio::test]
    async fn what_was_upgraded_is_not_watched_here() {
        let (mut near, _far) = steady();
        near.watched().end();
        let written = tokio::time::timeout(Duration::from_millis(500), near.write_all(&[0; 64])).await;
        assert!(written.is_err(), "it still waits");
    }
}
