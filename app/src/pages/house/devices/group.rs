//! Several sign-ins that look the same, shown as one group.

use leptos::prelude::*;

use super::arrange::{Item, Look};
use super::model::Devices;
use super::row::DeviceRow;
use crate::pages::house::device_state::DeviceState;
use crate::reactive::memo;
use crate::ui::{Badge, BadgeTone, Button, Emphasis, Icon, IconName};
use types::domain::SessionId;

/// The most that are shown of a group at once.
const SHOWN: usize = 50;

/// Several sign-ins that look the same: how many, when one of them was last used, and each of them on demand.
#[component]
pub(super) fn DeviceGroup(
    /// The list it is in.
    devices: Devices,
    /// What they look like.
    look: Look,
) -> impl IntoView {
    let arranged = devices.arranged();
    let wanted = look.clone();
    let ids = memo(move |before: Option<&Vec<SessionId>>| {
        let found = arranged.with(|arranged| {
            let arranged = arranged.as_ref()?;
            let mut items = arranged.used.iter().chain(&arranged.unused);
            items.find_map(|item| match item {
                Item::Group { look, ids } if *look == wanted => Some(ids.clone()),
                _ => None,
            })
        });
        // One that is being taken away goes on showing what it showed.
        found.or_else(|| before.cloned()).unwrap_or_default()
    });
    let staying = devices.staying();
    let signed_in = memo(move |_| {
        ids.with(|ids| {
            let is_in = |id: &&SessionId| staying.with(|staying| staying.iter().any(|one| one.session_id == **id));
            ids.iter().filter(is_in).copied().collect::<Vec<_>>()
        })
    });
    let count = memo(move |_| signed_in.with(Vec::len));
    let open = RwSignal::new(false);
    let in_person = devices.auth.in_person();
    let asked_about = look.asked_about;
    let name = StoredValue::new(look.name);
    let list_id = StoredValue::new(ids.with_untracked(|ids| ids.first().map(|id| format!("group-{id}"))));
    view! {
        <li
            class="device device-group"
            data-open=move || open.get().then_some("")
            data-asked=asked_about.then_some("")
        >
            <div class="device-fold">
                <GroupHead devices=devices ids=ids count=count name=name.get_value() asked_about=asked_about>
                    <button
                        type="button"
                        class="button button-small"
                        aria-expanded=move || if open.get() { "true" } else { "false" }
                        aria-controls=move || list_id.get_value()
                        aria-label=move || {
                            let verb = if open.get() { "Hide" } else { "Show" };
                            format!("{verb} all {} sign-ins from {}", count.get(), name.get_value())
                        }
                        on:click=move |_| open.update(|open| *open = !*open)
                    >
                        {move || if open.get() { "Hide" } else { "Show all" }}
                    </button>
                    {move || {
                        in_person.get().then(|| {
                            let label = move || {
                                Some(format!("Sign out all {} sign-ins from {}", count.get(), name.get_value()))
                            };
                            view! {
                                <Button
                                    emphasis=Emphasis::Danger
                                    small=true
                                    label=Signal::derive(label)
                                    on_press=move |()| devices.asked.set(signed_in.get_untracked())
                                >
                                    {move || format!("Sign out all {}", count.get())}
                                </Button>
                            }
                        })
                    }}
                </GroupHead>
                {move || {
                    open.get()
                        .then(|| {
                            view! { <Members devices=devices ids=ids id=list_id.get_value() name=name.get_value() /> }
                        })
                }}
            </div>
        </li>
    }
    .into_any()
}

#[component]
fn GroupHead(
    devices: Devices,
    ids: Memo<Vec<SessionId>>,
    count: Memo<usize>,
    name: String,
    asked_about: bool,
    children: Children,
) -> impl IntoView {
    let staying = devices.staying();
    // The first stands where it does because it was used last.
    let latest = memo(move |_| {
        let first = ids.with(|ids| ids.first().copied())?;
        staying.with(|staying| staying.iter().find(|session| session.session_id == first).cloned())
    });
    let kind = memo(move |_| latest.with(|latest| latest.as_ref().map(|latest| latest.device_info.kind)));
    view! {
        <div class="device-row">
            <span class="device-icon">
                {move || kind.get().map(|kind| view! { <Icon name=IconName::from(kind) size=22 /> })}
            </span>
            <div class="device-body">
                <div class="device-title">
                    <h2 class="device-name">
                        {move || format!("{} sign-ins from ", count.get())} <bdi>{name}</bdi>
                    </h2>
                    {asked_about.then(|| view! { <Badge tone=BadgeTone::Warning>"Unconfirmed"</Badge> })}
                </div>
                <div class="facts-clip">
                    <ul class="facts device-facts" role="list">
                        {move || {
                            latest
                                .get()
                                .map(|latest| {
                                    view! {
                                        <li>
                                            <DeviceState
                                                active_now=latest.active_now
                                                last_active=latest.last_active
                                            />
                                        </li>
                                    }
                                })
                        }}
                    </ul>
                </div>
            </div>
            <div class="device-actions group-actions">{children()}</div>
        </div>
    }
    .into_any()
}

/// Each of the group, as many as can be looked at.
#[component]
fn Members(devices: Devices, ids: Memo<Vec<SessionId>>, id: Option<String>, name: String) -> impl IntoView {
    let most = RwSignal::new(SHOWN);
    let shown = move || ids.get().into_iter().take(most.get()).collect::<Vec<_>>();
    let rest = memo(move |_| ids.with(Vec::len).saturating_sub(most.get()));
    view! {
        <ul class="group-members" role="list" id=id aria-label=format!("All sign-ins from {name}")>
            <For each=shown key=|id| *id children=move |id| view! { <DeviceRow devices=devices id=id /> } />
        </ul>
        {move || {
            (rest.get() > 0)
                .then(|| {
                    view! {
                        <div class="list-more">
                            <Button small=true on_press=move |()| most.update(|most| *most += SHOWN)>
                                {move || format!("Show {} more", rest.get().min(SHOWN))}
                            </Button>
                        </div>
                    }
                })
        }}
    }
    .into_any()
}
