//! The application: its parts put together, from settings to a bound listener. The tests use it as it is.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use types::domain::Timestamp;

use crate::area::{Background, BuildError, Parts};
use crate::auth::action_limits::ActionLimits;
use crate::auth::keys::{KeyError, KeyRing, make_key};
use crate::auth::secrets::{CryptoFailure, Keys};
use crate::auth::tokens::AccessTokens;
use crate::clock::{Clock, DatabaseClock};
use crate::config::Config;
use crate::context::Context;
use crate::events::{
    self, Bus, BusParts, BusStatus, Events, InProcess, PostgresNotify, Redis, RedisConnection, Transport,
    TransportError, bus,
};
use crate::http::browser::BrowserCookie;
use crate::http::cookies::RefreshCookie;
use crate::http::csrf::SameOrigin;
use crate::http::exposition;
use crate::http::middleware::{Edge, Instruments};
use crate::http::proxies::TrustedProxies;
use crate::http::recent_proof::StepUp;
use crate::http::routes::Route;
use crate::http::serve;
use crate::http::state::{ApiState, Shared};
use crate::jobs::Worker;
use crate::lifecycle::Tasks;
use crate::metrics::{HttpMetrics, Metrics, ProcessMetrics, RouteNames};
use crate::random::{OsRandom, Random, uuid_v7};
use crate::registry::{Disagreement, JoinError, Registry};
use crate::store::{self, Store, StoreError};
use crate::traces::{TraceError, Traces};
use crate::{AREAS, areas};

/// Time and randomness, which tests replace.
#[derive(Clone)]
pub struct ClockAndRandom {
    pub clock: Arc<dyn Clock>,
    /// Ids, secrets and nonces.
    pub random: Arc<dyn Random>,
}

impl ClockAndRandom {
    /// The database's time and the machine's chance.
    pub fn system() -> Self {
        Self { clock: Arc::new(DatabaseClock::new()), random: Arc::new(OsRandom) }
    }
}

