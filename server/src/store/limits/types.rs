//! Buckets of tries.

/// How much a bucket holds, and how fast it fills again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// How many tries it holds when it is full.
    pub burst: i64,
    /// It gains one try in so many milliseconds.
    pub every_ms: i64,
}

impl Bucket {
    /// How far from full it may be for a try to be left.
    pub(in crate::store) const fn tolerance_ms(&self) -> i64 {
        (self.burst - 1) * self.every_ms
    }
}

/// One try, and the bucket it is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Try {
    /// Which bucket.
    pub key: super::Digest,
    pub bucket: Bucket,
}
