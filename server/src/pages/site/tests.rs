//! The files of a built site, and the pages around them, as browsers ask for them.

use super::*;
use crate::config::Config;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body_util::BodyExt as _;
use leptos_axum::AxumRouteListing;
use rstest::rstest;
use tempfile::TempDir;

const SCRIPT: &str = "/pkg/latchkey.abc123.js";

fn built(hashed: bool) -> (TempDir, Router) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("site");
    std::fs::create_dir_all(root.join("pkg")).unwrap();
    for (name, text) in [
        ("pkg/latchkey.abc123.js", "plain"),
        ("pkg/latchkey.abc123.js.br", "packed"),
        ("favicon.svg", "<svg/>"),
        (".secret.txt", "hunter2"),
        ("notes.md", "hunter2"),
    ] {
        std::fs::write(root.join(name), text).unwrap();
    }
    std::fs::write(folder.path().join("outside.txt"), "hunter2").unwrap();
    let config = Config::for_tests(folder.path(), &[]).unwrap();
    let demo = DevelopmentDemo { email: "demo@latchkey.dev".to_owned(), password: "correct-demo-horse".to_owned() };
    let pages = Pages::new(&config.server, SiteFiles { root, hashed }, Some(demo));
    let (router, _) = site(&pages, &mut RouteNames::default());
    (folder, router)
}

async fn get(router: &Router, path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, String) {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn a_page_carries_a_policy_with_the_nonce_of_its_own_scripts() {
    let (_folder, router) = built(false);
    let (status, headers, body) = get(&router, "/sign-in", &[("accept", "text/html")]).await;
    assert_eq!(status, StatusCode::OK);
    let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert!(nonce.len() >= 16 && body.contains(&format!("nonce=\"{nonce}\"")), "{policy}");
    // The address of the settings of tests.
    assert!(policy.contains("connect-src 'self' ws://127.0.0.1:0"), "{policy}");
    let inline = body.matches("<script").count();
    assert_eq!(inline, body.matches("<script nonce=").count() + body.matches("<script type=\"module\" nonce=").count());
    let (_, again, _) = get(&router, "/sign-in", &[]).await;
    assert_ne!(headers[CONTENT_SECURITY_POLICY], again[CONTENT_SECURITY_POLICY]);
    assert!(body.contains("demo@latchkey.dev"));
}

#[tokio::test]
async fn an_entry_page_needs_the_program_at_once_only_for_who_may_be_signed_in() {
    let (_folder, router) = built(false);
    let ours = RefreshCookie::new(false).set("token", None);
    for (path, cookie, at_once) in
        [("/sign-in", "pref=1", false), ("/sign-in", ours.as_str(), true), ("/devices", "pref=1", true)]
    {
        let (_, _, body) = get(&router, path, &[("accept", "text/html"), ("cookie", cookie)]).await;
        assert_eq!(body.contains("data-now="), at_once, "{path} with {cookie}");
    }
}

#[test]
fn files_of_the_build_that_are_not_there_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir(root.join("pkg")).unwrap();
    let names = "js: abc123\nwasm: def456\nhouse: ghi789\nadmin: jkl012\nrooms: vwx234\nshared-ah: mno345\n\
        css: 0-9_z\nhouse-style: stu901\nadmin-style: pqr678\nrooms-style: yza567\n";
    for file in [
        "pkg/latchkey.abc123.js",
        "pkg/latchkey.def456.wasm",
        "pkg/latchkey-house.ghi789.wasm",
        "pkg/latchkey-admin.jkl012.wasm",
        "pkg/latchkey-rooms.vwx234.wasm",
        "pkg/latchkey-shared-ah.mno345.wasm",
        "pkg/latchkey-house-style.stu901.css",
        "pkg/latchkey-admin-style.pqr678.css",
        "pkg/latchkey-rooms-style.yza567.css",
    ] {
        std::fs::write(root.join(file), "").unwrap();
    }
    assert_eq!(missing(root, Some(names)), [root.join("pkg/latchkey.0-9_z.css")]);
    std::fs::write(root.join("pkg/latchkey.0-9_z.css"), "").unwrap();
    assert!(missing(root, Some(names)).is_empty());
    // Without the names, pages ask for files that were never built.
    assert_eq!(missing(root, None), ["pkg/latchkey.css", "pkg/latchkey.js"].map(|file| root.join(file)));
}

#[tokio::test]
async fn hashed_files_are_cached_for_ever_and_others_revalidated() {
    let (_folder, router) = built(true);
    assert_eq!(get(&router, SCRIPT, &[]).await.1[CACHE_CONTROL], FOR_EVER);
    assert_eq!(get(&router, "/favicon.svg", &[]).await.1[CACHE_CONTROL], ASK_AGAIN);
    let (_unhashed_folder, router) = built(false);
    assert_eq!(get(&router, SCRIPT, &[]).await.1[CACHE_CONTROL], ASK_AGAIN);
}

