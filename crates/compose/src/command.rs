//! Entrypoint and cmd of the result: appended, replaced or prepended, and what is wrong with them.

use serde::{Deserialize, Serialize};

use temper_spec::customization::Arguments;

use crate::finding::{Finding, Findings};

/// The effective value of a list field with who gave it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effective {
    /// The words; empty where there is none.
    pub value: Vec<String>,
    /// `base`, `customization`, or `base and customization`; empty where there is none.
    pub origin: String,
}

/// Entrypoint and cmd of the result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commands {
    /// The entrypoint.
    pub entrypoint: Effective,
    /// The default arguments.
    pub cmd: Effective,
}

/// Applies a document's changes to the base's entrypoint and cmd.
///
/// `is_program` says whether a word is found as an executable file in the result, through `PATH` where it has no
/// slash, and `was_program` whether it is in the base.
pub fn apply(
    base: (&[String], &[String]),
    entrypoint: Option<&Arguments>,
    cmd: Option<&Arguments>,
    is_program: &dyn Fn(&str) -> bool,
    was_program: &dyn Fn(&str) -> bool,
    findings: &mut Findings,
) -> Commands {
    let entrypoint_effective = effective(base.0, entrypoint);
    // A base's cmd are arguments for the base's entrypoint: they go with it, unless the document speaks of cmd itself.
    let drops_cmd = matches!(entrypoint, Some(Arguments::Replace(_))) && cmd.is_none();
    let base_cmd = if drops_cmd { &[] } else { base.1 };
    let cmd_effective = effective(base_cmd, cmd);
    check_append("entrypoint", base.0, entrypoint, is_program, findings);
    if entrypoint_effective.value.is_empty() {
        check_append("cmd", base_cmd, cmd, is_program, findings);
    }
    let program = entrypoint_effective.value.first().or(cmd_effective.value.first());
    let is_lost = program.is_some_and(|program| was_program(program) && !is_program(program));
    if entrypoint.is_some() || cmd.is_some() || is_lost {
        check_program(&entrypoint_effective, &cmd_effective, is_program, findings);
    }
    Commands { entrypoint: entrypoint_effective, cmd: cmd_effective }
}

fn effective(base: &[String], change: Option<&Arguments>) -> Effective {
    let own_origin = if base.is_empty() { "customization" } else { "base and customization" };
    let (value, origin) = match change {
        None => (base.to_vec(), if base.is_empty() { "" } else { "base" }),
        Some(Arguments::Append(words)) => ([base, words].concat(), own_origin),
        Some(Arguments::Prepend(words)) => ([words, base].concat(), own_origin),
        Some(Arguments::Replace(words)) => (words.clone(), "customization"),
    };
    Effective { value, origin: origin.to_owned() }
}

fn check_append(
    field: &str,
    base: &[String],
    change: Option<&Arguments>,
    is_program: &dyn Fn(&str) -> bool,
    findings: &mut Findings,
) {
    let Some(Arguments::Append(words)) = change else { return };
    let first = words.first().map_or("", String::as_str);
    if base.is_empty() && field == "entrypoint" && !is_program(first) {
        findings.problem(
            Finding::at(field, format!("the base has no entrypoint to append `{}` to", words.join(" ")))
                .hint("use `entrypoint: {replace: [PROGRAM, …]}`, or put arguments into `cmd`"),
        );
    }
    let is_shell_string = base.len() >= 3
        && base[0].rsplit('/').next().is_some_and(|program| program.ends_with("sh"))
        && base[1] == "-c";
    if is_shell_string {
        findings.warning(
            Finding::at(
                field,
                format!("words after `{} -c` become `$0`, `$1`, … of the script, not its arguments", base[0]),
            )
            .hint("use `{replace: […]}` to change the script itself"),
        );
    }
}

fn check_program(
    entrypoint: &Effective,
    cmd: &Effective,
    is_program: &dyn Fn(&str) -> bool,
    findings: &mut Findings,
) {
    let (field, program) = match (entrypoint.value.first(), cmd.value.first()) {
        (Some(program), _) => ("entrypoint", program),
        (None, Some(program)) => ("cmd", program),
        (None, None) => return,
    };
    let already_said = findings.problems.iter().any(|finding| finding.path == field);
    if !is_program(program) && !already_said {
        findings.problem(
            Finding::at(field, format!("`{program}` is not an executable file in the image"))
                .hint("add the package or artifact that brings it, or correct the path"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn change(text: &str) -> Option<Arguments> {
        let (verb, rest) = text.split_once(' ')?;
        Some(match verb {
            "append" => Arguments::Append(words(rest)),
            "prepend" => Arguments::Prepend(words(rest)),
            _ => Arguments::Replace(words(rest)),
        })
    }

    /// Returns `entrypoint | cmd | problem paths | warning paths`.
    fn check(base: (&str, &str), entrypoint: &str, cmd: &str) -> String {
        let mut findings = Findings::default();
        let (base_entrypoint, base_cmd) = (words(base.0), words(base.1));
        let is_program = |word: &str| ["python3", "/bin/app", "sh"].contains(&word);
        let commands = apply(
            (&base_entrypoint, &base_cmd),
            change(entrypoint).as_ref(),
            change(cmd).as_ref(),
            &is_program,
            &is_program,
            &mut findings,
        );
        let paths = |list: &[Finding]| list.iter().map(|f| f.path.clone()).collect::<Vec<_>>().join(",");
        format!(
            "{} | {} | {} | {}",
            commands.entrypoint.value.join(" "),
            commands.cmd.value.join(" "),
            paths(&findings.problems),
            paths(&findings.warnings)
        )
    }

    #[test]
    fn every_rule_of_entrypoint_and_cmd() {
        for (base, entrypoint, cmd, expected) in [
            (("python3", "-i"), "", "", "python3 | -i |  | "),
            (("python3", "-i"), "append -u", "", "python3 -u | -i |  | "),
            (("python3", "-i"), "append -u", "append x", "python3 -u | -i x |  | "),
            (("python3", ""), "prepend /bin/app", "", "/bin/app python3 |  |  | "),
            (("python3", "-i"), "replace /bin/app", "", "/bin/app |  |  | "),
            (("python3", "-i"), "replace /bin/app", "replace x", "/bin/app | x |  | "),
            (("python3", "-i"), "replace /bin/app", "append x", "/bin/app | -i x |  | "),
            (("", "python3"), "append --flag", "", "--flag | python3 | entrypoint | "),
            (("", "python3"), "append /bin/app", "", "/bin/app | python3 |  | "),
            (("", "python3"), "", "append x", " | python3 x |  | "),
            (("", ""), "", "append nothere", " | nothere | cmd | "),
            (("python3", ""), "", "append anything", "python3 | anything |  | "),
            (("sh -c true", ""), "append x", "", "sh -c true x |  |  | entrypoint"),
            (("", ""), "replace nothere", "", "nothere |  | entrypoint | "),
            (("gone", ""), "", "", "gone |  |  | "),
        ] {
            assert_eq!(check(base, entrypoint, cmd), expected, "{base:?} {entrypoint} {cmd}");
        }
    }
}
