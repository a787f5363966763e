//! The pages: rendered here first, their files, and their forms where the program does not run. The only part of the
//! server that knows the pages' crate.

mod forms;
mod set_up;
mod site;

pub use forms::routes as forms;
pub use site::{Pages, names, site, stylesheet};
