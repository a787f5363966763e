//! The sessions of everybody: `/admin/sessions`.

use leptos::prelude::*;

use super::act::{Act, Acts};
use super::calls::{Found, next_page, query, send, send_for_nothing};
use super::parts::{Field, NoSuchFilter, Rows, RowsSkeleton, debounced, follow, moment, of_address, show_more};
use super::words::counted;
use crate::pages::load::{Load, Loader};
use crate::pages::permissions::Permissions;
use crate::reactive::memo;
use crate::state::Failure;
use crate::ui::{
    Address, Badge, BadgeTone, Button, Emphasis, FormErrors, Heading, Icon, IconName, LoadFailed, StateCard,
};
use client::ports::Method;
use types::api::admin::{SESSIONS, disconnect_session, session as session_path};
use types::api::{AdminSession, AdminSessionList, AdminSessionsEnded, Session};
use types::domain::SessionId;
use types::words::permissions as may;

/// What is looked for.
#[derive(Clone, Copy)]
pub(super) struct SessionFilter {
    /// The id or the e-mail of whose they are.
    pub user: RwSignal<String>,
    /// An address or a network.
    pub network: RwSignal<String>,
    /// Words of the client.
    pub client: RwSignal<String>,
    /// Words of the place.
    pub place: RwSignal<String>,
    /// The day before which they were signed in, as browsers write it.
    pub before: RwSignal<String>,
}

impl SessionFilter {
    /// What the address of the page says, in the words of the call.
    pub fn of_address() -> Self {
        Self {
            user: of_address("user"),
            network: of_address("network"),
            client: of_address("client"),
            place: of_address("place"),
            before: day_of_address("signedInBefore"),
        }
    }

    fn path(self) -> String {
        let parts = [self.user, self.network, self.client, self.place].map(|part| part.get().trim().to_owned());
        let [user, network, client, place] = &parts;
        let before = start_of_day(&self.before.get());
        let members = [
            ("user", user.as_str()),
            ("network", network.as_str()),
            ("client", client.as_str()),
            ("place", place.as_str()),
            ("signedInBefore", before.as_str()),
        ];
        query(SESSIONS, &members)
    }
}

/// The moment at which a day begins (UTC), as the server reads it; nothing where no day was chosen.
pub(super) fn start_of_day(day: &str) -> String {
    if day.is_empty() { String::new() } else { format!("{day}T00:00:00Z") }
}

/// The day whose beginning the address of the page says.
pub(super) fn day_of_address(name: &str) -> RwSignal<String> {
    let moment = of_address(name).get_untracked();
    RwSignal::new(moment.split_once('T').map_or(moment.as_str(), |(day, _)| day).to_owned())
}

/// How many pages are fetched at once while none of them has a session that fits.
const PAGES_AT_ONCE: usize = 20;

/// The next sessions that fit. A page may have none and not be the last.
async fn page(path: String, cursor: String) -> Result<AdminSessionList, Failure> {
    let mut list: AdminSessionList = next_page(path.clone(), cursor).await?;
    for _ in 1..PAGES_AT_ONCE {
        match list.next_cursor.take_if(|_| list.sessions.is_empty()) {
            Some(cursor) => list = next_page(path.clone(), cursor).await?,
            None => break,
        }
    }
    Ok(list)
}

/// The sessions of everybody, by what is looked for.
#[component]
pub(super) fn SessionsPage() -> impl IntoView {
    let filter = SessionFilter::of_address();
    let path = debounced(move || filter.path());
    let loader = Loader::<Found<AdminSessionList>>::new();
    let again = follow(loader, path);
    view! {
        <div class="page-head">
            <div class="page-head-text">
                <Heading title="Sessions" />
                <p class="page-lead">"Where people are signed in now."</p>
            </div>
        </div>
        <search class="admin-filters" aria-label="Find sessions">
            <SessionFields filter=filter />
        </search>
        {move || match loader.state().get() {
            Load::Loading => view! { <RowsSkeleton text="Loading sessions…" /> }.into_any(),
            Load::Failed(failure) => {
                let title = "The sessions could not be loaded";
                view! { <LoadFailed title=title text=failure.message() on_again=again /> }.into_any()
            }
            Load::Ready(Err(text)) => view! { <NoSuchFilter text=text /> }.into_any(),
            Load::Ready(Ok(list)) => view! { <Sessions list=list path=path.get_untracked() /> }.into_any(),
        }}
    }
    .into_any()
}

