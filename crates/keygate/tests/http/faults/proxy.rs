//! Between Keygate and the pretend exchange: passes everything on, and lets a chosen request, or the next connection, meet
//! what networks and the servers in front of exchanges do.

use std::{
    io,
    net::{SocketAddr, TcpListener as Bound},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinHandle,
    time::timeout,
};

/// Stands in front of some exchanges of one pretend exchange.
pub struct Proxy {
    /// Where its page would be: the ports behind it count.
    first: u16,
    doors: Vec<Door>,
    shared: Arc<Shared>,
}

/// One exchange.
struct Door {
    port: u16,
    target: u16,
    accepting: Mutex<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    armed: Mutex<Vec<(String, Fault)>>,
    next: Mutex<Option<usize>>,
    connections: Mutex<Vec<JoinHandle<()>>>,
}

/// What a request meets.
#[derive(Clone, Copy)]
pub struct Fault {
    /// Whether the exchange gets it.
    pub carried_out: bool,
    /// What happens on the connection then; the true answer is given, or an empty one.
    pub script: fn(&Answer) -> Vec<Step>,
}

/// The bytes of an answer.
#[derive(Default)]
pub struct Answer {
    pub head: Vec<u8>,
    pub body: Vec<u8>,
    /// Everything of the request, which careless servers repeat.
    pub request: Vec<u8>,
}

pub enum Step {
    Send(Vec<u8>),
    /// One byte after the other, with so many milliseconds between them.
    Drip(Vec<u8>, u64),
    Endless(Vec<u8>),
    /// For so many milliseconds.
    Pause(u64),
    /// Says nothing more, and keeps the connection open.
    Silence,
    Close,
    Reset,
    /// The connection goes on.
    Stay,
}

impl Answer {
    pub fn bytes(&self) -> Vec<u8> {
        [self.head.as_slice(), self.body.as_slice()].concat()
    }
}