impl ClockAndRandom {
    /// Asks a database what time it is there.
    pub async fn set_clock(&self, store: &Store) -> Result<(), StoreError> {
        let asked = self.clock.monotonic();
        self.clock.database_says(store.maintenance().time().await?, asked);
        Ok(())
    }
}

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be used.
    #[error("the database cannot be used")]
    Store(#[from] StoreError),
    /// Other servers run on the same database that have other settings.
    #[error("this server cannot run beside the others")]
    Disagreement(#[from] Disagreement),
    /// Migrations are to be run, and the settings say not to.
    #[error("the database is not up to date: run `latchkey migrate`")]
    MigrationsPending,
    /// The signing keys cannot be used.
    #[error("the signing keys cannot be used")]
    Key(#[from] KeyError),
    /// The secret cannot be read or made.
    #[error("the secret cannot be read or made")]
    Secret(#[source] std::io::Error),
    /// A cipher failed.
    #[error(transparent)]
    Crypto(#[from] CryptoFailure),
    /// An area could not be put together.
    #[error(transparent)]
    Area(BuildError),
    /// Traces cannot be exported.
    #[error(transparent)]
    Traces(#[from] TraceError),
    /// The bus cannot be used.
    #[error("REDIS_URL cannot be used")]
    Bus(#[source] TransportError),
    /// The address cannot be listened on.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
}

impl From<JoinError> for StartError {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::Disagreement(disagreement) => disagreement.into(),
            JoinError::Store(error) => error.into(),
        }
    }
}

impl From<BuildError> for StartError {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Store(error) => error.into(),
            error @ BuildError::Part { .. } => Self::Area(error),
        }
    }
}

impl StartError {
    /// Whether the same start may succeed in a moment, without anybody having mended anything but the database server.
    pub fn may_pass_by_itself(&self) -> bool {
        matches!(self, Self::Store(error) if error.may_pass_by_itself())
    }
}

/// A server that is ready to serve.
pub struct Application {
    config: Config,
    listener: TcpListener,
    address: SocketAddr,
    metrics_listener: Option<TcpListener>,
    traces: Option<Arc<Traces>>,
    registry: Arc<Registry>,
    state: ApiState,
    bus: Bus,
}

impl Application {
    /// Puts a server together: database, keys, the live revocations, and a bound address.
    pub async fn build(mut config: Config, parts: ClockAndRandom) -> Result<Self, StartError> {
        let store = Box::pin(open_store(&config)).await?;
        parts.set_clock(&store).await?;
        let ClockAndRandom { clock, random } = parts.clone();
        let secret = master_secret(&config, &store, &*random).await?;
        let keys = Arc::new(Keys::derive(secret.expose_secret())?);
        let key_ring = load_keys(&store, &keys, &*random, clock.now()).await?;
        let (listener, address) = listen(config.server.listen).await?;
        config.server.bound_to(address);
        let metrics_listener = listen_for_metrics(&config).await?;
        let metrics = Arc::new(Metrics::new(Arc::clone(&clock)));
        metrics.declare(&areas::metrics());
        let me = uuid_v7(&*clock, &*random);
        let registry = Arc::new(Registry::new(store.clone(), Arc::clone(&clock), me, &config, &keys));
        let traces = Traces::start(&config.observe, &config.server.server_id, &metrics)?.map(Arc::new);

        let redis = redis_connection(&config)?;
        let (bus_sender, bus) = bus(BusParts {
            transports: transports(redis.as_ref(), &store, &keys),
            me,
            message_key: keys.bus_message_key(config.server.public_url.origin()),
            clock: Arc::clone(&clock),
        });
        let events = Arc::new(Events::new(bus_sender));
        let context = context(&parts, &store, &keys, &metrics, &events);
        let bus_status = bus.status();
        show_metrics(&context, &bus_status);
        Box::pin(registry.join()).await?;
        let mut areas = Parts::default();
        areas.insert(Arc::new(access_tokens(&config, &key_ring)));
        areas.insert(key_ring);
        areas.insert(Arc::clone(&registry));
        areas.insert(bus_status);
        if let Some(redis) = redis {
            areas.insert(redis);
        }
        areas.insert(Arc::new(areas::ALL));
        for area in AREAS {
            if let Err(error) = (area.build)(&context, &config, &mut areas).await {
                // A server that does not start must not prevent another from starting with other settings.
                registry.leave().await;
                return Err(error.into());
            }
        }
        let state = ApiState::new(shared(&config, context, areas));
        Ok(Self { config, listener, address, metrics_listener, traces, registry, state, bus })
    }

    /// Where it listens: the port is a real one even where the settings said 0.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the metrics have a listener of their own.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_listener.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// The routes that it serves, and what each needs.
    pub fn routes(&self) -> Vec<Route> {
        let (_, mut routes) = areas::router(&self.state, &self.config, &mut RouteNames::default());
        if self.metrics_listener.is_some() {
            routes.extend(exposition::alone(&self.state).1);
        }
        routes
    }

    /// Serves until `stop`, then lets what is under way finish.
    pub async fn serve(self, stop: CancellationToken) -> std::io::Result<()> {
        let Self { config, listener, metrics_listener, traces, registry, state, bus, .. } = self;
        let context = state.context.clone();
        let Context { tasks, store, clock, random, .. } = &context;
        let background = CancellationToken::new();
        tasks.spawn("bus", bus.run(Arc::clone(&context.events), background.clone()));
        tasks.spawn_essential("jobs", Worker::new(&state.context, areas::job_kinds(&state)).run(background.clone()));
        tasks.spawn("server registry", registry.run(background.clone()));

        let areas_background = Background { tasks: tasks.clone(), stop: background.clone() };
        for area in AREAS {
            (area.tasks)(&state, &areas_background);
        }
        if let Some(listener) = metrics_listener {
            let (router, _) = exposition::alone(&state);
            tasks.spawn("metrics", serve_metrics(listener, router, background.clone()));
        }

        let mut names = RouteNames::default();
        let (router, _) = areas::router(&state, &config, &mut names);
        let metrics = state.context.metrics.group::<HttpMetrics>();
        let requests = metrics.count_requests_of(names);
        let stopping = {
            let (state, stop) = (state.clone(), stop.clone());
            async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = state.context.tasks.broken().cancelled() => stop.cancel(),
                }
                // Not ready from now on; open streams end, so that their clients go to another server.
                state.stopping.cancel();
                state.context.events.topics().close_all();
            }
        };
        tasks.spawn("stopping", stopping);
        let instruments = Instruments { metrics, requests, traces: traces.clone() };
        let edge = Edge::new(router, &config, Arc::clone(clock), Arc::clone(random), instruments);
        let limits = serve::Limits {
            an_address: config.limits.connections_an_address,
            unlimited: TrustedProxies::new(config.server.trusted_proxies.clone()),
            ..serve::Limits::default()
        };
        let served = serve::serve(listener, edge, limits, stop).await;
        background.cancel();
        tasks.finish().await;
        store.close().await;
        if let Some(traces) = traces {
            traces.finish().await;
        }
        served
    }
}

/// What every area works with.
fn context(
    ClockAndRandom { clock, random }: &ClockAndRandom,
    store: &Store,
    keys: &Arc<Keys>,
    metrics: &Arc<Metrics>,
    events: &Arc<Events>,
) -> Context {
    Context {
        store: store.clone(),
        clock: Arc::clone(clock),
        random: Arc::clone(random),
        keys: Arc::clone(keys),
        metrics: Arc::clone(metrics),
        events: Arc::clone(events),
        tasks: Tasks::new(),
    }
}

