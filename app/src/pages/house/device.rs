//! The history of one device's session: `/devices/:id`.

use std::fmt::Write as _;
use types::words::{HistoryKind, ProblemCode};

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_params_map;

use super::activity::{ActivitySkeleton, Row, day_of};
use super::activity_words::with_refreshes_merged;
use super::device_state::DeviceState;
use super::devices::rename::RenameForm;
use crate::pages::load::{Load, Loader};
use crate::pages::stored_view::StoredView;
use crate::reactive::memo;
use crate::state::{Auth, Events, Failure, Now, Toasts, date, full_time};
use crate::ui::words::{what_it_is, with_method};
use crate::ui::{
    Address, Badge, BadgeTone, Button, Emphasis, Expires, Heading, Icon, IconName, LoadFailed, RelativeTime, StateCard,
    after, focus_heading_if_lost,
};
use types::api::{ServerEvent, Session, SessionHistory};
use types::domain::{SessionId, Timestamp};
use types::json;

/// The history of one device's session, newest first, and the actions for the device.
#[component]
pub fn DevicePage() -> impl IntoView {
    let auth = expect_context::<Auth>();
    let params = use_params_map();
    let id = memo(move |_| params.with(|params| params.get("id")?.parse::<SessionId>().ok()));
    let loader = Loader::<SessionHistory>::new();
    let devices = Loader::<Vec<Session>>::new();
    expect_context::<StoredView>().store_place_with_page();
    let page = DeviceModel { auth, toasts: expect_context(), renaming: RwSignal::new(false) };
    let fetch = move || {
        if let Some(id) = id.get() {
            loader.fetch(async move { auth.history(id).await });
            // The result is not needed once the page is gone.
            let is_over = move || loader.state().try_with_untracked(has_ended).unwrap_or(true);
            devices.fetch(page_with(auth, id, is_over));
        }
    };
    let again = loader.follow(fetch);
    expect_context::<Events>().subscribe(move |event| {
        let about = match event {
            ServerEvent::SessionEnded(ended) => Some(ended.session_id),
            ServerEvent::SessionUpdated(update) => Some(update.session_id),
            _ => None,
        };
        if about.is_some() && about == id.get_untracked() {
            fetch();
        }
    });
    let title = Signal::derive(move || {
        loader.state().with(|state| match state {
            Load::Ready(history) => history.device_name.clone(),
            Load::Loading | Load::Failed(_) => "Device history".to_owned(),
        })
    });
    let session = known(devices, id);
    let current = memo(move |_| session.with(|session| session.as_ref().is_some_and(|session| session.current)));
    view! {
        <div class="page">
            <a class="back-link" href="/devices" rel="prev">
                <Icon name=IconName::Back size=16 />
                "Back to devices"
            </a>
            <div class="page-head">
                <div class="device-head" data-current=move || current.get().then_some("")>
                    <DeviceIcon session=session history=loader />
                    <div class="page-head-text">
                        <Heading title=title>
                            <bdi>{move || title.get()}</bdi>
                        </Heading>
                        <Renaming page=page session=session on_done=move |()| fetch() />
                        <Standing session=session history=loader />
                    </div>
                </div>
                <div class="button-row">
                    {move || loader.state().with(|state| match state {
                        Load::Ready(history) => Some(view! { <Export history=history.clone() /> }),
                        Load::Loading | Load::Failed(_) => None,
                    })}
                    <Ending page=page session=session history=loader />
                </div>
            </div>
            {move || match (id.get(), loader.state().get()) {
                (None, _) => view! { <Unknown /> }.into_any(),
                (_, Load::Failed(failure)) if failure.code() == Some(ProblemCode::NotFound) => view! { <Unknown /> }.into_any(),
                (_, Load::Failed(failure)) => {
                    let title = "The history could not be loaded";
                    view! { <LoadFailed title=title text=failure.message() on_again=again /> }.into_any()
                }
                (_, Load::Loading) => view! { <ActivitySkeleton /> }.into_any(),
                (_, Load::Ready(history)) => view! { <HistoryDays history=history /> }.into_any(),
            }}
        </div>
    }
    .into_any()
}

/// What is done on this page.
#[derive(Clone, Copy)]
struct DeviceModel {
    auth: Auth,
    toasts: Toasts,
    /// Whether the name is being changed.
    renaming: RwSignal<bool>,
}