/// The fields of such a filter.
#[component]
pub(super) fn SessionFields(
    /// What is typed.
    filter: SessionFilter,
    /// What is wrong with it, by the ids of the fields.
    #[prop(optional)]
    errors: FormErrors,
    /// What a person can be named by.
    #[prop(default = "E-mail or id")]
    named_by: &'static str,
) -> impl IntoView {
    let SessionFilter { user, network, client, place, before } = filter;
    let wrong = move |id| errors.of(id);
    view! {
        <Field
            id="network"
            label="Address or network"
            example="192.0.2.0/24"
            value=network
            error=wrong("network")
        />
        <Field id="client" label="Client" example="Chrome" value=client error=wrong("client") />
        <Field id="place" label="Place" example="Berlin" value=place error=wrong("place") />
        <Field id="before" label="Signed in before" kind="date" value=before error=wrong("before") />
        <Field id="user" label="Person" example=named_by value=user error=wrong("user") />
    }
    .into_any()
}

#[component]
fn Sessions(list: AdminSessionList, path: String) -> impl IntoView {
    let permissions = expect_context::<Permissions>();
    let may_end = permissions.allow(may::SESSIONS_END);
    let rows = Rows::new(path, list.sessions, list.next_cursor);
    let more = show_more(rows, |path, cursor| async move {
        page(path, cursor).await.map(|list| (list.sessions, list.next_cursor))
    });
    let none = memo(move |_| rows.all().with(Vec::is_empty));
    view! {
        {move || none.get().then(|| no_session_fits(rows.has_more()))}
        <ul
            class="panel admin-list"
            role="list"
            aria-label="Sessions"
            hidden=none
            on:click=move |_| rows.store_place()
        >
            <For
                each=move || rows.all().get()
                key=|row| row.session.session_id
                children=move |row| {
                    let id = row.session.session_id;
                    let ended = move |()| rows.all().update(|rows| rows.retain(|row| row.session.session_id != id));
                    view! { <SessionRow row=row with_user=true may_end=may_end on_end=ended /> }
                }
            />
        </ul>
        {more}
    }
    .into_any()
}

/// In place of the list where it has no session; `so_far` where others have not been looked at.
fn no_session_fits(so_far: bool) -> AnyView {
    let (title, text) = if so_far {
        ("Nothing fits so far", "Show more looks further. End by rule counts all that fit, and shows some.")
    } else {
        ("No session fits", "Try fewer filters. What has ended is in the audit log.")
    };
    view! {
        <div role="status">
            <StateCard icon=IconName::Laptop title=title text=text />
        </div>
    }
    .into_any()
}

/// Ends a session of somebody.
fn ending(id: SessionId, device_name: &str, who: &str, on_end: Callback<()>) -> Act {
    Act::new(
        format!("End the session on {device_name}?"),
        format!("This ends 1 session of {who}. The device is signed out at once."),
        "End session",
        move |request| async move {
            let ended: AdminSessionsEnded = send(Method::Delete, session_path(id), &request).await?;
            on_end.try_run(());
            Ok::<String, Failure>(match ended.sessions_ended {
                0 => "That session had ended already.".to_owned(),
                count => format!("{} ended.", counted(count, "session")),
            })
        },
    )
}

