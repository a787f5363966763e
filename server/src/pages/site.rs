//! The web app: its pages, rendered here first, and its files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use app::DevelopmentDemo;
use app::house::PAGES;
use app::{App, Files, SentForm, shell};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use client::return_to;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, VARY};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use leptos::nonce::use_nonce;
use leptos::prelude::{LeptosOptions, provide_context, use_context};
use leptos_axum::{LeptosRoutes as _, ResponseOptions, generate_route_list, render_app_to_stream_with_context};
use tower::ServiceExt as _;
use tower_http::CompressionLevel;
use tower_http::compression::{CompressionLayer, Predicate};
use tower_http::services::ServeDir;

use crate::accounts::demo;
use crate::config::{Config, ServerConfig};
use crate::current_request;
use crate::http::cookies::RefreshCookie;
use crate::http::headers::{is_page, page_policy};
use crate::http::problem::ApiError;
use crate::http::routes::{Route, registered};
use crate::metrics::{RouteId, RouteNames};

/// The pages in the table of routes.
pub const AREA: &str = "pages";
/// The name of the built files.
const OUTPUT_NAME: &str = "latchkey";
/// The part of the program that holds the pages of a signed-in user.
const HOUSE: &str = "house";
/// The part that holds the pages of administration.
const ADMIN: &str = "admin";
/// The part that holds rooms.
const ROOMS: &str = "rooms";
/// What several of these parts use, named after their first letters. There is a file for each that holds anything.
const SHARED: [&str; 4] = ["shared-ah", "shared-ahr", "shared-ar", "shared-hr"];
/// The style sheet of the pages of a signed-in user.
const HOUSE_STYLE: &str = "house-style";
/// The style sheet of administration.
const ADMIN_STYLE: &str = "admin-style";
/// The style sheet of rooms.
const ROOMS_STYLE: &str = "rooms-style";
/// Built files that only some pages ask for, with their kinds.
const PARTS: [(&str, &str); 10] = [
    (HOUSE, "wasm"),
    (ADMIN, "wasm"),
    (ROOMS, "wasm"),
    (SHARED[0], "wasm"),
    (SHARED[1], "wasm"),
    (SHARED[2], "wasm"),
    (SHARED[3], "wasm"),
    (HOUSE_STYLE, "css"),
    (ADMIN_STYLE, "css"),
    (ROOMS_STYLE, "css"),
];
/// Where `scripts/build` notes the hashes in the names of built files, beside the program.
const HASH_FILE: &str = "hash.txt";
/// Kinds of files the app consists of. Nothing else is served, whatever may lie in the folder (ASVS 13.4.7).
const KINDS: [&str; 10] = ["css", "ico", "js", "json", "png", "svg", "txt", "wasm", "webmanifest", "woff2"];
/// The socket of `make dev`, where this was built by it.
const RELOAD_PORT: Option<u16> = if option_env!("LEPTOS_WATCH").is_some() { Some(3001) } else { None };

const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// Where the built app lies.
#[derive(Clone, Debug)]
pub struct SiteFiles {
    root: PathBuf,
    /// Whether names carry a hash of their content.
    hashed: bool,
}

impl SiteFiles {
    /// As set, else beside the program or one folder up from it.
    pub fn find(site_root: Option<&Path>) -> Self {
        let beside = beside_program();
        let usual = || [beside.join("site"), beside.join("../site")].into_iter().find(|folder| folder.is_dir());
        let root = site_root.map(Path::to_owned).or_else(usual).unwrap_or_else(|| beside.join("site"));
        let names = built_names();
        if !root.is_dir() {
            tracing::warn!(folder = %root.display(), "web app files missing: pages have neither style nor script");
            return Self { root, hashed: names.is_some() };
        }
        for file in missing(&root, names.as_deref()) {
            tracing::error!(
                file = %file.display(),
                names = %beside.join(HASH_FILE).display(),
                names_found = names.is_some(),
                "web app file missing: pages go without it. Program, names and files must be of one build"
            );
        }
        Self { root, hashed: names.is_some() }
    }

    /// The built files that pages ask for.
    fn names(&self) -> Files {
        let names = if self.hashed { built_names() } else { None };
        let file = |part| format!("/{}", built_file(part, names.as_deref()));
        let shared = SHARED.into_iter().map(|part| built_file(part, names.as_deref()));
        let shared = shared.filter(|file| self.root.join(file).is_file()).map(|file| format!("/{file}"));
        Files {
            style: file("css"),
            script: file("js"),
            program: file("wasm"),
            house: file(HOUSE),
            admin: file(ADMIN),
            rooms: file(ROOMS),
            shared: shared.collect::<Vec<_>>().join(" "),
            house_style: file(HOUSE_STYLE),
            admin_style: file(ADMIN_STYLE),
            rooms_style: file(ROOMS_STYLE),
            is_of_house: false,
            at_once: false,
        }
    }

    fn options(&self, config: &ServerConfig) -> LeptosOptions {
        LeptosOptions::builder()
            .output_name(OUTPUT_NAME)
            .site_root(self.root.to_string_lossy())
            .site_pkg_dir("pkg")
            .site_addr(config.listen)
            .hash_files(self.hashed)
            .build()
    }