/// *Rename*, and the form it opens; nothing once the device is signed out, nor for whoever acts for the user.
#[component]
fn Renaming(page: DeviceModel, session: Memo<Option<Session>>, #[prop(into)] on_done: Callback<()>) -> impl IntoView {
    let known = memo(move |_| {
        session.with(|session| {
            session.as_ref().map(|session| (session.session_id, session.device_info.device_name.clone()))
        })
    });
    let done = move |renamed: Option<Session>| {
        page.renaming.set(false);
        if renamed.is_some() {
            on_done.run(());
        }
        after(0.0, focus_heading_if_lost);
    };
    let in_person = page.auth.in_person();
    move || {
        let (id, name) = known.get().filter(|_| in_person.get())?;
        Some(if page.renaming.get() {
            view! { <RenameForm id=id name=name on_done=done /> }.into_any()
        } else {
            view! {
                <button type="button" class="link-button small" on:click=move |_| page.renaming.set(true)>
                    "Rename"
                </button>
            }
            .into_any()
        })
    }
}

/// *Sign out*; nothing once the device is signed out. Whoever acts may sign out themselves only.
#[component]
fn Ending(page: DeviceModel, session: Memo<Option<Session>>, history: Loader<SessionHistory>) -> impl IntoView {
    let busy = RwSignal::new(false);
    let is_over = memo(move |_| history.state().with(has_ended));
    let known =
        memo(move |_| session.with(|session| session.as_ref().map(|session| (session.session_id, session.current))));
    let press = move |()| {
        let Some(session) = session.get_untracked() else { return };
        busy.set(true);
        spawn_local(async move {
            match page.auth.end_session(session.session_id).await {
                // The page shows it itself, as soon as the event comes.
                Ok(answer) => {
                    if let Some(warning) = answer.warning {
                        page.toasts.warning(warning);
                    }
                }
                Err(Failure::SignedOut) => {}
                Err(failure) => {
                    let name = session.device_info.device_name;
                    page.toasts.error(format!("{name} could not be signed out. {}", failure.message()));
                }
            }
            busy.try_set(false);
        });
    };
    let in_person = page.auth.in_person();
    move || {
        let (_, current) = known.get().filter(|(_, current)| !is_over.get() && (*current || in_person.get()))?;
        let emphasis = if current { Emphasis::Plain } else { Emphasis::Danger };
        Some(view! {
            <Button emphasis=emphasis ends=true busy=busy on_press=press>
                "Sign out"
            </Button>
        })
    }
}

/// The session as it is in the list of devices. `None` where it has ended, or while the list is not there.
fn known(devices: Loader<Vec<Session>>, id: Memo<Option<SessionId>>) -> Memo<Option<Session>> {
    memo(move |_| {
        devices.state().with(|state| match state {
            Load::Ready(sessions) => sessions.iter().find(|session| Some(session.session_id) == id.get()).cloned(),
            Load::Loading | Load::Failed(_) => None,
        })
    })
}

/// The page of the list that has the device. Later ones are asked for as long as it may still be signed in.
async fn page_with(auth: Auth, id: SessionId, is_over: impl Fn() -> bool) -> Result<Vec<Session>, Failure> {
    let mut cursor = None;
    loop {
        let page = auth.sessions_page(cursor).await?;
        let is_found = page.sessions.iter().any(|session| session.session_id == id);
        cursor = page.next_cursor;
        if is_found || cursor.is_none() || is_over() {
            return Ok(page.sessions);
        }
    }
}

/// Whether a session has ended, as far as its history is known.
fn has_ended(history: &Load<SessionHistory>) -> bool {
    matches!(history, Load::Ready(history) if ended_at(history).is_some())
}

/// When a session ended, where its history has an end.
fn ended_at(history: &SessionHistory) -> Option<Timestamp> {
    history.entries.last().filter(|entry| entry.kind == HistoryKind::Ended).map(|entry| entry.at)
}

/// The kind of device. It is not stored for an ended session; the place stays empty until it is known.
#[component]
fn DeviceIcon(session: Memo<Option<Session>>, history: Loader<SessionHistory>) -> impl IntoView {
    let kind = memo(move |_| session.with(|session| session.as_ref().map(|session| session.device_info.kind)));
    let icon = move || {
        let otherwise = history.state().with(|state| match state {
            Load::Loading => None,
            Load::Ready(history) if history.entries.is_empty() => Some(IconName::Unknown),
            Load::Ready(history) => ended_at(history).map(|_| IconName::SignOut),
            Load::Failed(_) => Some(IconName::Unknown),
        });
        kind.get().map(IconName::from).or(otherwise)
    };
    view! {
        <span class="device-icon">
            {move || icon().map(|icon| view! { <Icon name=icon size=22 /> })}
        </span>
    }
    .into_any()
}

/// How the session stands: in use, last used, or over.
#[component]
fn Standing(session: Memo<Option<Session>>, history: Loader<SessionHistory>) -> impl IntoView {
    let ended = memo(move |_| match history.state().get() {
        Load::Ready(history) => ended_at(&history),
        Load::Loading | Load::Failed(_) => None,
    });
    let standing = move || match (ended.get(), session.get()) {
        (Some(at), _) => view! { <Ended at=at /> }.into_any(),
        (None, Some(session)) => view! { <Alive session=session /> }.into_any(),
        (None, None) => ().into_any(),
    };
    standing.into_any()
}

