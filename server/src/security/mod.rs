//! Account security: the questions about sign-ins that nobody expected. What makes a sign-in unusual is the business of
//! `sessions`.

mod handlers;

use types::api::paths;

use crate::area::Area;
use crate::http::needs::{SESSION, USER};
use crate::http::routes::Routes;
use handlers::alerts;

pub const AREA: Area = Area { name: "security", routes, problems: handlers::PROBLEMS, ..Area::NONE };

fn routes(routes: Routes<'_>) -> Routes<'_> {
    routes
        .get(paths::ALERTS, alerts::list)
        .needs(USER)
        .described(&alerts::LIST)
        .post(paths::ALERT, alerts::answer)
        .needs(SESSION)
        .described(&alerts::ANSWER)
}