    /// The file that a path names, if it is one of the app's.
    async fn serve(&self, request: Request) -> Option<Response> {
        let path = request.uri().path().to_owned();
        let kind = path.rsplit_once('.').map(|(_, kind)| kind)?;
        let reading = matches!(*request.method(), Method::GET | Method::HEAD);
        if !reading || !KINDS.contains(&kind) || path.contains("/.") {
            return None;
        }
        let files = ServeDir::new(&self.root)
            .append_index_html_on_directories(false)
            .precompressed_br()
            .precompressed_gzip()
            .oneshot(request)
            .await;
        let mut response = files.ok()?.map(Body::new);
        if response.status() == StatusCode::NOT_FOUND {
            return None;
        }
        let lasting = self.hashed && path.starts_with("/pkg/");
        response.headers_mut().insert(CACHE_CONTROL, if lasting { FOR_EVER } else { ASK_AGAIN });
        // Whether or not there is a packed copy today: who keeps the plain one must not give it to everybody for ever.
        response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
        Some(response)
    }
}

fn beside_program() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program.parent().unwrap_or(Path::new(".")).to_owned()
}

/// What `scripts/build` noted of the names of built files, one `kind: hash` a line; nothing where names carry no hash.
fn built_names() -> Option<String> {
    std::fs::read_to_string(beside_program().join(HASH_FILE)).ok()
}

/// The built file of that kind, or the part that is a file of its own, as pages ask for it.
fn built_file(part: &str, names: Option<&str>) -> String {
    let hash =
        names.and_then(|names| names.lines().filter_map(|line| line.split_once(':')).find(|(named, _)| *named == part));
    let (name, kind) = match PARTS.iter().find(|(known, _)| *known == part) {
        Some((_, kind)) => (format!("{OUTPUT_NAME}-{part}"), *kind),
        None => (OUTPUT_NAME.to_owned(), part),
    };
    match hash {
        Some((_, hash)) => format!("pkg/{name}.{}.{kind}", hash.trim()),
        None => format!("pkg/{name}.{kind}"),
    }
}

/// The files without which pages have no style or do nothing, as far as they are not there. What the program is
/// compiled to is looked for only where its name was noted: without a hash, tools do not agree on one.
fn missing(root: &Path, names: Option<&str>) -> Vec<PathBuf> {
    let kinds: &[&str] = if names.is_some() {
        &["css", "js", "wasm", HOUSE, ADMIN, ROOMS, HOUSE_STYLE, ADMIN_STYLE, ROOMS_STYLE]
    } else {
        &["css", "js"]
    };
    let is_noted = |part: &&str| {
        names.is_some_and(|names| {
            names.lines().any(|line| line.split_once(':').is_some_and(|(noted, _)| noted == *part))
        })
    };
    let shared = SHARED.iter().copied().filter(is_noted);
    let files = kinds.iter().copied().chain(shared).map(|kind| root.join(built_file(kind, names)));
    files.filter(|file| !file.is_file()).collect()
}

/// The address of the app's stylesheet, for plain pages beside the app.
pub fn stylesheet() -> String {
    format!("/{}", built_file("css", built_names().as_deref()))
}

/// What pages need.
#[derive(Clone)]
pub struct Pages {
    options: LeptosOptions,
    files: Arc<SiteFiles>,
    names: Files,
    demo: Option<DevelopmentDemo>,
    cookie: RefreshCookie,
    /// The origins of the sockets that pages may open.
    sockets: Arc<[String]>,
}

impl Pages {
    /// By the settings, with the files as they are found.
    pub fn of(config: &Config) -> Self {
        let files = SiteFiles::find(config.server.site_root.as_deref());
        let demo = config
            .server
            .is_development()
            .then(|| DevelopmentDemo { email: demo::EMAIL.to_owned(), password: demo::PASSWORD.to_owned() });
        Self::new(&config.server, files, demo)
    }

    /// `demo` is shown on the sign-in page, in development only.
    pub fn new(config: &ServerConfig, files: SiteFiles, demo: Option<DevelopmentDemo>) -> Self {
        let options = files.options(config);
        let reload_socket = RELOAD_PORT.map(|port| format!("ws://{}:{port}", config.public_url.host()));
        let sockets = config.public_url.socket_origin().into_iter().chain(reload_socket).collect();
        let cookie = RefreshCookie::new(config.public_url.is_https());
        Self { options, names: files.names(), files: Arc::new(files), demo, cookie, sockets }
    }

    /// Contexts and headers of one page, called inside the rendering of it.
    fn prepare(&self) {
        if let Some(demo) = &self.demo {
            provide_context(demo.clone());
        }
        let parts = use_context::<Parts>();
        let is_of_house = parts.as_ref().is_none_or(|parts| !return_to::is_entry(parts.uri.path()));
        // Whoever brings a cookie is probably signed in, and taken to where they were going.
        let brings_cookie = parts.is_some_and(|parts| !self.cookie.presented(&parts.headers).is_empty());
        provide_context(Files { at_once: is_of_house || brings_cookie, is_of_house, ..self.names.clone() });
        let policy = use_nonce().map(|nonce| page_policy(&nonce, &self.sockets));
        let policy = policy.and_then(|policy| HeaderValue::from_str(&policy).ok());
        if let (Some(policy), Some(response)) = (policy, use_context::<ResponseOptions>()) {
            response.insert_header(CONTENT_SECURITY_POLICY, policy);
        }
    }