/// Closes the connections of a session, which goes on.
fn disconnecting(id: SessionId, device_name: &str, who: &str) -> Act {
    let text = format!(
        "This closes every open connection of this device, and {who} stays signed in on it. Its pages connect again by \
         themselves; rooms only when {who} asks for it, and the others see that the connection is lost."
    );
    let done = format!("{device_name} of {who} was disconnected.");
    let act = Act::new(format!("Disconnect {device_name}?"), text, "Disconnect", move |request| {
        let done = done.clone();
        async move {
            send_for_nothing(Method::Post, disconnect_session(id), &request).await?;
            Ok::<String, Failure>(done)
        }
    });
    act.harmless().without_reason()
}

/// Which session it is, whether somebody uses it, and where it was seen last.
fn marks(session: Session) -> AnyView {
    let address = (!session.ip_address.is_empty()).then(|| view! { <Address text=session.ip_address /> });
    view! {
        {session.current.then(|| view! { <Badge tone=BadgeTone::Accent>"This device"</Badge> })}
        {session.active_now.then(|| view! { <Badge>"Active now"</Badge> })}
        <span class="small quiet">
            {session.place.map(|place| view! { <bdi>{place}</bdi> " " })} {address}
        </span>
    }
    .into_any()
}

/// One session: on what, whose, where, since when; and *Disconnect* and *End*.
#[component]
pub(super) fn SessionRow(
    /// The session, with whose it is. Its id, its device and its user stay the same.
    #[prop(into)]
    row: Signal<AdminSession>,
    /// Whether it says whose.
    with_user: bool,
    /// Whether it may be ended from here.
    #[prop(into)]
    may_end: Signal<bool>,
    /// Called once it has been.
    #[prop(into)]
    on_end: Callback<()>,
) -> impl IntoView {
    let acts = expect_context::<Acts>();
    let AdminSession { user_id, email, name, session } = row.get_untracked();
    let is_current = session.current;
    let device = session.device_info;
    let (id, device_name) = (session.session_id, device.device_name.clone());
    let who = if name.is_empty() { email } else { name };
    let summary = device.summary();
    let detail = (summary != device_name).then_some(summary);
    let end_label = format!("End the session on {device_name} of {who}");
    let disconnect_label = format!("Disconnect {device_name} of {who}");
    let end = {
        let (who, device_name) = (who.clone(), device_name.clone());
        move |()| acts.ask(ending(id, &device_name, &who, on_end))
    };
    let disconnect = {
        let (who, device_name) = (who.clone(), device_name.clone());
        move |()| acts.ask(disconnecting(id, &device_name, &who))
    };
    view! {
        <li class="admin-row">
            <div class="admin-row-main">
                <p class="admin-row-title">
                    <Icon name=device.kind size=16 />
                    <bdi>{device_name}</bdi>
                </p>
                {with_user
                    .then(|| {
                        view! {
                            <p class="admin-row-detail">
                                <a href=format!("/admin/users/{user_id}")>
                                    <bdi>{who}</bdi>
                                </a>
                            </p>
                        }
                    })}
                {detail.map(|detail| view! { <p class="admin-row-detail"><bdi>{detail}</bdi></p> })}
            </div>
            <div class="admin-row-marks">{move || marks(row.with(|row| row.session.clone()))}</div>
            <div class="admin-row-when">
                <p>"Signed in " {moment(session.created_at)}</p>
                <p>"Last active " {move || moment(row.with(|row| row.session.last_active))}</p>
            </div>
            {move || {
                (may_end.get() && !is_current)
                    .then(|| {
                        let (end, disconnect) = (end.clone(), disconnect.clone());
                        view! {
                            <div class="admin-row-action">
                                <Button small=true label=disconnect_label.clone() on_press=disconnect>
                                    "Disconnect"
                                </Button>
                                <Button emphasis=Emphasis::Danger small=true label=end_label.clone() on_press=end>
                                    "End"
                                </Button>
                            </div>
                        }
                    })
            }}
        </li>
    }
    .into_any()
}