/// What all calls share.
fn shared(config: &Config, context: Context, parts: Parts) -> Shared {
    let is_https = config.server.public_url.is_https();
    let (store, clock) = (context.store.clone(), Arc::clone(&context.clock));
    Shared {
        authenticators: areas::authenticators(&context, &parts),
        step_up: Arc::clone(parts.get::<dyn StepUp>()),
        context,
        cookie: RefreshCookie::new(is_https),
        browser_cookie: BrowserCookie::new(is_https),
        same_origin: SameOrigin::new(config.server.public_url.origin()),
        development: config.server.is_development(),
        action_limits: ActionLimits { enabled: config.limits.rate_limits, store, clock },
        stopping: CancellationToken::new(),
        parts,
    }
}

/// Has metrics set whenever Prometheus asks that are known only then.
fn show_metrics(Context { metrics, store, events, .. }: &Context, bus: &Arc<BusStatus>) {
    metrics.group::<ProcessMetrics>().build.set(store.backend(), bus.name());
    events::show_metrics(metrics, events, bus);
    store::show_metrics(metrics, store);
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let listener = match TcpListener::bind(address).await {
        // All addresses are those of IPv4 where the machine has no others.
        Err(error) if address.ip() == Ipv6Addr::UNSPECIFIED && error.kind() != ErrorKind::AddrInUse => {
            let four = SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port()));
            TcpListener::bind(four).await.map_err(|_| error)
        }
        bound => bound,
    };
    let listener = listener.map_err(|error| StartError::Listen(address, error))?;
    let bound = listener.local_addr().map_err(|error| StartError::Listen(address, error))?;
    Ok((listener, bound))
}

/// Serves the metrics until the rest of the server has stopped, so that its stopping can be observed.
async fn serve_metrics(listener: TcpListener, router: Router, stop: CancellationToken) {
    let limits = serve::Limits { connections: 32, reserved_for_health: 0, ..serve::Limits::default() };
    if let Err(error) = serve::serve(listener, router, limits, stop).await {
        tracing::error!(error = &error as &dyn std::error::Error, "metrics listener stopped");
    }
}

/// The master secret. In development it need not be given: it is kept in a file beside an SQLite database, and in the
/// database where that is a server, because servers may start in any folder and must all have the same.
pub async fn master_secret(config: &Config, store: &Store, random: &dyn Random) -> Result<SecretString, StartError> {
    let secret = &config.server.secret;
    if matches!(store, Store::Postgres(_))
        && let Some(new) = secret.for_database(random).map_err(StartError::Secret)?
    {
        return Ok(store.keys().development_secret(new.expose_secret()).await?.into());
    }
    secret.resolve(random).map_err(StartError::Secret)
}

/// The signing keys; the first server makes the first.
async fn load_keys(
    store: &Store,
    keys: &Keys,
    random: &dyn Random,
    now: Timestamp,
) -> Result<Arc<KeyRing>, StartError> {
    let key_ring = Arc::new(KeyRing::default());
    let rows = store.keys().ensure_signing_key(&make_key(keys, random, now, now)?).await?;
    key_ring.load(keys, &rows)?;
    Ok(key_ring)
}

async fn listen_for_metrics(config: &Config) -> Result<Option<TcpListener>, StartError> {
    match config.observe.metrics_listen {
        Some(address) => Ok(Some(listen(address).await?.0)),
        None => Ok(None),
    }
}

async fn open_store(config: &Config) -> Result<Store, StartError> {
    let url = config.database.url.expose_secret();
    let store = Store::connect(url, config.database.pool_size).await?;
    if config.database.run_migrations {
        store.migrate().await?;
    } else if !store.maintenance().missing_migrations().await?.is_empty() {
        return Err(StartError::MigrationsPending);
    }
    Ok(store)
}

/// The connection to Redis, where there is one.
fn redis_connection(config: &Config) -> Result<Option<Arc<RedisConnection>>, StartError> {
    let Some(url) = &config.bus.redis_url else { return Ok(None) };
    Ok(Some(Arc::new(RedisConnection::new(url.expose_secret()).map_err(StartError::Bus)?)))
}

/// How messages travel between the servers: over the database where it is shared, and over Redis as well where there is
/// one. By itself in this process where there is neither.
fn transports(redis: Option<&Arc<RedisConnection>>, store: &Store, keys: &Keys) -> Vec<Box<dyn Transport>> {
    let mut transports: Vec<Box<dyn Transport>> = Vec::new();
    if let Some(redis) = redis {
        transports.push(Box::new(Redis::over(Arc::clone(redis), format!("latchkey:{}", keys.installation()))));
    }
    if let Some(database) = store.notifications() {
        transports.push(Box::new(PostgresNotify::new(database)));
    }
    if transports.is_empty() {
        transports.push(Box::new(InProcess::new()));
    }
    transports
}

/// Makes and verifies access tokens, with the permissions of all areas.
pub fn access_tokens(config: &Config, key_ring: &Arc<KeyRing>) -> AccessTokens {
    AccessTokens::new(config.server.public_url.origin().to_owned(), Arc::clone(key_ring), areas::permissions())
}
