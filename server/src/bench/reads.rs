//! What the database is asked a request: nothing, but for noting now and then that a session is in use.

use std::time::Duration;

use types::api::paths;

use super::load::saturate;
use super::report::{ReportSection, Table, Target};
use super::wire::get;
use super::{Bench, BenchError, Filling, failed};

const CONNECTIONS: usize = 64;
/// After so long, PostgreSQL has counted what its clients did.
const COUNTED: Duration = Duration::from_secs(3);

/// What PostgreSQL has done in one database.
#[derive(Clone, Copy)]
struct Counters {
    transactions: f64,
    read: f64,
    written: f64,
}

impl Counters {
    fn since(self, before: Self) -> Self {
        Self {
            transactions: self.transactions - before.transactions,
            read: self.read - before.read,
            written: self.written - before.written,
        }
    }
}

pub async fn measure(bench: &mut Bench) -> Result<ReportSection, BenchError> {
    let database = bench.database(Filling::Nothing).await?;
    let set_up = bench.set_up(&database).await?;
    let devices = set_up.sign_in(CONNECTIONS).await?;
    set_up.close().await;
    let server = bench.serve(&database)?;
    let length = Duration::from_secs(bench.either(20, 8));
    let name = Bench::name_of(&database);

    bench.note("a server without requests");
    let before = counters(bench, name).await?;
    tokio::time::sleep(length).await;
    let idle = counters(bench, name).await?.since(before);

    bench.note("the same server with requests");
    let before = counters(bench, name).await?;
    let requests: Vec<Vec<u8>> = devices.iter().map(|device| get(paths::SESSION, &device.access)).collect();
    let address = server.address();
    let load = tokio::task::spawn_blocking(move || saturate(address, &requests, CONNECTIONS, length));
    let round = load.await.map_err(failed)??;
    let busy = counters(bench, name).await?.since(before);

    let requests = f64::from(round.requests);
    let each = Counters {
        transactions: (busy.transactions - idle.transactions) / requests,
        read: (busy.read - idle.read) / requests,
        written: (busy.written - idle.written) / requests,
    };
    let mut table = Table::new(["", "transactions", "rows read", "rows written"]);
    for (what, counters) in [("without requests", idle), ("with requests", busy)] {
        table.row([what.to_owned(), count(counters.transactions), count(counters.read), count(counters.written)]);
    }
    let share = |each: f64| format!("{:.5}", each.max(0.0));
    table.row(["a request".to_owned(), share(each.transactions), share(each.read), share(each.written)]);
    let most = each.transactions.max(each.read).max(each.written);
    Ok(ReportSection {
        title: "What the database is asked",
        text: format!(
            "Counters of PostgreSQL (`pg_stat_database`) over {} s without requests, in which the server looks at the revocation \
             log twice a second, and over as long with {} requests of {CONNECTIONS} sessions. Noting that a session is in use costs \
             a write a minute and session, however many requests it makes.",
            length.as_secs(),
            round.requests
        ),
        tables: vec![table],
        targets: vec![Target {
            what: "database reads and writes a checked request",
            wanted: "0 (≤ 0.01)".to_owned(),
            measured: format!(
                "{} transactions, {} reads, {} writes",
                share(each.transactions),
                share(each.read),
                share(each.written)
            ),
            met: most <= 0.01,
        }],
    })
}

fn count(counter: f64) -> String {
    format!("{counter:.0}")
}

async fn counters(bench: &Bench, database: &str) -> Result<Counters, BenchError> {
    tokio::time::sleep(COUNTED).await;
    let row = bench.postgres.ask(
        "postgres",
        &format!(
            "SELECT xact_commit + xact_rollback, tup_fetched, tup_inserted + tup_updated + tup_deleted \
             FROM pg_stat_database WHERE datname = '{database}'"
        ),
    )?;
    let mut columns = row.split('|').map(str::parse);
    let mut next = || columns.next().and_then(Result::ok).ok_or_else(|| failed("pg_stat_database has changed"));
    Ok(Counters { transactions: next()?, read: next()?, written: next()? })
}