#[component]
fn Ended(at: Timestamp) -> impl IntoView {
    let now = expect_context::<Now>().now();
    view! {
        <p class="standing">
            <Badge>"Signed out"</Badge>
            " "
            <RelativeTime at=at now=now day=date full=full_time />
        </p>
    }
    .into_any()
}

#[component]
fn Alive(session: Session) -> impl IntoView {
    let now = expect_context::<Now>().now();
    let this = session.current.then(|| {
        view! {
            <li>
                <Badge tone=BadgeTone::Accent>"This device"</Badge>
            </li>
        }
    });
    let address =
        (!session.ip_address.is_empty()).then(|| view! { <li><Address text=session.ip_address.clone() /></li> });
    view! {
        <div class="facts-clip standing">
            <ul class="facts" role="list">
                {this}
                <li>
                    <DeviceState active_now=session.active_now last_active=session.last_active />
                </li>
                <li><bdi>{what_it_is(&session)}</bdi></li>
                {session.place.clone().map(|place| view! { <li><bdi>{place}</bdi></li> })}
                {address}
            </ul>
            <ul class="facts" role="list">
                <li>
                    "Signed in "
                    <RelativeTime at=session.created_at now=now day=date full=full_time />
                    {session.acting.is_none().then(|| view! { " " {with_method(&session.signed_in_with)} })}
                </li>
                <li>
                    <Expires at=session.expires_at now=now day=date full=full_time />
                </li>
            </ul>
        </div>
    }
    .into_any()
}

#[component]
fn HistoryDays(history: SessionHistory) -> impl IntoView {
    let mut items = with_refreshes_merged(&history.entries);
    items.reverse();
    let now = expect_context::<Now>().server_now();
    items
        .chunk_by(|(one, _), (other, _)| date(one.at) == date(other.at))
        .map(|day| {
            let rows = day
                .iter()
                .cloned()
                .map(|(entry, item)| {
                    view! { <Row item=item at=entry.at ip_address=entry.ip_address /> }
                })
                .collect_view();
            let name = day.first().map(|(entry, _)| day_of(entry.at, now));
            view! {
                <section>
                    <h2 class="timeline-day">{name}</h2>
                    <ol class="panel" role="list">
                        {rows}
                    </ol>
                </section>
            }
        })
        .collect_view()
}

/// Saves the history as the API tells it. The file is in the link itself, so nothing is asked for again.
#[component]
fn Export(history: SessionHistory) -> impl IntoView {
    let json = json::write(&history).map(|json| json::indented(&json)).unwrap_or_default();
    let name = format!("device-history-{}.json", history.session_id);
    view! {
        <a class="button" href=data_url(&json) download=name rel="external">
            "Download history"
        </a>
    }
    .into_any()
}

/// A `data:` address of this JSON (RFC 2397).
fn data_url(json: &str) -> String {
    let mut url = "data:application/json;charset=utf-8,".to_owned();
    for byte in json.bytes() {
        if byte.is_ascii_alphanumeric() {
            url.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

#[component]
fn Unknown() -> impl IntoView {
    view! {
        <StateCard
            icon=IconName::Unknown
            title="Device not found"
            text="It may have been signed out a while ago. A device’s history is kept for a few days after that."
        >
            <a class="button" href="/devices">
                "Go to your devices"
            </a>
        </StateCard>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::api::HistoryEntry;

    fn history_of(kinds: &[HistoryKind]) -> SessionHistory {
        let entries = kinds.iter().zip(1..).map(|(kind, at)| HistoryEntry {
            at: Timestamp::from_millis(at),
            kind: (*kind).into(),
            detail: None,
            ip_address: String::new(),
        });
        SessionHistory {
            session_id: SessionId(uuid::Uuid::nil()),
            device_name: "a phone".to_owned(),
            entries: entries.collect(),
        }
    }

    #[test]
    fn a_session_is_over_once_its_history_has_an_end() {
        assert_eq!(ended_at(&history_of(&[HistoryKind::SignedIn, HistoryKind::Refreshed])), None);
        assert_eq!(
            ended_at(&history_of(&[HistoryKind::SignedIn, HistoryKind::Refreshed, HistoryKind::Ended])),
            Some(Timestamp::from_millis(3))
        );
        assert_eq!(ended_at(&history_of(&[])), None);
    }

    #[test]
    fn every_text_survives_in_an_address() {
        assert_eq!(
            data_url("{\"a\":\"é #\"}"),
            "data:application/json;charset=utf-8,%7B%22a%22%3A%22%C3%A9%20%23%22%7D"
        );
    }
}
