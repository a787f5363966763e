//! Ends by rule that there are and were, of everybody, each with how far it is.

use leptos::prelude::*;

use super::calls::{get, next_page, query};
use super::parts::{Rows, ask_in_sight, moment, note_refusals, party, show_more};
use super::words::{progress, rule_title};
use crate::pages::load::{Load, Loader};
use crate::pages::permissions::Permissions;
use crate::reactive::{effect, memo};
use crate::state::Failure;
use crate::ui::{Badge, Banner, BannerTone, Button, LoadFailed};
use types::api::admin::{END_RUNS, end_run};
use types::api::{EndRun, EndRunList};
use types::words::{EndRunStatus, ProblemCode};

/// How often it is asked how far an end by rule is, in milliseconds.
const POLL_MS: u32 = 500;
/// The same, of one that is shown among others.
const LISTED_POLL_MS: u32 = 2_000;
/// How often it is asked whether others have begun one, in milliseconds.
const NEWER_MS: u32 = 3_000;
/// How many are shown at first.
const ROWS: &str = "10";

/// An end by rule that fills in while sessions end.
#[derive(Clone, Copy)]
struct Followed {
    run: RwSignal<EndRun>,
    /// Whether it goes no further.
    done: Memo<bool>,
    /// Whether it could not be asked how far it is.
    failed: RwSignal<bool>,
    /// Whether that is not asked any more: it is done, or there is nobody to ask.
    over: Memo<bool>,
}

/// Whether asking again would be answered the same.
fn is_final(failure: &Failure) -> bool {
    let code = failure.code();
    [ProblemCode::NotFound, ProblemCode::PermissionRequired, ProblemCode::AdminSessionTooOld]
        .into_iter()
        .any(|last| code == Some(last))
}

/// Asks how far it is until it is done, while the page is in sight. Call it from the component that shows it.
fn follow_run(run: EndRun, poll_ms: u32) -> Followed {
    let permissions = expect_context::<Permissions>();
    let id = StoredValue::new(run.id.clone());
    let run = RwSignal::new(run);
    let failed = RwSignal::new(false);
    let done = memo(move |_| run.with(|run| run.finished_at.is_some()));
    let gone = RwSignal::new(false);
    let over = memo(move |_| done.get() || gone.get());
    effect(move |_| {
        if over.get() {
            return;
        }
        ask_in_sight(poll_ms, move || async move {
            let Some(id) = id.try_get_value() else { return };
            let answer = get::<EndRun>(end_run(&id)).await;
            failed.try_set(answer.is_err());
            match answer {
                Ok(newer) => {
                    run.try_set(newer);
                }
                Err(failure) => {
                    permissions.note(&failure);
                    gone.try_set(is_final(&failure));
                }
            }
        });
    });
    Followed { run, done, failed, over }
}

/// What it ends, as a title.
fn title_of(run: &EndRun) -> String {
    let email = run.user.as_ref().and_then(|user| user.email.as_deref());
    run.rule
        .as_ref()
        .map_or_else(|| "Sessions by a rule that is not shown to you".to_owned(), |rule| rule_title(rule, email))
}

/// What it ends and why, in a sentence or two.
fn about(run: &EndRun) -> String {
    let reason = run.reason.as_ref().map(|reason| format!(" Reason given: {reason}")).unwrap_or_default();
    format!("{}.{reason}", title_of(run))
}

/// How many have ended of how many, for a bar.
fn numbers(run: &EndRun) -> (String, String) {
    let total = run.total.unwrap_or(0).max(run.ended).max(1);
    (run.ended.to_string(), total.to_string())
}

/// The receipt of an end by rule that was begun here.
#[component]
pub(super) fn Progress(
    /// As it was when it began, or when the page was opened.
    run: EndRun,
    /// Called when whoever asked has seen that it is done.
    #[prop(into)]
    on_close: Callback<()>,
) -> impl IntoView {
    let about = about(&run);
    let Followed { run, done, failed, over } = follow_run(run, POLL_MS);
    let title = move || match run.with(|run| (run.finished_at.is_some(), run.status.known())) {
        (_, Some(EndRunStatus::Stopped)) => "Ending sessions was stopped",
        (true, _) => "Sessions ended",
        (false, _) => "Ending sessions",
    };
    let text = move || run.with(progress);
    let ended = move || run.with(numbers).0;
    let total = move || run.with(numbers).1;
    // Said when it begins and when it is done, and not with each number.
    let spoken = memo(move |_| if done.get() { untrack(text) } else { "The sessions are being ended.".to_owned() });
    view! {
        <section class="admin-section" aria-labelledby="progress">
            <h2 id="progress">{title}</h2>
            <p class="quiet">{about}</p>
            <p class="heard" role="status">
                {move || spoken.get()}
            </p>
            <progress class="admin-progress" aria-labelledby="progress" value=ended max=total></progress>
            <p class="admin-preview">{text}</p>
            {move || {
                failed
                    .get()
                    .then(|| {
                        view! {
                            <Banner tone=BannerTone::Warning>
                                <p class="banner-text">
                                    "How far it is can’t be asked at the moment. It goes on without this page."
                                </p>
                            </Banner>
                        }
                    })
            }}
            {move || {
                over.get()
                    .then(|| {
                        view! {
                            <div class="settings-actions">
                                <Button on_press=on_close>"Done"</Button>
                            </div>
                        }
                    })
            }}
        </section>
    }
    .into_any()
}

