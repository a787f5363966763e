//! The audit log: looked through, followed live, taken along: `/admin/audit`.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::calls::{Found, get, next_page, query, with_member};
use super::parts::{
    Check, Field, NoSuchFilter, Rows, RowsSkeleton, Select, ask_in_sight, debounced, follow, moment, of_address, party,
    show_more,
};
use super::sessions::{day_of_address, start_of_day};
use super::words::{action_words, known_action, why};
use crate::pages::load::{Load, Loader};
use crate::pages::permissions::Permissions;
use crate::reactive::effect;
use crate::state::{Failure, Toasts, download};
use crate::ui::{Address, Button, Heading, IconName, LoadFailed, StateCard};
use types::api::admin::{AUDIT, AUDIT_EXPORT};
use types::api::{AuditEntry, AuditPage};
use types::words::permissions as may;
use types::words::{AuditAction, AuditFormat};

/// How often newer entries are asked for while the log is followed, in milliseconds.
const FOLLOW_MS: u32 = 3_000;
/// How many of them at once.
const MOST_NEWER: &str = "200";

/// What is looked for.
#[derive(Clone, Copy)]
struct Filter {
    action: RwSignal<String>,
    user: RwSignal<String>,
    actor: RwSignal<String>,
    address: RwSignal<String>,
    /// Days, as browsers write them.
    from: RwSignal<String>,
    to: RwSignal<String>,
}

impl Filter {
    /// What the address of the page says, in the words of the call.
    fn of_address() -> Self {
        Self {
            action: of_address("action"),
            user: of_address("user"),
            actor: of_address("actor"),
            address: of_address("address"),
            from: day_of_address("from"),
            to: day_of_address("to"),
        }
    }

    /// What is looked for, as a query behind a path.
    fn behind(self, path: &str, format: &str) -> String {
        let parts = [self.action, self.user, self.actor, self.address].map(|part| part.get().trim().to_owned());
        let [action, user, actor, address] = &parts;
        let (from, to) = (start_of_day(&self.from.get()), start_of_day(&self.to.get()));
        let members = [
            ("action", action.as_str()),
            ("user", user.as_str()),
            ("actor", actor.as_str()),
            ("address", address.as_str()),
            ("from", from.as_str()),
            ("to", to.as_str()),
            ("format", format),
        ];
        query(path, &members)
    }
}

/// The audit log, newest first.
#[component]
pub(super) fn AuditLog() -> impl IntoView {
    let filter = Filter::of_address();
    let path = debounced(move || filter.behind(AUDIT, ""));
    let following = RwSignal::new(true);
    let loader = Loader::<Found<AuditPage>>::new();
    let again = follow(loader, path);
    view! {
        <div class="page-head">
            <div class="page-head-text">
                <Heading title="Audit log" />
                <p class="page-lead">"What happened, to whom, by whom. Nothing in it can be changed."</p>
            </div>
            <Exports filter=filter />
        </div>
        <Filters filter=filter />
        <Check
            label="Show new entries as they come"
            checked=true
            on_change=move |is_so: bool| following.set(is_so)
        />
        {move || match loader.state().get() {
            Load::Loading => view! { <RowsSkeleton text="Loading the audit log…" /> }.into_any(),
            Load::Failed(failure) => {
                let title = "The audit log could not be loaded";
                view! { <LoadFailed title=title text=failure.message() on_again=again /> }.into_any()
            }
            Load::Ready(Err(text)) => view! { <NoSuchFilter text=text /> }.into_any(),
            Load::Ready(Ok(log)) => {
                view! { <Entries log=log path=path.get_untracked() following=following /> }.into_any()
            }
        }}
    }
    .into_any()
}

#[component]
fn Filters(filter: Filter) -> impl IntoView {
    let mut actions: Vec<_> =
        AuditAction::ALL.into_iter().map(|it| (it.as_str().to_owned(), known_action(it).to_owned())).collect();
    actions.sort_by(|one, other| one.1.cmp(&other.1));
    actions.insert(0, (String::new(), "Anything".to_owned()));
    view! {
        <search class="admin-filters" aria-label="Find entries">
            <Select id="action" label="What happened" value=filter.action options=actions />
            <Field id="user" label="Whom it concerns" example="E-mail or id" value=filter.user />
            <Field id="actor" label="Who did it" example="E-mail or id" value=filter.actor />
            <Field id="address" label="Address" example="192.0.2.17" value=filter.address />
            <Field id="from" label="From" kind="date" value=filter.from />
            <Field id="to" label="Before" kind="date" value=filter.to />
        </search>
    }
    .into_any()
}

