//! What a device is, read from its user agent and from what its client says of it.
//!
//! A description is for users to recognise a device by. Nothing is decided by it.

use types::api::DeviceDescription;
use types::domain::{AppVersion, DeviceName, Platform};
use types::words::DeviceKind;
use woothee::parser::Parser;

/// What a client said of its device at sign-in, parsed.
#[derive(Clone, Debug, Default)]
pub struct ClaimedDevice {
    pub device_name: Option<DeviceName>,
    pub platform: Option<Platform>,
    /// A version of the client app.
    pub app_version: Option<AppVersion>,
}

/// Command lines and libraries by the way their user agents begin.
const TERMINALS: [(&str, &str); 12] = [
    ("curl/", "curl"),
    ("wget/", "Wget"),
    ("httpie/", "HTTPie"),
    ("python-requests/", "Python"),
    ("python-httpx/", "Python"),
    ("python-urllib/", "Python"),
    ("go-http-client/", "Go"),
    ("node", "Node.js"),
    ("undici", "Node.js"),
    ("axios/", "Node.js"),
    ("powershell/", "PowerShell"),
    ("reqwest/", "Rust"),
];

pub fn describe_device(user_agent: &str, claimed: ClaimedDevice) -> DeviceDescription {
    let read = read(user_agent);
    let native = claimed.app_version.is_some() && read.browser.is_none();
    let claimed_platform = claimed.platform.as_ref().map(Platform::as_str);
    let claimed_kind = claimed_platform.and_then(kind_of_platform);
    let kind = match read.kind {
        DeviceKind::Unknown => claimed_kind.unwrap_or(if native { DeviceKind::App } else { DeviceKind::Unknown }),
        DeviceKind::Terminal => claimed_kind.unwrap_or(DeviceKind::Terminal),
        kind => kind,
    };
    let os = read.os.or_else(|| claimed_platform.and_then(os_of_platform).map(str::to_owned));
    let platform = claimed
        .platform
        .map_or_else(|| if read.browser.is_some() { "web".to_owned() } else { "unknown".to_owned() }, String::from);
    let runs_on = read.product.or(os.as_deref());
    let device_name =
        claimed.device_name.map_or_else(|| default_name(read.browser.as_deref(), runs_on, &platform), String::from);
    DeviceDescription {
        device_name,
        platform,
        browser: read.browser,
        os,
        kind,
        app_version: claimed.app_version.map(String::from),
    }
}

struct ParsedUserAgent {
    browser: Option<String>,
    os: Option<String>,
    /// What users call the thing, where they do not call it by its system.
    product: Option<&'static str>,
    kind: DeviceKind,
}

fn read(user_agent: &str) -> ParsedUserAgent {
    let lower = user_agent.to_ascii_lowercase();
    if let Some((prefix, name)) = TERMINALS.iter().find(|(prefix, _)| lower.starts_with(prefix)) {
        let version = lower.strip_prefix(prefix).unwrap_or_default().split([' ', ';', '/']).next().unwrap_or_default();
        let version: Vec<&str> = version.split('.').take(2).collect();
        return ParsedUserAgent {
            browser: Some(format!("{name} {}", version.join(".")).trim().to_owned()),
            os: None,
            product: None,
            kind: DeviceKind::Terminal,
        };
    }
    let Some(result) = Parser::new().parse(user_agent) else {
        return ParsedUserAgent { browser: None, os: None, product: None, kind: DeviceKind::Unknown };
    };
    let os = os_name(result.os, &lower);
    let kind = match (result.category, os) {
        _ if lower.contains("ipad") || lower.contains("tablet") => DeviceKind::Tablet,
        // Android tablets leave out the word that telephones put in.
        (_, Some("Android")) if !lower.contains("mobile") => DeviceKind::Tablet,
        ("smartphone" | "mobilephone", _) | (_, Some("iOS" | "Android")) => DeviceKind::Phone,
        ("pc", _) => DeviceKind::Laptop,
        ("crawler", _) => DeviceKind::Terminal,
        _ => DeviceKind::Unknown,
    };
    let known = |text: &str| !text.is_empty() && text != "UNKNOWN";
    let (name, version) = match version_after(&lower, "samsungbrowser/") {
        Some(version) => ("Samsung Internet", version),
        None => (browser_name(result.name), result.version),
    };
    let major = version.split('.').next().filter(|version| known(version));
    let browser = known(name).then(|| match major {
        Some(major) => format!("{name} {major}"),
        None => name.to_owned(),
    });
    ParsedUserAgent { browser, os: os.map(str::to_owned), product: product(os, &lower), kind }
}

fn browser_name(name: &str) -> &str {
    match name {
        "Internet Explorer" => "Internet Explorer",
        "Edge" | "Microsoft Edge" => "Edge",
        other => other,
    }
}

/// The version of a browser that also says it is Chrome, by its own word.
fn version_after<'a>(lower_user_agent: &'a str, word: &str) -> Option<&'a str> {
    let (_, rest) = lower_user_agent.split_once(word)?;
    rest.split(|c: char| !c.is_ascii_digit() && c != '.').next()
}

/// Safari on an iPad says *Macintosh* unless it is asked for mobile pages: such a one stays a Mac.
fn product(os: Option<&str>, lower_user_agent: &str) -> Option<&'static str> {
    match os? {
        "iPadOS" => Some("iPad"),
        "iOS" if lower_user_agent.contains("iphone") => Some("iPhone"),
        _ => None,
    }
}

