//! What series are told apart by: labels, with every value each can have.
//!
//! Each pair of values is a series that Prometheus keeps: a label never holds an id, an address, a path or anything
//! else that somebody outside can make up.

/// A label whose values are known beforehand.
pub trait Label: Copy + 'static {
    const NAME: &'static str;
    /// What it can be, in the order of [`Label::index`].
    const VALUES: &'static [&'static str];

    /// The place of this value among [`Label::VALUES`].
    fn index(self) -> usize;

    fn as_str(self) -> &'static str {
        Self::VALUES[self.index()]
    }
}

/// Defines labels: the name, and each value with its text.
macro_rules! labels {
    ($($(#[$doc:meta])* $label:ident = $name:literal { $($(#[$value_doc:meta])* $value:ident = $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $label { $($(#[$value_doc])* $value,)* }

        impl $crate::metrics::Label for $label {
            const NAME: &'static str = $name;
            const VALUES: &'static [&'static str] = &[$($text),*];

            fn index(self) -> usize {
                self as usize
            }
        }
    )*};
}

pub(crate) use labels;
