//! Where the server listens, what it is called, and whom it believes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use ipnet::{IpNet, Ipv4Net};

use super::public_url::PublicUrl;
use super::reader::{Fallback, Reader, Setting};
use super::secret::{self, MasterSecret};

pub const SETTINGS: &[Setting] = &[
    Setting::new(
        "LATCHKEY_ENV",
        Fallback::Text("production"),
        "`production`, or `development`: adds the mailbox and the demo person and allows plain HTTP on loopback.",
    ),
    Setting::new(
        "LATCHKEY_SECRET",
        Fallback::Explained("required; in development kept beside an SQLite file, or in the PostgreSQL database"),
        "Where every key comes from or is sealed with: 32 characters or more, the same on all servers.",
    ),
    Setting::new(
        "LATCHKEY_CONFIG",
        Fallback::Text("latchkey.toml"),
        "The settings file; environment variables win over it.",
    ),
    Setting::new(
        "PUBLIC_URL",
        Fallback::Explained("required in production; in development `http://` and `LEPTOS_SITE_ADDR`"),
        "The address people and apps use, without a path; `https` in production.",
    )
    .compared(|config| config.server.public_url.origin().to_owned()),
    Setting::new(
        "LEPTOS_SITE_ADDR",
        Fallback::Text("127.0.0.1:3000"),
        "Address and port to listen on; port 0 takes any free one.",
    ),
    Setting::new(
        "PORT",
        Fallback::Text(""),
        "Where `LEPTOS_SITE_ADDR` is not set: the port to listen on, on all addresses in production, on loopback in development. Platforms set it.",
    ),
    Setting::new(
        "LEPTOS_SITE_ROOT",
        Fallback::Explained("`site` beside the program, or one folder up"),
        "The folder of the built web app.",
    ),
    Setting::new(
        "SERVER_ID",
        Fallback::Explained("host name and a random suffix"),
        "The name of this server in logs, health and metrics; differs on each server.",
    ),
    Setting::new(
        "LATCHKEY_SERVER_URL",
        Fallback::Explained("the address it listens on, if other machines reach it there"),
        "Where this very server is reached past the load balancer, such as `http://10.0.0.11:3000`; `latchkey doctor` asks it there.",
    ),
    Setting::new(
        "TRUSTED_PROXIES",
        Fallback::Text(""),
        "Addresses or networks of load balancers, with commas; only their `X-Forwarded-For`, `Forwarded` and `X-Request-Id` are believed.",
    ),
    Setting::new(
        "CORS_ORIGINS",
        Fallback::Text(""),
        "Origins of other web apps that may call the API with a bearer token, with commas, spelled exactly.",
    ),
];

/// What the server is run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// On one's own machine: mailbox, demo user, plain HTTP on loopback.
    Development,
    Production,
}

/// Where the server listens, what it is called, and whom it believes.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// What the server is run for.
    pub environment: Environment,
    /// Where every key comes from.
    pub secret: MasterSecret,
    /// The name of this server among its fellows.
    pub server_id: String,
    pub listen: SocketAddr,
    /// The address users use.
    pub public_url: PublicUrl,
    /// Where this very server is reached, as it was set.
    server_url: Option<PublicUrl>,
    /// The folder of the built web app, where it is set.
    pub site_root: Option<PathBuf>,
    /// Whose forwarding headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Which other origins' scripts may call the API.
    pub cors_origins: Vec<String>,
    /// Whether the public URL follows from the address listened on.
    public_url_follows_listen: bool,
}

impl ServerConfig {
    pub(super) fn read(reader: &mut Reader, data_folder: &Path) -> Self {
        let environment = reader
            .read("LATCHKEY_ENV", |text| match text {
                "development" => Ok(Environment::Development),
                "production" => Ok(Environment::Production),
                _ => Err("must be development or production".to_owned()),
            })
            .unwrap_or(Environment::Development);
        let listen = read_listen(reader, environment);
        if environment == Environment::Development && !listen.ip().to_canonical().is_loopback() {
            reader.refuse(
                "LEPTOS_SITE_ADDR",
                "development listens on loopback only (127.0.0.1 or [::1]): its demo password is known to all",
            );
        }
        Self {
            environment,
            secret: secret::read_master(reader, environment, data_folder),
            server_id: reader.read("SERVER_ID", parse_server_id).unwrap_or_else(|| "latchkey".to_owned()),
            listen,
            public_url: read_public_url(reader, environment, listen),
            server_url: reader.read("LATCHKEY_SERVER_URL", PublicUrl::parse),
            site_root: reader.read("LEPTOS_SITE_ROOT", |text| Ok(PathBuf::from(text))),
            trusted_proxies: read_proxies(reader),
            cors_origins: reader.list("CORS_ORIGINS", |text| parse_origin(text, environment)),
            public_url_follows_listen: !reader.is_given("PUBLIC_URL"),
        }
    }

    pub fn is_development(&self) -> bool {
        self.environment == Environment::Development
    }

    /// The address at which this very server is reached, past any load balancer, where that is known.
    pub fn own_url(&self) -> Option<PublicUrl> {
        let listens = self.listen.ip().to_canonical();
        let is_reached = !listens.is_unspecified() && !listens.is_loopback();
        self.server_url.clone().or_else(|| is_reached.then(|| PublicUrl::of_listener(self.listen)))
    }

