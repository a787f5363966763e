//! A chart of sign-ins: a picture that is computed, and the numbers of it as a table.

use leptos::prelude::*;

use super::words::{counted, grouped};
use crate::reactive::memo;
use types::api::SignInCount;

/// The measure of the picture, in its own units.
const WIDTH: u64 = 720;
const HEIGHT: u64 = 120;
/// What stays free between two columns, in hundredths of what one has.
const GAP_PERCENT: u64 = 25;

/// The picture: a column for each count, sign-ins below and failures on top of them. Both are the text of an SVG path.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Columns {
    sign_ins: String,
    failures: String,
}

/// Draws it. The highest column is as high as the picture, and what has happened at all can be seen.
fn columns(counts: &[SignInCount]) -> Columns {
    let highest = counts.iter().map(|count| count.sign_ins.saturating_add(count.failures)).max().unwrap_or(0).max(1);
    let height = |value: u64| value.saturating_mul(HEIGHT).div_ceil(highest);
    let step = WIDTH / u64::try_from(counts.len()).unwrap_or(u64::MAX).max(1);
    let gap = step * GAP_PERCENT / 100;
    let width = step.saturating_sub(gap).max(1);
    let mut drawn = Columns { sign_ins: String::new(), failures: String::new() };
    for (place, count) in (0_u64..).zip(counts) {
        let left = place * step + gap / 2;
        let failures = height(count.failures);
        // Rounded up, both together may be higher than the picture.
        let sign_ins = height(count.sign_ins).min(HEIGHT - failures.min(HEIGHT));
        drawn.sign_ins.push_str(&column(left, HEIGHT, width, sign_ins));
        drawn.failures.push_str(&column(left, HEIGHT - sign_ins, width, failures));
    }
    drawn
}

/// One column, from its foot upwards; nothing where it has no height.
fn column(left: u64, foot: u64, width: u64, height: u64) -> String {
    if height == 0 { String::new() } else { format!("M{left} {foot}v-{height}h{width}v{height}z") }
}

/// All of it in one sentence.
fn summary(counts: &[SignInCount], span: &str) -> String {
    let sum = |part: fn(&SignInCount) -> u64| counts.iter().map(part).sum::<u64>();
    let (sign_ins, failures) = (sum(|count| count.sign_ins), sum(|count| count.failures));
    format!("{} in the last {span}, and {} refused.", counted(sign_ins, "sign-in"), grouped(failures))
}

/// Sign-ins and failures over time. With new counts a table that was opened stays open.
#[component]
pub(super) fn SignInChart(
    /// The counts, oldest first.
    counts: Memo<Vec<SignInCount>>,
    /// Over which time: *24 hours*.
    span: &'static str,
    /// What one of them is about: *Hour* or *Day*.
    unit: &'static str,
    /// Writes when one of them began.
    name: fn(&SignInCount) -> String,
) -> impl IntoView {
    let drawn = memo(move |_| counts.with(|counts| columns(counts)));
    let said = memo(move |_| counts.with(|counts| summary(counts, span)));
    let begin = move || counts.with(|counts| counts.first().map(name));
    let end = move || counts.with(|counts| counts.last().map(name));
    let row = move |count: &SignInCount| {
        view! {
            <tr>
                <th scope="row">{name(count)}</th>
                <td>{grouped(count.sign_ins)}</td>
                <td>{grouped(count.failures)}</td>
            </tr>
        }
    };
    let rows = move || counts.with(|counts| counts.iter().map(row).collect_view());
    view! {
        <figure class="admin-chart">
            <figcaption>{move || said.get()}</figcaption>
            <svg viewBox=format!("0 0 {WIDTH} {HEIGHT}") role="img" aria-label=move || said.get()>
                <path class="admin-chart-good" d=move || drawn.with(|drawn| drawn.sign_ins.clone()) />
                <path class="admin-chart-bad" d=move || drawn.with(|drawn| drawn.failures.clone()) />
            </svg>
            <p class="admin-chart-ends" aria-hidden="true">
                <span>{begin}</span>
                <span>{end}</span>
            </p>
            <details class="admin-chart-numbers">
                <summary>"The numbers as a table"</summary>
                <table class="admin-table">
                    <caption class="heard">{format!("Sign-ins of the last {span}")}</caption>
                    <thead>
                        <tr>
                            <th scope="col">{unit}</th>
                            <th scope="col">"Signed in"</th>
                            <th scope="col">"Refused"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </details>
        </figure>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::domain::Timestamp;

    fn counts(of: &[(u64, u64)]) -> Vec<SignInCount> {
        let from = Timestamp::from_millis(0);
        of.iter().map(|(sign_ins, failures)| SignInCount { from, sign_ins: *sign_ins, failures: *failures }).collect()
    }

    #[test]
    fn the_highest_column_fills_the_picture_and_failures_stand_on_sign_ins() {
        let drawn = columns(&counts(&[(3, 1), (2, 0)]));
        assert_eq!(drawn.sign_ins, "M45 120v-90h270v90zM405 120v-60h270v60z");
        assert_eq!(drawn.failures, "M45 30v-30h270v30z");
    }

    #[test]
    fn a_single_one_beside_many_is_seen() {
        let drawn = columns(&counts(&[(1_000_000, 0), (0, 1)]));
        assert!(drawn.failures.contains("v-1h"), "{drawn:?}");
    }

    #[test]
    fn no_column_is_higher_than_the_picture() {
        for of in [[(1, 1), (7, 0)], [(2, 1), (0, 0)], [(u64::MAX, u64::MAX), (0, 3)]] {
            let drawn = columns(&counts(&of));
            let parts = drawn.sign_ins.split('M').chain(drawn.failures.split('M')).filter(|part| !part.is_empty());
            for part in parts {
                let (place, rest) = part.split_once("v-").expect("a column");
                let foot: u64 = place.split_once(' ').expect("a place").1.parse().expect("a number");
                let height: u64 = rest.split_once('h').expect("a width").0.parse().expect("a number");
                assert!(height <= foot && foot <= HEIGHT, "{part}");
            }
        }
    }

    #[test]
    fn nothing_at_all_is_drawn_as_nothing() {
        assert_eq!(columns(&[]), Columns { sign_ins: String::new(), failures: String::new() });
        assert_eq!(columns(&counts(&[(0, 0)])), Columns { sign_ins: String::new(), failures: String::new() });
    }

    #[test]
    fn the_picture_is_said_in_a_sentence() {
        let text = summary(&counts(&[(1_000, 3), (904, 0)]), "24 hours");
        assert_eq!(text, "1,904 sign-ins in the last 24 hours, and 3 refused.");
    }
}
