//! What happened to the account: `/activity`.

use std::collections::HashSet;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::activity_words::{ActivityItem, of_account};
use crate::pages::load::{Load, Loader};
use crate::reactive::memo;
use crate::state::{Auth, Events, Failure, Now, Toasts, date, full_time};
use crate::ui::{Address, Bar, Button, Heading, Icon, IconName, LoadFailed, Loading, RelativeTime, StateCard};
use types::api::{Activity, ActivityEntry, ServerEvent};
use types::domain::{SessionId, Timestamp};

/// The times that are shown relative to now.
const RECENT: Duration = Duration::from_hours(24);

/// What happened to the account, newest first.
#[component]
pub fn ActivityPage() -> impl IntoView {
    let auth = expect_context::<Auth>();
    let in_person = auth.in_person();
    let loader = Loader::<Activity>::new();
    let again = loader.follow(move || loader.fetch(async move { auth.activity(None).await }));
    view! {
        <div class="page">
            <div class="page-head">
                <div class="page-head-text">
                    <Heading title="Activity" />
                    // Nobody changes the password of another.
                    {move || {
                        in_person
                            .get()
                            .then(|| {
                                view! {
                                    <p class="page-lead">
                                        "Something you don’t remember? "
                                        <a href="/profile#password">"Change your password"</a> "."
                                    </p>
                                }
                            })
                    }}
                </div>
            </div>
            {move || match loader.state().get() {
                Load::Loading => view! { <ActivitySkeleton /> }.into_any(),
                Load::Failed(failure) => {
                    let title = "Your activity could not be loaded";
                    view! { <LoadFailed title=title text=failure.message() on_again=again /> }.into_any()
                }
                Load::Ready(activity) if activity.entries.is_empty() => {
                    view! {
                        <StateCard
                            icon=IconName::Bell
                            title="Nothing has happened yet"
                            text="Sign-ins, sign-outs and changes will be listed here."
                        />
                    }
                        .into_any()
                }
                Load::Ready(activity) => view! { <Entries first=activity /> }.into_any(),
            }}
        </div>
    }
    .into_any()
}

/// The entries fetched so far, and a button for more.
#[component]
fn Entries(first: Activity) -> impl IntoView {
    let auth = expect_context::<Auth>();
    let toasts = expect_context::<Toasts>();
    let entries = RwSignal::new(first.entries);
    let cursor = RwSignal::new(first.next_cursor);
    let busy = RwSignal::new(false);
    let more = move |()| {
        busy.set(true);
        spawn_local(async move {
            match auth.activity(cursor.get_untracked()).await {
                Ok(page) => {
                    entries.try_update(|entries| entries.extend(page.entries));
                    cursor.try_set(page.next_cursor);
                }
                Err(Failure::SignedOut) => {}
                Err(failure) => toasts.error(format!("Older activity could not be loaded. {}", failure.message())),
            }
            busy.try_set(false);
        });
    };
    follow(auth, entries);
    let now = expect_context::<Now>();
    let days = memo(move |_| entries.with(|entries| by_day(entries, now.server_now())));
    view! {
        <For each=move || days.get() key=|(day, entries)| (day.clone(), entries.len()) let((day, entries))>
            <section>
                <h2 class="timeline-day">{day}</h2>
                <ol class="panel" role="list">
                    {entries.into_iter().map(|entry| view! { <Entry entry=entry /> }).collect_view()}
                </ol>
            </section>
        </For>
        {move || {
            cursor
                .with(Option::is_some)
                .then(|| {
                    view! {
                        <div class="timeline-more">
                            <Button busy=busy on_press=more>
                                "Show older activity"
                            </Button>
                        </div>
                    }
                })
        }}
    }
    .into_any()
}