    /// Takes the address that was really bound, which differs where port 0 was asked for.
    pub fn bound_to(&mut self, listen: SocketAddr) {
        self.listen = listen;
        if self.public_url_follows_listen {
            self.public_url = PublicUrl::of_listener(listen);
        }
    }
}

pub(super) fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numeric
        .as_deref()
        .unwrap_or(text)
        .parse()
        .map_err(|_| "must be an IP address and a port, such as 127.0.0.1:3000".to_owned())
}

fn parse_server_id(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.len() <= 64 && text.chars().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err("must be at most 64 letters, digits, hyphens, dots or underscores".to_owned())
    }
}

/// Where to listen. On all addresses of both families where only a port is given: what the platform sends in may come
/// by either.
fn read_listen(reader: &mut Reader, environment: Environment) -> SocketAddr {
    let stand_in = || SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    if reader.is_given("LEPTOS_SITE_ADDR") || !reader.is_given("PORT") {
        return reader.read("LEPTOS_SITE_ADDR", parse_listen).unwrap_or_else(stand_in);
    }
    let port = reader
        .read("PORT", |text| text.parse::<u16>().map_err(|_| "must be a whole number from 0 to 65535".to_owned()));
    let ip = match environment {
        Environment::Production => IpAddr::from(Ipv6Addr::UNSPECIFIED),
        Environment::Development => Ipv4Addr::LOCALHOST.into(),
    };
    port.map_or_else(stand_in, |port| (ip, port).into())
}

/// Whom to believe. Never everybody: whoever asks could then say where they come from, and pass every limit on tries.
fn read_proxies(reader: &mut Reader) -> Vec<IpNet> {
    let networks = reader.list("TRUSTED_PROXIES", parse_network);
    // Two halves of the world are the world.
    if let Some(wide) = IpNet::aggregate(&networks).iter().find(|network| is_too_wide(network)) {
        let message = format!("trusts {wide}, which anybody may be in: name the addresses of your load balancers");
        reader.refuse("TRUSTED_PROXIES", message);
    }
    networks
}

/// Whether a network is wider than any that is given to one owner, or kept for private use.
fn is_too_wide(network: &IpNet) -> bool {
    match network {
        // In the first one of all is nobody, and it stands for everybody.
        IpNet::V4(network) => network.prefix_len() < 8 || network.network().octets()[0] == 0,
        IpNet::V6(network) if network.network().is_unspecified() => true,
        IpNet::V6(network) => {
            let first = network.network().segments()[0];
            let private = network.prefix_len() >= 7 && first & 0xfe00 == 0xfc00;
            let link_local = network.prefix_len() >= 10 && first & 0xffc0 == 0xfe80;
            // All of IPv4, as gateways write it (RFC 6052) and 6to4 does (RFC 3056).
            let of_gateways = first == 0x64 && network.network().segments()[1] == 0xff9b && network.prefix_len() < 104;
            let six_to_four = first == 0x2002 && network.prefix_len() < 24;
            (network.prefix_len() < 19 && !private && !link_local) || of_gateways || six_to_four
        }
    }
}

fn parse_network(text: &str) -> Result<IpNet, String> {
    let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let network = network.map_err(|_| "is neither an IP address nor a network such as 10.0.0.0/8".to_owned())?;
    Ok(unmapped(network).trunc())
}

/// An IPv4 network written as IPv6 is the IPv4 network: that is how addresses are compared.
fn unmapped(network: IpNet) -> IpNet {
    let IpNet::V6(six) = network else { return network };
    let four = six.addr().to_ipv4_mapped().zip(six.prefix_len().checked_sub(96));
    four.and_then(|(four, length)| Ipv4Net::new(four, length).ok()).map_or(network, IpNet::V4)
}

fn parse_origin(text: &str, environment: Environment) -> Result<String, String> {
    let url = PublicUrl::parse(text)?;
    if url.origin() != text {
        return Err(format!("is not how browsers spell an origin; write {}", url.origin()));
    }
    if environment == Environment::Production && !url.is_https() {
        return Err("must be https in production".to_owned());
    }
    Ok(text.to_owned())
}

fn read_public_url(reader: &mut Reader, environment: Environment, listen: SocketAddr) -> PublicUrl {
    let stand_in = PublicUrl::of_listener(listen);
    if environment == Environment::Production && !reader.is_given("PUBLIC_URL") {
        reader.refuse(
            "PUBLIC_URL",
            "is required in production: the https address people use, such as https://id.example.com",
        );
        return stand_in;
    }
    reader
        .read("PUBLIC_URL", |text| {
            let url = PublicUrl::parse(text)?;
            match environment {
                _ if url.is_https() => Ok(url),
                Environment::Production => {
                    Err("must be https in production: over plain HTTP anyone on the way can sign in as anyone"
                        .to_owned())
                }
                Environment::Development if url.is_loopback() => Ok(url),
                Environment::Development => Err("may be plain http only on loopback (localhost, 127.0.0.1)".to_owned()),
            }
        })
        .unwrap_or(stand_in)
}
