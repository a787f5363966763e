//! One sentence that stands before the page's own.

use leptos::prelude::*;

use super::icon::{Icon, IconName};

/// How serious the sentence is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BannerTone {
    /// Good to know.
    #[default]
    Info,
    /// Look at this.
    Warning,
    /// It did not work.
    Danger,
}

/// One sentence that stands before the page's own. Read out when it appears: at once where it is
/// [`BannerTone::Danger`].
#[component]
pub fn Banner(
    /// How serious it is.
    #[prop(optional)]
    tone: BannerTone,
    /// The sentence, and what can be done about it.
    children: Children,
) -> impl IntoView {
    let (class, icon, role) = match tone {
        BannerTone::Info => ("banner", IconName::Info, "status"),
        BannerTone::Warning => ("banner banner-warning", IconName::Alert, "status"),
        BannerTone::Danger => ("banner banner-danger", IconName::Error, "alert"),
    };
    view! {
        <div class=class role=role>
            <span class="banner-icon">
                <Icon name=icon />
            </span>
            {children()}
        </div>
    }
    .into_any()
}