/// Puts what happens meanwhile on top of the entries.
fn follow(auth: Auth, entries: RwSignal<Vec<ActivityEntry>>) {
    let fetch = move || {
        spawn_local(async move {
            // What is missed now is there with the next event.
            let Ok(newest) = auth.activity(None).await else { return };
            entries.try_update(|entries| {
                let known: HashSet<String> = entries.iter().map(|entry| entry.id.clone()).collect();
                let new_entries = newest.entries.into_iter().filter(|entry| !known.contains(&entry.id));
                entries.splice(0..0, new_entries.collect::<Vec<_>>());
            });
        });
    };
    let is_open = StoredValue::new(false);
    expect_context::<Events>().subscribe(move |event| {
        match event {
            // Only where the stream was open before may something have been missed.
            ServerEvent::Hello(_) if !is_open.get_value() => {
                is_open.set_value(true);
                return;
            }
            // Being in use is no event of the account.
            ServerEvent::SessionUpdated(update) if update.device_name.is_none() => return,
            ServerEvent::SessionExpiring(_) => return,
            _ => {}
        }
        fetch();
    });
}

/// Entries in their order, under the day each happened on where the user is.
fn by_day(entries: &[ActivityEntry], now: Timestamp) -> Vec<(String, Vec<ActivityEntry>)> {
    let day = |entry: &ActivityEntry| day_of(entry.at, now);
    entries
        .chunk_by(|one, other| day(one) == day(other))
        .filter_map(|run| Some((day(run.first()?), run.to_vec())))
        .collect()
}

/// The day of a moment where the user is, such as *Today* or *12 Nov*.
pub(super) fn day_of(at: Timestamp, now: Timestamp) -> String {
    if date(at) == date(now) { "Today".to_owned() } else { date(at) }
}

#[component]
fn Entry(entry: ActivityEntry) -> impl IntoView {
    let item = of_account(&entry);
    let device = entry.device_name.clone().zip(entry.session_id);
    view! { <Row item=item at=entry.at device=device place=entry.place ip_address=entry.ip_address /> }
}

/// One moment: what and why, on which device where that is not plain, where, when.
#[component]
pub(super) fn Row(
    item: ActivityItem,
    at: Timestamp,
    #[prop(optional_no_strip)] device: Option<(String, SessionId)>,
    #[prop(optional_no_strip)] place: Option<String>,
    ip_address: String,
) -> impl IntoView {
    let now = expect_context::<Now>().now();
    // Words for what is recent, the time of day for the rest: the day stands above.
    let recent = memo(move |_| now.get().since(at) < RECENT);
    let when = move || {
        if recent.get() {
            view! { <RelativeTime at=at now=now day=date full=full_time /> }.into_any()
        } else {
            view! {
                <time datetime=at.to_string() title=full_time(at)>
                    <bdi>{crate::state::clock_time(at)}</bdi>
                </time>
            }
            .into_any()
        }
    };
    let device = device.map(|(name, id)| {
        view! {
            <li class="timeline-device">
                <a href=format!("/devices/{id}")>
                    <bdi>{name}</bdi>
                </a>
            </li>
        }
    });
    let place = place.map(|place| view! { <bdi>{place}</bdi> " " });
    let address = (!ip_address.is_empty()).then(|| view! { <Address text=ip_address /> });
    let whence =
        (place.is_some() || address.is_some()).then(|| view! { <li class="timeline-where">{place} {address}</li> });
    view! {
        <li class="timeline-row">
            <span class="timeline-icon" data-tone=item.tone>
                <Icon name=item.icon size=16 />
            </span>
            <div>
                <p class="timeline-what">
                    <bdi>{item.title}</bdi>
                </p>
                {item.why.map(|why| view! { <p class="timeline-detail"><bdi>{why}</bdi></p> })}
            </div>
            <ul class="facts timeline-facts" role="list">
                {device} {whence}
            </ul>
            <span class="timeline-when">{when}</span>
        </li>
    }
    .into_any()
}

/// Rows with the measure of real ones.
#[component]
pub(super) fn ActivitySkeleton() -> impl IntoView {
    let row = || {
        view! {
            <div class="timeline-row">
                <span class="timeline-icon"></span>
                <div>
                    <p class="timeline-what">
                        <Bar width="bar-10" />
                    </p>
                    <p class="timeline-detail">
                        <Bar width="bar-16" />
                    </p>
                </div>
            </div>
        }
    };
    view! {
        <Loading text="Loading…">
            <p class="timeline-day">
                <Bar width="bar-3" />
            </p>
            <div class="panel">{row()} {row()} {row()} {row()}</div>
        </Loading>
    }
    .into_any()
}
