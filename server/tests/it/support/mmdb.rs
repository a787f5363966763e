//! Small databases of places in the MaxMind format, made of a few networks.
//!
//! The format (<https://maxmind.github.io/MaxMind-DB/>): a binary search tree over the bits of an address, the records
//! it leads to, and metadata.

use std::path::{Path, PathBuf};

use ipnet::IpNet;

/// What stands between the tree and the records.
const SEPARATOR: [u8; 16] = [0; 16];
const METADATA_MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";

/// A network, and the city and the country it is in.
pub type Line<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

/// A city for 203.0.113.0/24 and `2001:db8::/32`, and for 198.51.100.0/24 only a country.
pub const PLACES: [Line<'static>; 3] = [
    ("203.0.113.0/24", Some("Kyiv"), Some("Ukraine")),
    ("198.51.100.0/24", None, Some("Poland")),
    ("2001:db8::/32", Some("Lisbon"), Some("Portugal")),
];

/// Writes a database that calls itself `kind` into the folder.
pub fn write(folder: &Path, kind: &str, lines: &[Line<'_>]) -> PathBuf {
    let path = folder.join("places.mmdb");
    std::fs::write(&path, database(kind, lines)).expect("a file");
    path
}

fn database(kind: &str, lines: &[Line<'_>]) -> Vec<u8> {
    let mut tree = Tree(vec![[Branch::Nothing; 2]]);
    let mut records = Vec::new();
    for (network, city, country) in lines {
        tree.lead(network, records.len());
        let place = [("city", *city), ("country", *country)];
        let named = place.into_iter().filter_map(|(what, name)| {
            let names = map(&[("en", text(name?)), ("uk", text("by another name"))]);
            Some((what, map(&[("geoname_id", number(6, 7)), ("names", names)])))
        });
        records.extend(map(&named.collect::<Vec<_>>()));
    }
    let metadata = map(&[
        ("binary_format_major_version", number(5, 2)),
        ("binary_format_minor_version", number(5, 0)),
        ("build_epoch", number(9, 1_767_225_600)),
        ("database_type", text(kind)),
        ("description", map(&[("en", text("Places for tests"))])),
        ("ip_version", number(5, 6)),
        ("languages", list(&[text("en")])),
        ("node_count", number(6, tree.0.len() as u64)),
        ("record_size", number(5, 24)),
    ]);
    [tree.bytes().as_slice(), &SEPARATOR[..], records.as_slice(), METADATA_MARKER, metadata.as_slice()].concat()
}

/// Where a bit leads.
#[derive(Clone, Copy)]
enum Branch {
    Nothing,
    Node(usize),
    Record(usize),
}

/// A node has a branch for each value of its bit. IPv4 addresses are the last 32 bits of 128, after zeros.
struct Tree(Vec<[Branch; 2]>);

impl Tree {
    /// Has all addresses of a network lead to the record at that offset.
    fn lead(&mut self, network: &str, record: usize) {
        let (bits, length) = match network.parse::<IpNet>().expect("a network") {
            IpNet::V4(network) => (u128::from(u32::from(network.network())), 96 + network.prefix_len()),
            IpNet::V6(network) => (u128::from(network.network()), network.prefix_len()),
        };
        let mut node = 0;
        for depth in 0..length {
            let bit = usize::from((bits >> (127 - depth)) & 1 == 1);
            if depth + 1 == length {
                self.0[node][bit] = Branch::Record(record);
            } else if let Branch::Node(next) = self.0[node][bit] {
                node = next;
            } else {
                self.0.push([Branch::Nothing; 2]);
                let next = self.0.len() - 1;
                self.0[node][bit] = Branch::Node(next);
                node = next;
            }
        }
    }

    /// 24 bits a branch: a node's number, the number of nodes for nothing, or beyond that a record's offset.
    fn bytes(&self) -> Vec<u8> {
        let count = self.0.len();
        let values = self.0.iter().flatten().map(|branch| match branch {
            Branch::Node(number) => *number,
            Branch::Nothing => count,
            Branch::Record(offset) => count + SEPARATOR.len() + offset,
        });
        values.flat_map(|value| u32::try_from(value).expect("a small tree").to_be_bytes()[1..].to_vec()).collect()
    }
}

/// A control byte, or several: the type of a value and its size. Types beyond 7 have a byte of their own.
fn control(kind: u8, size: usize) -> Vec<u8> {
    let size_bits = u8::try_from(size.min(29)).expect("at most 29");
    let mut bytes = if kind <= 7 { vec![kind << 5 | size_bits] } else { vec![size_bits, kind - 7] };
    if size >= 29 {
        bytes.push(u8::try_from(size - 29).expect("a short value"));
    }
    bytes
}

fn text(text: &str) -> Vec<u8> {
    [control(2, text.len()), text.as_bytes().to_vec()].concat()
}

/// A number of 16 (5), 32 (6) or 64 bits (9), without the zeros before it.
fn number(kind: u8, number: u64) -> Vec<u8> {
    let bytes: Vec<u8> = number.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    [control(kind, bytes.len()), bytes].concat()
}

fn map(pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let entries = pairs.iter().flat_map(|(name, value)| [text(name), value.clone()].concat());
    control(7, pairs.len()).into_iter().chain(entries).collect()
}

fn list(values: &[Vec<u8>]) -> Vec<u8> {
    control(11, values.len()).into_iter().chain(values.concat()).collect()
}
