//! A server that keeps people itself: the first start, then only the command line and clients of registries.

pub(crate) mod cast;
mod clients;
mod rights;

use anyhow::Result;

use crate::e2e::people::cast::Cast;
use crate::e2e::scenario::Scenario;

pub(crate) fn suite(scenario: &Scenario) -> Result<()> {
    let cast = scenario.setup("the_first_start_makes_the_administrator", || Cast::begin(scenario))?;
    scenario.setup("people_and_rights_are_set_from_the_command_line", || cast.people())?;
    scenario.check("a_second_start_makes_nobody", || cast.starts_again(scenario));
    rights::checks(scenario, &cast);
    clients::checks(scenario, &cast)
}
