//! Refreshing tokens, beside the cheapest thing that a database can be asked to keep.

use std::net::SocketAddr;
use std::time::{Duration, Instant};
use types::words::HistoryKind;

use types::api::paths;
use uuid::Uuid;

use super::load::finished;
use super::report::{ReportSection, Table, cells};
use super::set_up::{Device, SetUp};
use super::statistics::{Percentiles, Spread, times};
use super::wire::{HttpClient, post};
use super::{Bench, BenchError, Filling, failed};
use crate::clock::{Clock as _, SystemClock};
use crate::random::{OsRandom, uuid_v7};
use crate::store::NewHistoryEntry;

/// Devices that refresh at once.
const DEVICES: usize = 8;

pub async fn measure(bench: &mut Bench) -> Result<ReportSection, BenchError> {
    let database = bench.database(Filling::Nothing).await?;
    let set_up = bench.set_up(&database).await?;
    let mut devices = set_up.sign_in(DEVICES).await?;
    let server = bench.serve(&database)?;
    let (rounds, length) = (bench.either(5, 2), Duration::from_secs(bench.either(4, 2)));
    let (mut refreshes, mut commits) = (Vec::new(), Vec::new());
    let (mut refresh_rates, mut commit_rates, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=rounds {
        bench.note(&format!("refreshing, round {round} of {rounds}"));
        let (took, rate) = commit(&set_up, &devices, length).await?;
        commits.extend(took);
        commit_rates.push(rate);
        let before = server.cpu()?;
        let took = refresh(server.address(), &mut devices, length)?;
        let count = f64::from(u32::try_from(took.len()).unwrap_or(u32::MAX));
        cpu.push((server.cpu()?.saturating_sub(before)).as_secs_f64() * 1e6 / count);
        refresh_rates.push(count / length.as_secs_f64());
        refreshes.extend(took);
    }
    set_up.close().await;

    let (refreshes, commits) = (Percentiles::of(refreshes), Percentiles::of(commits));
    let mut table = Table::new(["", "a second", "CPU of the server each, µs", "p50", "p99", "worst"]);
    let [p50, p99, worst] = cells(&commits);
    table.row(["a bare INSERT".to_owned(), Spread::of(commit_rates.clone()).show(0), String::new(), p50, p99, worst]);
    let [p50, p99, worst] = cells(&refreshes);
    table.row([
        format!("`POST {}`", paths::REFRESH),
        Spread::of(refresh_rates.clone()).show(0),
        Spread::of(cpu).show(0),
        p50,
        p99,
        worst,
    ]);
    let rates = Spread::of(refresh_rates.iter().zip(&commit_rates).map(|(refresh, commit)| refresh / commit));
    Ok(ReportSection {
        title: "Refreshing tokens",
        text: format!(
            "{DEVICES} devices refresh their tokens one after the other, each with the token it was given last: the session is \
             locked, the token compared and replaced, an entry of its history written and committed, and a new access token signed. \
             Beside it as many connections that insert one row into the same table of the same database and wait for the commit. \
             {rounds} rounds of {} s in turn. A refresh gets {} of the rate, and takes {:.1} × as long (p50) and {:.1} × (p99).",
            length.as_secs(),
            rates.show(2),
            times(refreshes.p50, commits.p50),
            times(refreshes.p99, commits.p99),
        ),
        tables: vec![table],
        targets: Vec::new(),
    })
}

/// Refreshes for a while; the devices keep their latest tokens.
fn refresh(address: SocketAddr, devices: &mut [Device], length: Duration) -> Result<Vec<Duration>, BenchError> {
    let threads: Vec<_> = devices
        .iter()
        .map(|device| {
            let mut token = device.refresh.clone();
            std::thread::spawn(move || {
                let mut client = HttpClient::connect(address)?;
                let (began, mut took) = (Instant::now(), Vec::new());
                while began.elapsed() < length {
                    let request = post(paths::REFRESH, None, &format!(r#"{{"refreshToken":"{token}"}}"#));
                    let asked = Instant::now();
                    let answer = client.ask(&request)?.expect(200)?;
                    took.push(asked.elapsed());
                    let next = answer.json()?["refreshToken"].as_str().map(str::to_owned);
                    token = next.ok_or_else(|| std::io::Error::other("there is no refresh token"))?;
                }
                Ok((token, took))
            })
        })
        .collect();
    let mut all = Vec::new();
    for (device, thread) in devices.iter_mut().zip(threads) {
        let (token, took) = finished(thread)?;
        device.refresh = token;
        all.extend(took);
    }
    Ok(all)
}

/// Inserts rows for a while.
async fn commit(set_up: &SetUp, devices: &[Device], length: Duration) -> Result<(Vec<Duration>, f64), BenchError> {
    let one = async |device: &Device| -> Result<Vec<Duration>, BenchError> {
        let (began, mut took) = (Instant::now(), Vec::new());
        while began.elapsed() < length {
            let entry = NewHistoryEntry {
                id: new_id(),
                session_id: device.session_id,
                at: SystemClock.now(),
                kind: HistoryKind::Refreshed,
                detail: None,
                ip: String::new(),
            };
            let asked = Instant::now();
            set_up.store.sessions().append_history(&entry).await?;
            took.push(asked.elapsed());
        }
        Ok(took)
    };
    let took = futures::future::try_join_all(devices.iter().map(one)).await?.concat();
    let count = u32::try_from(took.len()).map_err(failed)?;
    Ok((took, f64::from(count) / length.as_secs_f64()))
}

fn new_id() -> Uuid {
    uuid_v7(&SystemClock, &OsRandom)
}