impl Proxy {
    /// In front of these exchanges of the one that has its page at `origin`.
    pub fn before(origin: &str, exchanges: &[&str]) -> Proxy {
        let page: u16 = origin.rsplit(':').next().unwrap().parse().unwrap();
        let (first, bound) = row(exchanges);
        let shared = Arc::new(Shared::default());
        let doors = exchanges.iter().zip(bound).map(|(exchange, bound)| {
            let target = demo_exchange::port(page, exchange).unwrap();
            Door {
                port: bound.local_addr().unwrap().port(),
                target,
                accepting: Mutex::new(accept(bound, target, &shared)),
            }
        });
        Proxy { first, doors: doors.collect(), shared }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.first)
    }

    /// The next request that holds this text meets the fault.
    pub fn arm(&self, text: &str, fault: Fault) {
        lock(&self.shared.armed).push((text.to_owned(), fault));
    }

    /// The next connection is reset when so many bytes of its first request have come. Those that are open are closed.
    pub fn reset_next_at(&self, bytes: usize) {
        *lock(&self.shared.next) = Some(bytes);
        self.hang_up();
    }

    /// Nobody listens any more.
    pub fn stop(&self) {
        self.doors.iter().for_each(|door| lock(&door.accepting).abort());
        self.hang_up();
    }

    /// Listens again, on the same ports.
    pub fn start(&self) {
        for door in &self.doors {
            let bound = Bound::bind(("127.0.0.1", door.port)).unwrap();
            *lock(&door.accepting) = accept(bound, door.target, &self.shared);
        }
    }

    /// Whoever connects from now on waits, until this is dropped and the proxy starts again.
    pub async fn crowd(&self) -> Crowd {
        self.stop();
        let mut crowd = Crowd(Vec::new(), Vec::new());
        for door in &self.doors {
            let address = SocketAddr::from(([127, 0, 0, 1], door.port));
            crowd.0.push(full(address).await);
            while let Ok(waiting) = timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
                crowd.1.extend(waiting);
            }
        }
        crowd
    }

    fn hang_up(&self) {
        lock(&self.shared.connections).drain(..).for_each(|connection| connection.abort());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Sockets that nobody is let in at, and those who fill them.
pub struct Crowd(Vec<TcpListener>, Vec<TcpStream>);

/// A socket with hardly any room for those who wait, once its port is free.
async fn full(address: SocketAddr) -> TcpListener {
    loop {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        if socket.bind(address).is_ok()
            && let Ok(listener) = socket.listen(1)
        {
            return listener;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Ports that lie to each other as the exchanges' do.
fn row(exchanges: &[&str]) -> (u16, Vec<Bound>) {
    for _ in 0..100 {
        let own = Bound::bind("127.0.0.1:0").unwrap();
        let place = demo_exchange::port(0, exchanges[0]).unwrap();
        let first = own.local_addr().unwrap().port() - place;
        let others = exchanges[1..].iter().map(|exchange| {
            demo_exchange::port(first, exchange)
                .ok_or(io::ErrorKind::AddrInUse.into())
                .and_then(|port| Bound::bind(("127.0.0.1", port)))
        });
        if let Ok(others) = others.collect::<Result<Vec<_>, io::Error>>() {
            return (first, std::iter::once(own).chain(others).collect());
        }
    }
    panic!("no free row of ports");
}

fn accept(bound: Bound, target: u16, shared: &Arc<Shared>) -> JoinHandle<()> {
    bound.set_nonblocking(true).unwrap();
    let (listener, shared) = (TcpListener::from_std(bound).unwrap(), shared.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let serving = tokio::spawn(serve(stream, target, shared.clone()));
            lock(&shared.connections).push(serving);
        }
    })
}

/// Whatever goes wrong on a connection ends it, as on the real ones.
async fn serve(mut stream: TcpStream, target: u16, shared: Arc<Shared>) {
    let next = lock(&shared.next).take();
    if let Some(bytes) = next {
        let mut read = vec![0; bytes];
        let _ = stream.read_exact(&mut read).await;
        return reset(stream);
    }
    while let Ok(Some(request)) = message(&mut stream).await {
        let fault = shared.met_by(&request);
        let carried_out = fault.is_none_or(|fault| fault.carried_out);
        let answer = match carried_out {
            true => carry_out(target, request).await.unwrap(),
            false => Answer { request: whole(&request), ..Answer::default() },
        };
        let steps = match fault {
            Some(fault) => (fault.script)(&answer),
            None => vec![Step::Send(answer.bytes()), Step::Stay],
        };
        for step in steps {
            match play(&mut stream, step).await {
                Ok(true) => {}
                Ok(false) => return reset(stream),
                Err(_) => return,
            }
        }
    }
}

/// `false`: the connection is to be reset; an error: it has ended.
async fn play(stream: &mut TcpStream, step: Step) -> io::Result<bool> {
    match step {
        Step::Send(bytes) => stream.write_all(&bytes).await?,
        Step::Drip(bytes, ms) => {
            for byte in bytes {
                stream.write_all(&[byte]).await?;
                tokio::time::sleep(Duration::from_millis(ms)).await;
            }
        }
        Step::Endless(bytes) => loop {
            stream.write_all(&bytes).await?;
        },
        Step::Pause(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
        Step::Silence => drop(stream.read(&mut [0; 1]).await?),
        Step::Close => return Err(io::ErrorKind::ConnectionAborted.into()),
        Step::Reset => return Ok(false),
        Step::Stay => {}
    }
    Ok(true)
}

impl Shared {
    fn met_by(&self, request: &(Vec<u8>, Vec<u8>)) -> Option<Fault> {
        let text = String::from_utf8_lossy(&whole(request)).into_owned();
        let mut armed = lock(&self.armed);
        let place = armed.iter().position(|(own, _)| text.contains(own))?;
        Some(armed.remove(place).1)
    }
}

async fn carry_out(target: u16, request: (Vec<u8>, Vec<u8>)) -> io::Result<Answer> {
    let mut exchange = TcpStream::connect(("127.0.0.1", target)).await?;
    let request = whole(&request);
    exchange.write_all(&request).await?;
    let (head, body) = message(&mut exchange).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(Answer { head, body, request })
}

/// Head and body of a message with a length; nothing at the end.
async fn message(stream: &mut TcpStream) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        match stream.read(&mut byte).await? {
            0 => return Ok(None),
            _ => head.push(byte[0]),
        }
    }
    let text = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await?;
    Ok(Some((head, body)))
}

fn whole((head, body): &(Vec<u8>, Vec<u8>)) -> Vec<u8> {
    [head.as_slice(), body.as_slice()].concat()
}

fn reset(stream: TcpStream) {
    let _ = stream.set_zero_linger();
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
