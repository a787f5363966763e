//! One set of stroke icons.

use leptos::prelude::*;
use lucide_leptos as lucide;

use crate::api::DeviceKind;

/// What an icon shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say what is drawn")]
pub enum Picture {
    Alert,
    App,
    Back,
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
    Moon,
    News,
    Offline,
    Pencil,
    Phone,
    Renewed,
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
}

impl From<DeviceKind> for Picture {
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

/// An icon. Always hidden from assistive technology: the control it stands in carries the name.
#[component]
pub fn Icon(
    /// What it shows.
    #[prop(into)]
    picture: Picture,
    /// Its edge in pixels.
    #[prop(default = 20)]
    size: usize,
) -> impl IntoView {
    view! { <span class="icon" aria-hidden="true">{drawing(picture, size)}</span> }
}

macro_rules! drawings {
    ($picture:ident, $size:ident, { $($name:ident => $component:ident),* $(,)? }) => {
        match $picture {
            $(Picture::$name => view! { <lucide::$component size=$size /> }.into_any(),)*
        }
    };
}

fn drawing(picture: Picture, size: usize) -> AnyView {
    drawings!(picture, size, {
        Alert => TriangleAlert,
        App => TabletSmartphone,
        Back => ArrowLeft,
        Check => Check,
        CheckCircle => CircleCheck,
        Clock => AlarmClock,
        Close => X,
        Confirmed => CheckCheck,
        Tabs => MonitorSmartphone,
        Down => ChevronDown,
        Error => CircleAlert,
        Eye => Eye,
        EyeOff => EyeOff,
        Info => Info,
        Key => KeyRound,
        Laptop => Laptop,
        News => Bell,
        Moon => Moon,
        Offline => WifiOff,
        Pencil => Pencil,
        Phone => Smartphone,
        Renewed => RotateCw,
        Right => ChevronRight,
        ShieldAlert => ShieldAlert,
        ShieldCheck => ShieldCheck,
        SignOut => LogOut,
        Sun => Sun,
        SystemTheme => SunMoon,
        Tablet => Tablet,
        Terminal => SquareTerminal,
        Unknown => CircleQuestionMark,
    })
}
