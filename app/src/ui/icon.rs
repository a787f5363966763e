//! One set of stroke icons.

use icondata_lu as lucide;
use leptos::prelude::*;

use types::words::DeviceKind;

/// What an icon shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say what is drawn")]
pub enum IconName {
    Alert,
    App,
    Back,
    Bell,
    Check,
    CheckCircle,
    Clock,
    Close,
    Confirmed,
    Down,
    Error,
    Eye,
    EyeOff,
    Info,
    Key,
    Laptop,
    Mail,
    Moon,
    Offline,
    Pencil,
    Phone,
    Refresh,
    Right,
    ShieldAlert,
    ShieldCheck,
    SignOut,
    Sun,
    SystemTheme,
    Tablet,
    Tabs,
    Terminal,
    Unknown,
    Unlinked,
}

impl From<DeviceKind> for IconName {
    fn from(kind: DeviceKind) -> Self {
        match kind {
            DeviceKind::Phone => Self::Phone,
            DeviceKind::Tablet => Self::Tablet,
            DeviceKind::Laptop => Self::Laptop,
            DeviceKind::Terminal => Self::Terminal,
            DeviceKind::App => Self::App,
            DeviceKind::Unknown => Self::Unknown,
        }
    }
}

/// The set draws a phone nearly as wide as a tablet; this one, with the same stroke, can be distinguished from it at a
/// glance.
static PHONE: icondata_core::IconData = icondata_core::IconData {
    data: r#"<rect width="10" height="20" x="7" y="2" rx="2" /><path d="M12 18h.01" />"#,
    ..*lucide::LuSmartphone
};

/// An icon. Always hidden from assistive technology: the control it stands in carries the name.
#[component]
pub fn Icon(
    /// What it shows.
    #[prop(into)]
    name: IconName,
    /// Its edge in pixels.
    #[prop(default = 20)]
    size: usize,
) -> impl IntoView {
    // Constants of a library: nothing that anybody typed gets here.
    let drawing = drawing(name).data;
    view! {
        <span class="icon" aria-hidden="true">
            <svg
                width=size
                height=size
                viewBox="0 0 24 24"
                fill="none"
                stroke="currentColor"
                stroke-width="2"
                stroke-linecap="round"
                stroke-linejoin="round"
                inner_html=drawing
            />
        </span>
    }
}

macro_rules! drawings {
    ($icon:ident, { $($name:ident => $drawing:ident),* $(,)? }) => {
        match $icon {
            IconName::Phone => &PHONE,
            $(IconName::$name => lucide::$drawing,)*
        }
    };
}

fn drawing(name: IconName) -> icondata_core::Icon {
    drawings!(name, {
        Alert => LuTriangleAlert,
        App => LuTabletSmartphone,
        Back => LuArrowLeft,
        Bell => LuBell,
        Check => LuCheck,
        CheckCircle => LuCircleCheck,
        Clock => LuAlarmClock,
        Close => LuX,
        Confirmed => LuCheckCheck,
        Tabs => LuMonitorSmartphone,
        Down => LuChevronDown,
        Error => LuCircleAlert,
        Eye => LuEye,
        EyeOff => LuEyeOff,
        Info => LuInfo,
        Key => LuKeyRound,
        Laptop => LuLaptop,
        Mail => LuMailCheck,
        Moon => LuMoon,
        Offline => LuWifiOff,
        Pencil => LuPencil,
        Refresh => LuRotateCw,
        Right => LuChevronRight,
        ShieldAlert => LuShieldAlert,
        ShieldCheck => LuShieldCheck,
        SignOut => LuLogOut,
        Sun => LuSun,
        SystemTheme => LuSunMoon,
        Tablet => LuTablet,
        Terminal => LuSquareTerminal,
        Unknown => LuCircleHelp,
        Unlinked => LuUnlink,
    })
}