    /// That there is nothing, for users or for programs.
    async fn not_found(self, request: Request) -> Response {
        if request.method() == Method::GET && wants_page(request.headers()) {
            return self.render(request, StatusCode::NOT_FOUND, None).await;
        }
        ApiError::not_found().into_response()
    }

    /// The page at the address of `request`, with this status. `sent` is what became of its form.
    pub async fn render(self, request: Request, status: StatusCode, sent: Option<SentForm>) -> Response {
        let (options, pages) = (self.options.clone(), self);
        let prepare = move || {
            pages.prepare();
            if let Some(sent) = &sent {
                provide_context(sent.clone());
            }
        };
        let mut response = render_app_to_stream_with_context(prepare, move || shell(options.clone()))(request).await;
        *response.status_mut() = status;
        response
    }
}

/// The pages, the files, and what is answered where there is neither; with the table of the pages, which are named in
/// `names`.
pub fn site(pages: &Pages, names: &mut RouteNames) -> (Router, Vec<Route>) {
    let (pages, options) = (pages.clone(), pages.options.clone());
    let (preparing, shelling) = (pages.clone(), options.clone());
    let list = generate_route_list(App);
    let patterns: Vec<String> = list.iter().map(|route| route.path().to_owned()).collect();
    let router = Router::new()
        .leptos_routes_with_context(&options, list, move || preparing.prepare(), move || shell(shelling.clone()))
        .with_state(options);
    let strict = pages.clone();
    let router = router.route_layer(from_fn(move |request: Request, next: Next| {
        let pages = strict.clone();
        async move {
            if is_page_path(request.uri().path()) { next.run(request).await } else { pages.not_found(request).await }
        }
    }));
    let (router, table) = registered(router, AREA, &patterns, names);
    (router.fallback(move |request| otherwise(State(pages.clone()), request)).layer(packing()), table)
}

/// Packs pages while they are sent. Nobody can learn from their length what is in them: what a stranger can have put
/// into a page is never in one page with a secret that another answer would have too.
pub fn packing() -> CompressionLayer<impl Predicate> {
    // Most of what can be saved, in less than a millisecond a page. Files have been packed when they were built.
    CompressionLayer::new()
        .quality(CompressionLevel::Precise(5))
        .compress_when(|_: StatusCode, _: http::Version, headers: &HeaderMap, _: &http::Extensions| is_page(headers))
}

/// Whether a path can be a page's. None of ours holds a dot or anything escaped: what looks like a file below a page is
/// kept by caches that go by the ending, with whatever the page shows (web cache deception).
fn is_page_path(path: &str) -> bool {
    path.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_'))
}

/// A file, else that there is nothing: as a page for users, as a problem for programs.
async fn otherwise(State(pages): State<Pages>, request: Request) -> Response {
    if request.uri().path().starts_with("/api/") {
        return ApiError::not_found().into_response();
    }
    let (parts, body) = request.into_parts();
    // The body stays behind: neither a file nor a page that does not exist reads one.
    drop(body);
    let again = || Request::from_parts(parts.clone(), Body::empty());
    if let Some(file) = pages.files.clone().serve(again()).await {
        current_request::take_route(RouteId::FILE);
        return file;
    }
    if let Some(page) = without_slash(&parts) {
        return (StatusCode::PERMANENT_REDIRECT, [(LOCATION, page)]).into_response();
    }
    pages.not_found(again()).await
}

/// The address of the page that somebody means who has typed a slash after it.
fn without_slash(parts: &Parts) -> Option<HeaderValue> {
    let path = parts.uri.path().strip_suffix('/')?;
    let is_page = return_to::is_entry(path) || PAGES.iter().any(|entry| is_at(entry.path, path));
    let reads = matches!(parts.method, Method::GET | Method::HEAD);
    let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    (is_page && reads).then(|| HeaderValue::try_from(format!("{path}{query}")).ok()).flatten()
}

/// Whether a path is that of a route, in which `:area` stands for any word, and any other such segment for any id.
fn is_at(route: &str, path: &str) -> bool {
    let is_word =
        |given: &str| !given.is_empty() && given.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let fits = |(wanted, given): (&str, &str)| match wanted {
        ":area" => is_word(given),
        _ => wanted == given || (wanted.starts_with(':') && given.parse::<uuid::Uuid>().is_ok()),
    };
    route.split('/').count() == path.split('/').count() && route.split('/').zip(path.split('/')).all(fits)
}

fn wants_page(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).iter().any(|accept| names(accept, b"text/html"))
}

/// Whether a list holds this, whatever bytes are beside it.
pub fn names(list: &HeaderValue, wanted: &[u8]) -> bool {
    list.as_bytes().windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests;