#[tokio::test]
async fn a_packed_copy_is_sent_to_whoever_can_unpack_it() {
    let (_folder, router) = built(true);
    let (_, headers, body) = get(&router, SCRIPT, &[("accept-encoding", "br")]).await;
    assert_eq!((headers[CONTENT_ENCODING].to_str().unwrap(), body.as_str()), ("br", "packed"));
    assert!(headers[CONTENT_TYPE].to_str().unwrap().contains("javascript"));
    assert_eq!(headers[VARY], "accept-encoding");
    let (_, headers, body) = get(&router, SCRIPT, &[]).await;
    assert_eq!((&headers[VARY], body.as_str()), (&HeaderValue::from_static("accept-encoding"), "plain"));
}

#[rstest]
#[case("/devices/x.css")]
#[case("/devices/019aa4b2-7c1e-7000-8000-000000000000.js")]
#[case("/devices/x%2ecss")]
#[case("/devices/x;a.css")]
#[case("/devices/x%00.css")]
#[case("/devices/%0a.png")]
#[case("/devices.css")]
#[case("/profile.png")]
#[tokio::test]
async fn what_looks_like_a_file_below_a_page_is_not_the_page(#[case] path: &str) {
    let (_folder, router) = built(false);
    for accept in ["text/html", "text/css,*/*;q=0.1"] {
        assert_eq!(get(&router, path, &[("accept", accept)]).await.0, StatusCode::NOT_FOUND);
    }
    let device = "/devices/019aa4b2-7c1e-7000-8000-000000000000";
    assert_eq!(get(&router, device, &[("accept", "text/html")]).await.0, StatusCode::OK);
}

#[rstest]
#[case("/pkg/")]
#[case("/pkg/nothing.js")]
#[case("/.secret.txt")]
#[case("/notes.md")]
#[case("/pkg/latchkey.abc123.js.br")]
#[case("/../outside.txt")]
#[case("/%2e%2e/outside.txt")]
#[case("/..%2foutside.txt")]
#[case("/pkg/..%5c..%5coutside.txt")]
#[case("/%2fetc/hosts.txt")]
#[case("/favicon.svg%00.txt")]
#[case("/.git/config.txt")]
#[case("/api/nothing.js")]
#[tokio::test]
async fn a_hostile_path_finds_nothing(#[case] path: &str) {
    let (_folder, router) = built(true);
    let (status, headers, body) = get(&router, path, &[]).await;
    assert!(matches!(status, StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST), "{status}");
    assert!(!body.contains("hunter2") && !headers.contains_key(CONTENT_ENCODING));
}

#[rstest]
#[case("/sign-in/", Some("/sign-in"))]
#[case("/sign-in/?next=/activity", Some("/sign-in?next=/activity"))]
#[case("/devices/", Some("/devices"))]
#[case("/devices/019aa4b2-7c1e-7000-8000-000000000000/", Some("/devices/019aa4b2-7c1e-7000-8000-000000000000"))]
#[case("/admin/users/", Some("/admin/users"))]
#[case("/sign-in//", None)]
#[case("//evil.example/", None)]
#[case("//sign-in/", None)]
#[case("/devices/..%2f..%2fevil/", None)]
#[tokio::test]
async fn a_slash_after_the_address_of_a_page_leads_to_the_page(#[case] path: &str, #[case] leads: Option<&str>) {
    let (_folder, router) = built(false);
    let (status, headers, _) = get(&router, path, &[("accept", "text/html")]).await;
    assert_eq!(status == StatusCode::PERMANENT_REDIRECT, leads.is_some(), "{status}");
    assert_eq!(headers.get(LOCATION).map(|location| location.to_str().unwrap()), leads);
}

#[tokio::test]
async fn the_list_of_pages_is_that_of_the_routes() {
    let routes = generate_route_list(App);
    let of_users = |path: &&str| *path != "/" && !return_to::is_entry(path);
    let mut routes: Vec<&str> = routes.iter().map(AxumRouteListing::path).filter(of_users).collect();
    // The server's router writes `{id}` for `:id`.
    let written =
        |segment: &str| segment.strip_prefix(':').map_or_else(|| segment.to_owned(), |name| format!("{{{name}}}"));
    let listed = PAGES.iter().map(|entry| entry.path.split('/').map(written).collect::<Vec<_>>().join("/"));
    let mut listed: Vec<String> = listed.collect();
    routes.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, routes);
}

#[tokio::test]
async fn what_is_not_there_is_a_page_for_users_and_a_problem_for_programs() {
    let (_folder, router) = built(false);
    let (status, headers, _) = get(&router, "/nowhere", &[("accept", "text/html,*/*")]).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(headers[CONTENT_TYPE].to_str().unwrap().starts_with("text/html"));
    assert!(headers[CONTENT_SECURITY_POLICY].to_str().unwrap().contains("'nonce-"));
    for (path, accept) in [("/nowhere", "application/json"), ("/api/nowhere", "text/html")] {
        let (status, headers, _) = get(&router, path, &[("accept", accept)]).await;
        assert_eq!(
            (status, headers[CONTENT_TYPE].as_bytes()),
            (StatusCode::NOT_FOUND, &b"application/problem+json"[..])
        );
    }
}
