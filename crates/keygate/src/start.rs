//! Starting and stopping a server: sockets, database, keys, application, background work, in this order, so
//! that whatever cannot work says so before anything is changed.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use demo_exchange::DemoExchange;
use exchange::Exchanges;
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    app::App,
    audit::Checkpoints,
    clock::Clock,
    cluster::{self, Cluster},
    config::{Config, Database},
    db::{Boot, Db, LOGINS, Settings, Sizes, prepare_cluster},
    error::Fatal,
    gateway::{self, Gate, record},
    http::{self, Listener, Site},
    job,
    key_ring::{self, root},
    risk::Watch,
    upstream::Upstream,
    user,
};

/// A server that is up. Stop it with [`Server::stop`]; dropping it ends the private cluster too.
pub struct Server {
    pub app: Arc<App>,
    pub addresses: Vec<std::net::SocketAddr>,
    /// Where to make the owner's account, if there is none yet.
    pub setup_link: Option<String>,
    pub demo: Option<demo_exchange::Running>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
    jobs: JoinHandle<()>,
    /// Starts our own database again when it ends by itself.
    keeper: Option<JoinHandle<()>>,
    database: Store,
}

/// The settings of the database, and its server when it is ours.
pub struct Store {
    pub settings: Settings,
    pub cluster: Option<Arc<Cluster>>,
}

/// Brings everything up. With `demo` the pretend exchange runs too, as the environment `practice`.
pub async fn start(config: Config, clock: Clock, demo: bool) -> Result<Server, Fatal> {
    let listener = Listener::bind(&config.listen).await?;
    make_data_dir(&config.data_dir)?;
    let database = open_database(&config).await?;
    start_with(config, clock, demo, listener, database).await
}

/// The same on a database that is there already.
pub async fn start_with(
    mut config: Config,
    clock: Clock,
    demo: bool,
    listener: Listener,
    database: Store,
) -> Result<Server, Fatal> {
    config.name_itself(listener.addresses().first().map_or(0, std::net::SocketAddr::port));
    let mut boot = Boot::connect(&database.settings).await?;
    boot.migrate().await?;
    let root = root::load(&config, key_ring::is_new(&mut boot).await?)?;
    // The settings live as long as the server; the master key shall not stand in them. Freed memory is wiped.
    drop(std::mem::take(&mut config.master_key.value));
    let (keys, context_key) = key_ring::open(&mut boot, root.as_ref(), &clock).await?;
    boot.install_context_key(context_key.expose()).await?;
    let demo = match demo {
        true => Some(start_demo().await?),
        false => None,
    };
    let (queue, writer) = record::queue();
    let (ledger, ledger_writer) = gateway::ledger();
    let origin = demo.as_ref().map_or_else(|| config.demo.origin.clone(), demo_exchange::Running::url);
    let environment = if origin.is_empty() { "production" } else { PRACTICE };
    let app = Arc::new(App {
        db: Db::connect(&database.settings, context_key.expose()),
        keys,
        exchanges: exchanges(&origin)?,
        upstream: Upstream::new(&config.gateway)?,
        gate: Gate::new(&config, listener.addresses(), queue, ledger, environment.to_owned()),
        checkpoints: Checkpoints::new(config.checkpoints_path()),
        risk: Watch::new(&config.geoip),
        config,
        clock,
        has_owner: AtomicBool::new(false),
    });
    let setup_link = match user::is_set_up(&app).await.map_err(|error| Fatal::new(error.to_string(), ""))? {
        true => None,
        false => Some(
            user::make_setup_link(&app.config.public_url, &app.clock, &mut boot)
                .await
                .map_err(|error| Fatal::new(error.to_string(), ""))?,
        ),
    };
    boot.close().await?;
    tokio::spawn(writer.run(app.clone()));
    tokio::spawn(ledger_writer.run(app.clone()));
    let (stop, stopped) = watch::channel(false);
    let addresses = listener.addresses();
    let jobs = tokio::spawn(job::run(app.clone(), stopped.clone()));
    let keeper = database.cluster.clone().map(|cluster| tokio::spawn(keep(cluster, stopped.clone())));
    let serving = tokio::spawn(http::serve(listener, Site::new(app.clone()), stopped));
    Ok(Server { app, addresses, setup_link, demo, stop, serving, jobs, keeper, database })
}

impl Server {
    /// Stops accepting, ends streams, lets running requests end, writes what is queued, and stops the database.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        self.app.gate.streams.close().await;
        let _ = self.serving.await;
        let _ = self.jobs.await;
        self.app.gate.under_way.end().await;
        if let Some(keeper) = self.keeper {
            let _ = keeper.await;
        }
        self.app.gate.ledger.flush().await;
        self.app.gate.records.flush().await;
        self.app.db.close().await;
        drop(self.database);
    }

    /// False once the private database has ended and does not start again; there is nothing left to serve then.
    pub fn database_runs(&self) -> bool {
        self.keeper.as_ref().is_none_or(|keeper| !keeper.is_finished())
    }
}