/// Downloads of what is looked for.
#[component]
fn Exports(filter: Filter) -> impl IntoView {
    let permissions = expect_context::<Permissions>();
    let toasts = expect_context::<Toasts>();
    let busy = RwSignal::new(false);
    let export = move |format: AuditFormat| {
        let path = untrack(|| filter.behind(AUDIT_EXPORT, format.as_str()));
        busy.set(true);
        spawn_local(async move {
            match download(&path, format.file_name(), format.media_type()).await {
                Ok(()) => toasts.info("The audit log is here. Your browser saves it."),
                Err(Failure::SignedOut) => {}
                Err(failure) => {
                    permissions.note(&failure);
                    toasts.error(format!("The audit log could not be exported. {}", failure.message()));
                }
            }
            busy.try_set(false);
        });
    };
    let ndjson = move |()| export(AuditFormat::Ndjson);
    let csv = move |()| export(AuditFormat::Csv);
    move || {
        permissions.allow(may::AUDIT_EXPORT).then(|| {
            view! {
                <div class="button-row">
                    <Button busy=busy on_press=ndjson>
                        "Export NDJSON"
                    </Button>
                    <Button busy=busy on_press=csv>
                        "Export CSV"
                    </Button>
                </div>
            }
        })
    }
}

/// The entries fetched so far, with new ones on top while they are followed.
#[component]
fn Entries(log: AuditPage, path: String, following: RwSignal<bool>) -> impl IntoView {
    let AuditPage { entries, next_cursor, newest_cursor } = log;
    let rows = Rows::new(path.clone(), entries, next_cursor);
    show_newer(rows, path, newest_cursor, following);
    let more = show_more(rows, |path, cursor| async move {
        next_page::<AuditPage>(path, cursor).await.map(|log| (log.entries, log.next_cursor))
    });
    let is_empty = move || rows.all().with(Vec::is_empty);
    view! {
        {move || {
            is_empty()
                .then(|| {
                    view! {
                        <div role="status">
                            <StateCard
                                icon=IconName::Bell
                                title="Nothing fits"
                                text="No entry is about all of that. New ones are shown here as they come."
                            />
                        </div>
                    }
                })
        }}
        <ol
            class="panel admin-list"
            role="list"
            aria-label="Entries"
            hidden=is_empty
            on:click=move |_| rows.store_place()
        >
            <For
                each=move || rows.all().get()
                key=|entry| entry.id.clone()
                children=move |entry| view! { <Entry entry=entry /> }
            />
        </ol>
        {more}
    }
    .into_any()
}

/// Puts newer entries on top, as long as the log is followed.
fn show_newer(rows: Rows<AuditEntry>, path: String, newest: Option<String>, following: RwSignal<bool>) {
    let newest = StoredValue::new(newest);
    let permissions = expect_context::<Permissions>();
    effect(move |_| {
        if !following.get() {
            return;
        }
        let path = path.clone();
        ask_in_sight(FOLLOW_MS, move || {
            let newer = match newest.get_value() {
                Some(cursor) => with_member(&with_member(&path, "after", &cursor), "limit", MOST_NEWER),
                None => path.clone(),
            };
            async move {
                match get::<AuditPage>(newer).await {
                    Ok(log) => {
                        if log.newest_cursor.is_some() {
                            newest.try_set_value(log.newest_cursor);
                        }
                        rows.put_on_top(log.entries, |entry| &entry.id);
                    }
                    Err(failure) => permissions.note_age(&failure),
                }
            }
        });
    });
}

#[component]
fn Entry(entry: AuditEntry) -> impl IntoView {
    let why = why(entry.reason.as_ref(), entry.client_reason.as_deref(), entry.roles.as_ref());
    let user = entry.user.map(party);
    let actor = entry.actor.map(|actor| view! { <span>"By " {party(actor)}</span> });
    let address = (!entry.ip_address.is_empty()).then(|| view! { <Address text=entry.ip_address /> });
    view! {
        <li class="admin-row">
            <div class="admin-row-main">
                <p class="admin-row-title">{action_words(&entry.action)}</p>
                <p class="admin-row-detail">{user}</p>
                {why.map(|why| view! { <p class="admin-row-detail"><bdi>{why}</bdi></p> })}
                {entry.detail.map(|detail| view! { <p class="admin-row-detail"><bdi>{detail}</bdi></p> })}
            </div>
            <div class="admin-row-marks small quiet">{actor} {address}</div>
            <p class="admin-row-when">{moment(entry.at)}</p>
        </li>
    }
    .into_any()
}
