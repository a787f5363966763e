//! `latchkey openapi`: the document of the API, as `docs/openapi.json` has it.

use super::{CliError, say};
use crate::areas;

pub fn run() -> Result<(), CliError> {
    say(areas::document())
}
