//! The installation at a glance: `/admin`.

use leptos::prelude::*;

use super::calls::get;
use super::chart::SignInChart;
use super::parts::{RowsSkeleton, moment, note_refusals};
use super::words::{counted, grouped, list_age};
use crate::pages::load::{Load, Loader};
use crate::pages::permissions::Permissions;
use crate::reactive::{effect, memo};
use crate::state::{Failure, clock_time, date};
use crate::ui::words::humanised;
use crate::ui::{Badge, BadgeTone, Banner, BannerTone, Heading, LoadFailed, every_in_sight};
use types::api::admin::OVERVIEW;
use types::api::{AdminOverview, JobCount, ServerState, SignInCount};

/// How often it is fetched again, in milliseconds. What it says may be some seconds old anyway.
const REFRESH_MS: u32 = 10_000;

/// What is here stays where fetching it anew fails: then only this notes that the session is too old by now.
async fn fetch(permissions: Permissions) -> Result<AdminOverview, Failure> {
    get(OVERVIEW.to_owned()).await.inspect_err(|failure| permissions.note_age(failure))
}

/// Numbers first, then how they came about, then who serves.
#[component]
pub(super) fn OverviewPage() -> impl IntoView {
    let permissions = expect_context::<Permissions>();
    let loader = Loader::<AdminOverview>::new();
    let again = loader.follow(move || loader.fetch(fetch(permissions)));
    note_refusals(loader);
    effect(move |_| {
        every_in_sight(REFRESH_MS, move || {
            // One question at a time.
            if !loader.is_under_way() {
                loader.fetch(fetch(permissions));
            }
        });
    });
    // What is here is not made anew with each answer: a table that was opened stays open.
    let overview = memo(move |_| {
        loader.state().with(|state| match state {
            Load::Ready(overview) => Some(overview.clone()),
            Load::Loading | Load::Failed(_) => None,
        })
    });
    let is_here = memo(move |_| overview.with(Option::is_some));
    view! {
        <div class="page-head">
            <div class="page-head-text">
                <Heading title="Overview" />
                <p class="page-lead">
                    {move || overview.with(|overview| overview.as_ref().map(first_line))}
                </p>
            </div>
        </div>
        {move || {
            if is_here.get() {
                view! {
                    <Numbers overview=overview />
                    <Charts overview=overview />
                    <QueuedJobs overview=overview />
                    <Servers overview=overview />
                }
                    .into_any()
            } else {
                view! { <NotHere loader=loader again=again /> }.into_any()
            }
        }}
    }
    .into_any()
}

/// In place of the numbers, until they are there.
#[component]
fn NotHere(loader: Loader<AdminOverview>, again: Callback<()>) -> impl IntoView {
    move || match loader.state().get() {
        Load::Failed(failure) => {
            let title = "The overview could not be loaded";
            view! { <LoadFailed title=title text=failure.message() on_again=again /> }.into_any()
        }
        Load::Loading | Load::Ready(_) => view! { <RowsSkeleton text="Loading the overview…" /> }.into_any(),
    }
}

/// The answer to what one comes here with.
fn first_line(overview: &AdminOverview) -> String {
    let servers = u64::try_from(overview.servers.len()).unwrap_or(u64::MAX);
    let servers = counted(servers, "server");
    match overview.live_sessions {
        Some(sessions) => format!("{} on {servers}.", counted(sessions, "session")),
        None => format!("{servers}. The sessions are not counted yet."),
    }
}

/// The sum of a part of the last 24 hours.
fn today(overview: &AdminOverview, part: fn(&SignInCount) -> u64) -> u64 {
    overview.hours.iter().map(part).sum()
}