/// Starts our own database again whenever it has ended by itself, until told to stop, or until it cannot be started.
/// Meanwhile nothing can be recorded, so nothing is signed.
async fn keep(cluster: Arc<Cluster>, mut stop: watch::Receiver<bool>) {
    let mut failures = 0;
    while failures < MOST_FAILURES {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(LOOK * (1 + 10 * failures)) => {}
        }
        if cluster.is_running() {
            continue;
        }
        tracing::error!("the private PostgreSQL has ended; it is started again");
        let own = cluster.clone();
        let revived = tokio::task::spawn_blocking(move || own.revive()).await;
        match revived
            .map_err(|error| error.to_string())
            .and_then(|done| done.map_err(|error| error.to_string()))
        {
            Ok(()) => failures = 0,
            Err(error) => {
                tracing::error!(error, "the private PostgreSQL does not start");
                failures += 1;
            }
        }
    }
}

/// The configured database, or our own.
pub async fn open_database(config: &Config) -> Result<Store, Fatal> {
    let (settings, cluster) = match config.database.url.is_empty() {
        false => (Settings::external(&config.database.url, None)?, None),
        true => {
            let cluster = start_cluster(config).await??;
            (prepare_cluster(&cluster, "keygate").await?, Some(Arc::new(cluster)))
        }
    };
    Ok(Store { settings: settings.with_sizes(sizes(&config.database)), cluster })
}

/// The same for a short errand: when a running server holds our own database, by the socket of that server.
pub async fn reach_database(config: &Config) -> Result<Store, Fatal> {
    if !config.database.url.is_empty() {
        return open_database(config).await;
    }
    match start_cluster(config).await? {
        Ok(cluster) => Ok(Store {
            settings: prepare_cluster(&cluster, "keygate").await?,
            cluster: Some(Arc::new(cluster)),
        }),
        Err(cluster::Error::InUse { directory, .. }) => {
            Ok(Store { settings: Settings::socket(&directory, "keygate"), cluster: None })
        }
        Err(error) => Err(error.into()),
    }
}

/// The same for an errand that looks at what is there, and must not make it.
pub async fn reach_existing_database(config: &Config) -> Result<Store, Fatal> {
    let (_, made_by) = cluster::versions(&config.data_dir.join("postgres"));
    if config.database.url.is_empty() && made_by.is_none() {
        return Err(Fatal::new(
            format!("there is no Keygate in {}", config.data_dir.display()),
            "say with --data-dir where the data of its server is",
        ));
    }
    reach_database(config).await
}

/// Outside: the machine's trouble. Inside: what the cluster says.
async fn start_cluster(config: &Config) -> Result<Result<Cluster, cluster::Error>, Fatal> {
    let data = config.data_dir.join("postgres");
    let started = tokio::task::spawn_blocking(move || Cluster::start(&data, &LOGINS)).await;
    started.map_err(|error| Fatal::new(error.to_string(), ""))
}

/// 0700, or 0711 as root: the cluster inside belongs to another user, who has to pass through.
pub fn make_data_dir(dir: &Path) -> Result<(), Fatal> {
    let failed = |error: std::io::Error| {
        Fatal::new(
            format!("the data directory {}: {error}", dir.display()),
            "choose another one with --data-dir",
        )
    };
    if !dir.is_dir() {
        fs::create_dir_all(dir).map_err(failed)?;
        let mode = if cluster::is_root() { 0o711 } else { 0o700 };
        fs::set_permissions(dir, fs::Permissions::from_mode(mode)).map_err(failed)?;
    }
    Ok(())
}

async fn start_demo() -> Result<demo_exchange::Running, Fatal> {
    DemoExchange::start_demo()
        .await
        .map_err(|error| Fatal::new(format!("the demo exchange cannot start: {error}"), ""))
}

/// The exchanges, and where the demo exchange's page is known, each with its demo as the environment `practice`.
fn exchanges(demo: &str) -> Result<Exchanges, Fatal> {
    let exchanges = Exchanges::builtin();
    if demo.is_empty() {
        return Ok(exchanges);
    }
    let wrong = |error: String| {
        let help = "demo.origin is the address that the demo exchange prints first: http://127.0.0.1:PORT";
        Fatal::new(format!("the demo exchange cannot be used: {error}"), help)
    };
    let (host, port) = demo.rsplit_once(':').ok_or_else(|| wrong(format!("{demo} has no port")))?;
    let port = port.parse().map_err(|error| wrong(format!("{demo}: {error}")))?;
    let origin = |id: &str| demo_exchange::port(port, id).map(|port| format!("{host}:{port}"));
    exchanges.with_environment(PRACTICE, origin).map_err(|error| wrong(error.to_string()))
}

fn sizes(config: &Database) -> Sizes {
    Sizes {
        app: config.app_connections,
        gateway: config.gateway_connections,
        jobs: config.job_connections,
        ..Sizes::default()
    }
}

/// How often to look whether our database runs.
const LOOK: Duration = Duration::from_millis(50);
/// One after the other; then whoever watches over this process has to know.
const MOST_FAILURES: u32 = 10;

/// The environment of the built-in demo exchange.
pub const PRACTICE: &str = "practice";
