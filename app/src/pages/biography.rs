//! The life of one device's session: `/devices/:id`.

use std::fmt::Write as _;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::activity::{ActivitySkeleton, Row};
use super::activity_words::told_briefly;
use super::load::{Load, Loader};
use crate::api::{Biography, Session};
use crate::domain::SessionId;
use crate::state::{Auth, Failure, date, full_time};
use crate::ui::words::with_method;
use crate::ui::{Button, Emphasis, Heading, Icon, Picture, StateCard};

/// The life of one device's session, oldest first.
#[component]
pub fn BiographyPage() -> impl IntoView {
    let auth = expect_context::<Auth>();
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")?.parse::<SessionId>().ok()));
    let loader = Loader::<Biography>::new();
    let session = auth.session_id();
    let devices = Loader::<Vec<Session>>::new();
    let fetch = move || {
        if let Some(id) = id.get() {
            loader.fetch(async move { auth.biography(id).await });
            devices.fetch(async move { auth.list_sessions().await });
        }
    };
    Effect::new(move |_| {
        if session.get().is_some() {
            fetch();
        }
    });
    let again = move |()| {
        loader.reset();
        fetch();
    };
    let title = Signal::derive(move || {
        loader.state().with(|state| match state {
            Load::Ready(biography) => biography.device_name.clone(),
            Load::Loading | Load::Failed(_) => "Device history".to_owned(),
        })
    });
    view! {
        <div class="page page-narrow">
            <a class="back-link" href="/devices">
                <Icon picture=Picture::Back size=16 />
                "Devices"
            </a>
            <div class="page-head">
                <div class="page-head-text">
                    <Heading title=title>
                        <bdi>{move || title.get()}</bdi>
                    </Heading>
                    <p class="page-lead">"What this device’s session has been through, from the beginning."</p>
                    <Standing devices=devices id=id />
                </div>
                {move || loader.state().with(|state| match state {
                    Load::Ready(biography) => Some(view! { <Export biography=biography.clone() /> }),
                    Load::Loading | Load::Failed(_) => None,
                })}
            </div>
            {move || match (id.get(), loader.state().get()) {
                (None, _) => view! { <Unknown /> }.into_any(),
                (_, Load::Failed(failure)) if failure.code() == Some("not-found") => view! { <Unknown /> }.into_any(),
                (_, Load::Failed(failure)) => view! { <BiographyFailed failure=failure on_again=again /> }.into_any(),
                (_, Load::Loading) => view! { <ActivitySkeleton /> }.into_any(),
                (_, Load::Ready(biography)) => view! { <Life biography=biography /> }.into_any(),
            }}
        </div>
    }
    .into_any()
}

/// How the session stands, while it lives: what a phone has no room for in the list of devices.
#[component]
fn Standing(devices: Loader<Vec<Session>>, id: Memo<Option<SessionId>>) -> impl IntoView {
    let session = Memo::new(move |_| {
        devices.state().with(|state| match state {
            Load::Ready(sessions) => sessions.iter().find(|session| Some(session.session_id) == id.get()).cloned(),
            Load::Loading | Load::Failed(_) => None,
        })
    });
    move || {
        session.get().map(|session| {
            view! {
                <p class="small quiet">
                    "Signed in " {with_method(session.signed_in_with)} ". Expires "
                    <time datetime=session.expires_at.to_string() title=full_time(session.expires_at)>
                        {date(session.expires_at)}
                    </time> "."
                </p>
            }
        })
    }
}

#[component]
fn Life(biography: Biography) -> impl IntoView {
    let told = told_briefly(&biography.entries);
    told.chunk_by(|(one, _), (other, _)| date(one.at) == date(other.at))
        .map(|day| {
            let rows = day
                .iter()
                .cloned()
                .map(
                    |(entry, happening)| view! { <Row happening=happening at=entry.at facts=vec![entry.ip_address] /> },
                )
                .collect_view();
            let name = day.first().map(|(entry, _)| date(entry.at));
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
fn Export(biography: Biography) -> impl IntoView {
    let json = serde_json::to_string_pretty(&biography).unwrap_or_default();
    let name = format!("device-history-{}.json", biography.session_id);
    view! {
        <a class="button" href=data_url(&json) download=name rel="external">
            "Export"
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
            picture=Picture::Unknown
            title="No such device"
            text="It may have been signed out a while ago: what happened to it is kept for some days only."
        >
            <a class="button" href="/devices">
                "Go to your devices"
            </a>
        </StateCard>
    }
    .into_any()
}

#[component]
fn BiographyFailed(failure: Failure, #[prop(into)] on_again: Callback<()>) -> impl IntoView {
    view! {
        <StateCard picture=Picture::Offline title="The history could not be loaded" text=failure.message()>
            <Button emphasis=Emphasis::Primary on_press=on_again>
                "Try again"
            </Button>
        </StateCard>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_survives_in_an_address() {
        assert_eq!(
            data_url("{\"a\":\"é #\"}"),
            "data:application/json;charset=utf-8,%7B%22a%22%3A%22%C3%A9%20%23%22%7D"
        );
    }
}