/// The numbers, each with what it counts.
fn numbers(overview: &AdminOverview) -> [(&'static str, Option<u64>); 5] {
    [
        ("Sessions now", overview.live_sessions),
        ("Sign-ins in 24 hours", Some(today(overview, |hour| hour.sign_ins))),
        ("Refused in 24 hours", Some(today(overview, |hour| hour.failures))),
        ("Sessions ended in 24 hours", Some(overview.sessions_ended)),
        ("Jobs waiting", Some(overview.jobs.iter().map(|job| job.waiting).sum())),
    ]
}

#[component]
fn Numbers(overview: Memo<Option<AdminOverview>>) -> impl IntoView {
    let shown = move || {
        let numbers = overview.with(|overview| overview.as_ref().map(numbers));
        let number = |(name, value): (&'static str, Option<u64>)| {
            view! {
                <div>
                    <dt>{name}</dt>
                    <dd>{value.map_or_else(|| "Not counted yet".to_owned(), grouped)}</dd>
                </div>
            }
        };
        numbers.into_iter().flatten().map(number).collect_view()
    };
    view! { <dl class="admin-numbers">{shown}</dl> }.into_any()
}

/// When an hour began, where the user is.
fn of_hour(hour: &SignInCount) -> String {
    clock_time(hour.from)
}

/// The day, where the user is.
fn of_day(day: &SignInCount) -> String {
    date(day.from)
}

#[component]
fn Charts(overview: Memo<Option<AdminOverview>>) -> impl IntoView {
    let part = move |part: fn(&AdminOverview) -> Vec<SignInCount>| {
        memo(move |_| overview.with(|overview| overview.as_ref().map(part).unwrap_or_default()))
    };
    let hours = part(|overview| overview.hours.clone());
    let days = part(|overview| overview.days.clone());
    view! {
        <section class="admin-section" aria-labelledby="sign-ins">
            <h2 id="sign-ins">"Sign-ins"</h2>
            <div class="admin-charts">
                <SignInChart counts=hours span="24 hours" unit="Hour" name=of_hour />
                <SignInChart counts=days span="30 days" unit="Day" name=of_day />
            </div>
        </section>
    }
    .into_any()
}

/// The queue of jobs: mail, and the rest.
#[component]
fn QueuedJobs(overview: Memo<Option<AdminOverview>>) -> impl IntoView {
    let rows = move || {
        let jobs =
            overview.with(|overview| overview.as_ref().map(|overview| overview.jobs.clone()).unwrap_or_default());
        if jobs.is_empty() {
            return view! { <p class="quiet">"Nothing waits. Mail and other work is done as it comes."</p> }.into_any();
        }
        let rows = jobs.iter().map(queued_row).collect_view();
        view! { <ul class="panel admin-list" role="list" aria-label="Waiting work">{rows}</ul> }.into_any()
    };
    view! {
        <section class="admin-section" aria-labelledby="waiting">
            <h2 id="waiting">"Waiting work"</h2>
            {rows}
        </section>
    }
    .into_any()
}

fn queued_row(job: &JobCount) -> AnyView {
    let mark = |count: u64, what: &'static str| {
        (count > 0).then(|| view! { <Badge tone=BadgeTone::Warning>{format!("{} {what}", grouped(count))}</Badge> })
    };
    view! {
        <li class="admin-row">
            <div class="admin-row-main">
                <p class="admin-row-title">{humanised(&job.kind)}</p>
            </div>
            <div class="admin-row-marks">{mark(job.retrying, "tried again")} {mark(job.dead, "given up")}</div>
            <p class="admin-row-when">{format!("{} waiting", grouped(job.waiting))}</p>
        </li>
    }
    .into_any()
}

/// Every server, and whether its settings agree with those of the one that answers.
#[component]
fn Servers(overview: Memo<Option<AdminOverview>>) -> impl IntoView {
    let servers = memo(move |_| {
        overview.with(|overview| overview.as_ref().map(|overview| overview.servers.clone()).unwrap_or_default())
    });
    let differ = memo(move |_| servers.with(|servers| servers.iter().any(|server| !server.differences.is_empty())));
    view! {
        <section class="admin-section" aria-labelledby="servers">
            <h2 id="servers">"Servers"</h2>
            {move || {
                differ
                    .get()
                    .then(|| {
                        view! {
                            <Banner tone=BannerTone::Warning>
                                <p class="banner-text">"Not all servers have the same settings. They should."</p>
                            </Banner>
                        }
                    })
            }}
            <ul class="panel admin-list" role="list" aria-label="Servers">
                {move || servers.get().into_iter().map(|server| view! { <Server server=server /> }).collect_view()}
            </ul>
        </section>
    }
    .into_any()
}

#[component]
fn Server(server: ServerState) -> impl IntoView {
    let age = list_age(&server);
    let version = server.version.map_or_else(|| "Version unknown".to_owned(), |version| format!("Version {version}"));
    let is_same = server.differences.is_empty();
    let differences = server.differences.into_iter().map(|difference| {
        let text = format!("{}: {} here, {} there", difference.setting, difference.here, difference.there);
        view! { <p class="admin-row-detail">{text}</p> }
    });
    view! {
        <li class="admin-row">
            <div class="admin-row-main">
                <p class="admin-row-title">
                    <bdi>{server.name}</bdi>
                </p>
                <p class="admin-row-detail">{format!("{version} · {age}")}</p>
                {differences.collect_view()}
            </div>
            <div class="admin-row-marks">
                {server.current.then(|| view! { <Badge tone=BadgeTone::Accent>"Answers you"</Badge> })}
                {if is_same {
                    view! { <Badge>"Settings agree"</Badge> }.into_any()
                } else {
                    view! { <Badge tone=BadgeTone::Warning>"Settings differ"</Badge> }.into_any()
                }}
            </div>
            <p class="admin-row-when">"Seen " {moment(server.seen_at)}</p>
        </li>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::domain::Timestamp;

    #[test]
    fn the_numbers_are_sums_of_what_the_server_says() {
        let at = Timestamp::from_millis(0);
        let hour = |sign_ins, failures| SignInCount { from: at, sign_ins, failures };
        let overview = AdminOverview {
            at,
            live_sessions: Some(1_204),
            hours: vec![hour(2, 1), hour(3, 0)],
            days: vec![hour(9, 9)],
            sessions_ended: 7,
            jobs: vec![JobCount { kind: "mail".to_owned(), waiting: 4, retrying: 1, dead: 0 }],
            servers: Vec::new(),
        };
        assert_eq!(numbers(&overview).map(|(_, value)| value), [1_204, 5, 1, 7, 4].map(Some));
        assert_eq!(first_line(&overview), "1,204 sessions on 0 servers.");
        let uncounted = AdminOverview { live_sessions: None, ..overview.clone() };
        assert_eq!(first_line(&uncounted), "0 servers. The sessions are not counted yet.");
        assert_eq!(numbers(&uncounted)[0], ("Sessions now", None));
    }
}