fn os_name(os: &str, lower_user_agent: &str) -> Option<&'static str> {
    Some(match os {
        _ if lower_user_agent.contains("windows nt") => "Windows",
        _ if lower_user_agent.contains("android") => "Android",
        _ if lower_user_agent.contains("cros ") => "ChromeOS",
        _ if lower_user_agent.contains("ipad") => "iPadOS",
        "iPhone" | "iPod" | "iOS" => "iOS",
        "Mac OSX" => "macOS",
        "Linux" => "Linux",
        "BSD" => "BSD",
        os if os.starts_with("Windows") => "Windows",
        _ => return None,
    })
}

fn kind_of_platform(platform: &str) -> Option<DeviceKind> {
    match platform.to_ascii_lowercase().as_str() {
        "ios" | "iphone" | "android" => Some(DeviceKind::Phone),
        "ipados" | "ipad" | "tablet" => Some(DeviceKind::Tablet),
        "macos" | "windows" | "linux" | "desktop" => Some(DeviceKind::Laptop),
        "cli" | "terminal" | "script" => Some(DeviceKind::Terminal),
        _ => None,
    }
}

fn os_of_platform(platform: &str) -> Option<&'static str> {
    match platform.to_ascii_lowercase().as_str() {
        "ios" | "iphone" => Some("iOS"),
        "ipados" | "ipad" => Some("iPadOS"),
        "android" => Some("Android"),
        "macos" => Some("macOS"),
        "windows" => Some("Windows"),
        "linux" => Some("Linux"),
        _ => None,
    }
}

fn default_name(browser: Option<&str>, runs_on: Option<&str>, platform: &str) -> String {
    let browser = browser.map(|browser| browser.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').trim());
    match (browser, runs_on) {
        (Some(browser), Some(runs_on)) => format!("{browser} on {runs_on}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(runs_on)) => format!("App on {runs_on}"),
        (None, None) if platform != "unknown" && platform != "web" => platform.to_owned(),
        (None, None) => "Unknown device".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
        "Chrome on macOS",
        Some("Chrome 141"),
        DeviceKind::Laptop
    )]
    #[case(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0",
        "Firefox on Windows",
        Some("Firefox 144"),
        DeviceKind::Laptop
    )]
    #[case(
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
        "Chrome on Linux",
        Some("Chrome 141"),
        DeviceKind::Laptop
    )]
    #[case(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
        "Safari on iPhone",
        Some("Safari 18"),
        DeviceKind::Phone
    )]
    #[case(
        "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
        "Safari on iPad",
        Some("Safari 17"),
        DeviceKind::Tablet
    )]
    #[case(
        "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/141.0.7390.41 Mobile/15E148 Safari/604.1",
        "Chrome on iPad",
        Some("Chrome 141"),
        DeviceKind::Tablet
    )]
    #[case(
        "Mozilla/5.0 (Linux; Android 15; SM-S938B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
        "Samsung Internet on Android",
        Some("Samsung Internet 28"),
        DeviceKind::Phone
    )]
    #[case(
        "Mozilla/5.0 (Linux; Android 14; SM-X910) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Safari/537.36",
        "Samsung Internet on Android",
        Some("Samsung Internet 27"),
        DeviceKind::Tablet
    )]
    #[case(
        "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
        "Chrome on Android",
        Some("Chrome 141"),
        DeviceKind::Phone
    )]
    #[case(
        "Mozilla/5.0 (Linux; Android 14; SM-X910) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
        "Chrome on Android",
        Some("Chrome 141"),
        DeviceKind::Tablet
    )]
    #[case(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
        "Edge on Windows",
        Some("Edge 141"),
        DeviceKind::Laptop
    )]
    #[case("curl/8.5.0", "curl", Some("curl 8.5"), DeviceKind::Terminal)]
    #[case("python-requests/2.32.3", "Python", Some("Python 2.32"), DeviceKind::Terminal)]
    #[case("", "Unknown device", None, DeviceKind::Unknown)]
    #[case("<script>alert(1)</script>", "Unknown device", None, DeviceKind::Unknown)]
    fn devices_are_named_as_users_know_them(
        #[case] user_agent: &str,
        #[case] name: &str,
        #[case] browser: Option<&str>,
        #[case] kind: DeviceKind,
    ) {
        let device = describe_device(user_agent, ClaimedDevice::default());
        assert_eq!((device.device_name.as_str(), device.browser.as_deref(), device.kind), (name, browser, kind));
    }

    #[rstest]
    #[case("iPad; CPU OS 17_5", "iPadOS")]
    #[case("iPhone; CPU iPhone OS 18_5", "iOS")]
    fn what_runs_on_apples_devices_has_its_own_name(#[case] device: &str, #[case] os: &str) {
        let user_agent = format!(
            "Mozilla/5.0 ({device} like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari/604.1"
        );
        assert_eq!(describe_device(&user_agent, ClaimedDevice::default()).os.as_deref(), Some(os));
    }

    #[test]
    fn what_a_native_client_says_of_itself_counts() {
        let claimed = ClaimedDevice {
            device_name: Some(DeviceName::parse("iPhone 13").unwrap()),
            platform: Some(Platform::parse("ios").unwrap()),
            app_version: Some(AppVersion::parse("1.0.0").unwrap()),
        };
        let device = describe_device("Latchkey/1.0.0 CFNetwork", claimed);
        assert_eq!((device.device_name.as_str(), device.platform.as_str()), ("iPhone 13", "ios"));
        assert_eq!((device.os.as_deref(), device.kind), (Some("iOS"), DeviceKind::Phone));
        assert_eq!(device.app_version.as_deref(), Some("1.0.0"));
    }
}
