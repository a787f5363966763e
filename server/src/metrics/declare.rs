//! How a part of the server declares its metrics: in one list, from which come the struct that it counts in, the text
//! for Prometheus and the table of the documentation.

use super::Metrics;
use super::table::{Family, Kind, LabelNames};
use super::text::Exposition;

/// What keeps the values of one metric.
pub trait Instrument: Default + Send + Sync + 'static {
    const KIND: Kind;
    /// What its series are told apart by.
    const LABELS: &'static [LabelNames] = &[];

    /// Writes its series.
    fn write(&self, family: &'static Family, text: &mut Exposition);
}

/// The metrics of one part of the server, as the macro `metrics!` makes them.
pub trait Group: Default + Send + Sync + 'static {
    /// What they are called and what they mean, in the order in which they are shown.
    const FAMILIES: &'static [Family];

    /// Writes them all.
    fn write(&self, text: &mut Exposition);
}

/// A group, in a list of those that a server shows.
#[derive(Clone, Copy)]
pub struct Declaration {
    pub families: &'static [Family],
    pub(super) register: fn(&Metrics),
}

impl Declaration {
    /// Declares that this group is shown.
    pub const fn of<G: Group>() -> Self {
        Self { families: G::FAMILIES, register: register::<G> }
    }
}

fn register<G: Group>(metrics: &Metrics) {
    metrics.group::<G>();
}

/// Declares metrics: of each what it means, the field that keeps it, what it is kept in, and what Prometheus calls it.
///
/// ```text
/// metrics! {
///     /// What is counted of rooms.
///     pub struct RoomMetrics {
///         /// Rooms that were opened.
///         opened: Counter = "latchkey_rooms_opened_total",
///     }
/// }
/// ```
///
/// Whoever counts keeps `metrics.group::<RoomMetrics>()` and calls `opened.increment()`. `Declaration::of` in the
/// `AREA` of the area, or in the list of the house in `areas.rs`, has the group shown and documented.
macro_rules! metrics {
    (
        $(#[doc = $about:literal])+
        pub struct $group:ident {
            $($(#[doc = $help:literal])+ $field:ident: $instrument:ty = $name:literal,)+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Default)]
        pub struct $group {
            $($(#[doc = $help])+ pub $field: $instrument,)+
        }

        impl $crate::metrics::Group for $group {
            const FAMILIES: &'static [$crate::metrics::Family] =
                &[$($crate::metrics::Family::new::<$instrument>($name, concat!($($help),+)),)+];

            fn write(&self, text: &mut $crate::metrics::Exposition) {
                $({
                    static FAMILY: $crate::metrics::Family =
                        $crate::metrics::Family::new::<$instrument>($name, concat!($($help),+));
                    $crate::metrics::Instrument::write(&self.$field, &FAMILY, text);
                })+
            }
        }
    };
}

pub(crate) use metrics;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Counter, Counters, Gauge, labels};

    labels! {
        /// How somebody comes in.
        Entrance = "entrance" {
            /// As everybody does.
            Door = "door",
            /// As thieves do.
            Window = "window",
        }
    }

    metrics! {
        /// What is counted of a house.
        pub struct HouseMetrics {
            /// Visits, by how somebody came in.
            visits: Counters<Entrance> = "latchkey_visits_total",
            /// Bills that were taken from the box,
            /// whoever they were for.
            bills: Counter = "latchkey_bills_total",
            /// Who is at home.
            at_home: Gauge = "latchkey_at_home",
        }
    }

    #[test]
    fn a_list_says_what_each_metric_is_and_which_labels_it_has() {
        let [visits, bills, at_home] = HouseMetrics::FAMILIES else { panic!("three") };
        assert_eq!((visits.name, visits.kind), ("latchkey_visits_total", Kind::Counter));
        assert_eq!(visits.help, "Visits, by how somebody came in.");
        assert_eq!((visits.labels[0].name, visits.labels[0].values), ("entrance", ["door", "window"].as_slice()));
        assert_eq!(bills.help, "Bills that were taken from the box, whoever they were for.");
        assert_eq!((at_home.kind, at_home.labels.len()), (Kind::Gauge, 0));
    }

    #[test]
    fn the_fields_are_counted_in_and_written_in_the_order_of_the_list() {
        let house = HouseMetrics::default();
        house.visits.add(Entrance::Door, 2);
        house.visits.increment(Entrance::Window);
        house.bills.add(3);
        house.at_home.set(2_usize);
        let mut text = Exposition::default();
        house.write(&mut text);
        let text = text.finish();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("# HELP")).collect();
        assert_eq!(
            lines,
            [
                "# TYPE latchkey_visits_total counter",
                "latchkey_visits_total{entrance=\"door\"} 2",
                "latchkey_visits_total{entrance=\"window\"} 1",
                "# TYPE latchkey_bills_total counter",
                "latchkey_bills_total 3",
                "# TYPE latchkey_at_home gauge",
                "latchkey_at_home 2",
            ]
        );
    }
}