/// All others, the newest first. Nothing where there is none.
#[component]
pub(super) fn EndRuns(
    /// The id of the one that is shown already.
    #[prop(into)]
    shown: Signal<Option<String>>,
) -> impl IntoView {
    let path = query(END_RUNS, &[("limit", ROWS)]);
    let path = StoredValue::new(path);
    let loader = Loader::<EndRunList>::new();
    // What was shown above belongs here once it is not any more. A memo that is not read follows nothing.
    let again = loader.follow(move || {
        shown.with(|_| ());
        loader.fetch(get(path.get_value()));
    });
    note_refusals(loader);
    view! {
        {move || match loader.state().get() {
            Load::Loading => ().into_any(),
            Load::Failed(failure) => {
                let title = "What was ended by rule could not be loaded";
                view! { <LoadFailed title=title text=failure.message() on_again=again /> }.into_any()
            }
            Load::Ready(list) => view! { <Runs list=list path=path.get_value() shown=shown /> }.into_any(),
        }}
    }
    .into_any()
}

#[component]
fn Runs(list: EndRunList, path: String, shown: Signal<Option<String>>) -> impl IntoView {
    let rows = Rows::new(path.clone(), list.runs, list.next_cursor);
    let permissions = expect_context::<Permissions>();
    // What others begin meanwhile.
    ask_in_sight(NEWER_MS, move || {
        let newest = get::<EndRunList>(path.clone());
        async move {
            match newest.await {
                Ok(list) => rows.put_on_top(list.runs, |run| &run.id),
                Err(failure) => permissions.note_age(&failure),
            }
        }
    });
    let more = show_more(rows, |path, cursor| async move {
        next_page::<EndRunList>(path, cursor).await.map(|list| (list.runs, list.next_cursor))
    });
    let others = memo(move |_| {
        let is_other = |run: &&EndRun| shown.with(|shown| shown.as_ref() != Some(&run.id));
        rows.all().with(|runs| runs.iter().filter(is_other).cloned().collect::<Vec<_>>())
    });
    let none = memo(move |_| others.with(Vec::is_empty));
    view! {
        <section class="admin-section" aria-labelledby="runs" hidden=none>
            <h2 id="runs">"Ended by rule so far"</h2>
            <ul class="panel admin-list" role="list" aria-labelledby="runs">
                <For each=move || others.get() key=|run| run.id.clone() children=|run| view! { <RunRow run=run /> } />
            </ul>
            {more}
        </section>
    }
    .into_any()
}

/// One of them: by which rule, how far it is, who asked, why and when.
#[component]
fn RunRow(run: EndRun) -> impl IntoView {
    let by = run.actor.clone().map(|actor| view! { "by " {party(actor)} });
    let rule = title_of(&run);
    let (created_at, reason) = (run.created_at, run.reason.clone());
    let Followed { run, done, .. } = follow_run(run, LISTED_POLL_MS);
    let label = format!("How far it is: {rule}");
    let bar = move || {
        let (ended, total) = (move || run.with(numbers).0, move || run.with(numbers).1);
        let label = label.clone();
        (!done.get())
            .then(|| view! { <progress class="admin-progress" aria-label=label value=ended max=total></progress> })
    };
    let mark = move || match run.with(|run| run.status.known()) {
        Some(EndRunStatus::Waiting) => Some("Waiting"),
        Some(EndRunStatus::Ending) => Some("Ending"),
        Some(EndRunStatus::Stopped) => Some("Stopped"),
        Some(EndRunStatus::Done) | None => None,
    };
    view! {
        <li class="admin-row admin-run">
            <div class="admin-row-main">
                <p class="admin-row-title">
                    <bdi>{rule}</bdi>
                </p>
                <p class="admin-row-detail">{move || run.with(progress)}</p>
                {reason.map(|reason| view! { <p class="admin-row-detail">"Reason given: " <bdi>{reason}</bdi></p> })}
                {bar}
            </div>
            <div class="admin-row-marks">
                {move || mark().map(|mark| view! { <Badge>{mark}</Badge> })} <span class="small quiet">{by}</span>
            </div>
            <div class="admin-row-when">
                <p>{moment(created_at)}</p>
            </div>
        </li>
    }
    .into_any()
}
