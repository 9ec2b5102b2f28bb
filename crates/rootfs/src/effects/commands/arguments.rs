//! Options, modes and owners as the file commands of maintainer scripts write them.

/// The arguments of a command, parted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Arguments<'a> {
    /// Letters of short options and whole long ones without a value.
    pub(super) flags: Vec<&'a str>,
    /// Options with values.
    pub(super) values: Vec<(&'a str, &'a str)>,
    /// What is no option.
    pub(super) operands: Vec<&'a str>,
}

impl<'a> Arguments<'a> {
    /// Parts arguments; `valued` lists the options that take a value, `known` the others.
    pub(super) fn parse(arguments: &[&'a str], valued: &[&str], known: &[&str]) -> Result<Self, String> {
        let mut parsed = Self::default();
        let mut rest = arguments.iter().copied();
        while let Some(argument) = rest.next() {
            if argument == "--" {
                parsed.operands.extend(rest.by_ref());
            } else if let Some((option, value)) = argument.split_once('=').filter(|(o, _)| valued.contains(o))
            {
                parsed.values.push((option, value));
            } else if valued.contains(&argument) {
                let value = rest.next().ok_or_else(|| format!("option `{argument}` lacks its value"))?;
                parsed.values.push((argument, value));
            } else if known.contains(&argument) {
                parsed.flags.push(argument);
            } else if let Some(option) = valued.iter().find(|o| o.len() == 2 && argument.starts_with(**o)) {
                parsed.values.push((&argument[..option.len()], &argument[option.len()..]));
            } else if argument.starts_with('-') && argument.len() > 1 && !argument.starts_with("--") {
                for index in 1..argument.len() {
                    let letter = argument.get(index..=index).unwrap_or("?");
                    if !known.iter().any(|option| option.strip_prefix('-') == Some(letter)) {
                        return Err(format!("option `{argument}` is not reproduced"));
                    }
                    parsed.flags.push(letter);
                }
            } else if argument.starts_with('-') && argument.len() > 1 {
                return Err(format!("option `{argument}` is not reproduced"));
            } else {
                parsed.operands.push(argument);
            }
        }
        Ok(parsed)
    }

    /// Returns whether one of these options is given, by letter or long name.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.flags.iter().any(|flag| names.contains(&flag.trim_start_matches('-')))
    }

    /// Returns the value of one of these options.
    pub(super) fn value(&self, names: &[&str]) -> Option<&'a str> {
        self.values.iter().rev().find(|(option, _)| names.contains(option)).map(|(_, value)| *value)
    }
}

/// Applies a mode as `chmod` takes it, octal or symbolic, to permission bits
/// ([chmod(1)](https://manpages.debian.org/chmod.1)); `None` if it is neither.
pub(super) fn apply_mode(text: &str, before: u32, is_directory: bool) -> Option<u32> {
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777)?;
        // A short octal mode leaves the set-id bits of a directory.
        let kept = if is_directory && text.len() < 5 { before & 0o6000 } else { 0 };
        return Some(mode | kept);
    }
    text.split(',').try_fold(before, |mode, clause| apply_clause(clause, mode, is_directory))
}

fn apply_clause(clause: &str, before: u32, is_directory: bool) -> Option<u32> {
    let operator = clause.find(['+', '-', '='])?;
    let (who, rest) = clause.split_at(operator);
    let all = who.is_empty() || who.contains('a');
    let who_is = |letter| all || who.contains(letter);
    if who.contains(|letter| !"ugoa".contains(letter)) || rest[1..].contains(['+', '-', '=']) {
        return None;
    }
    let mut bits = 0;
    for letter in rest[1..].chars() {
        let any_x = is_directory || before & 0o111 != 0;
        let (ordinary, special) = match letter {
            'r' => (4, 0),
            'w' => (2, 0),
            'x' => (1, 0),
            'X' => (u32::from(any_x), 0),
            's' => (0, if who_is('u') { 0o4000 } else { 0 } | if who_is('g') { 0o2000 } else { 0 }),
            't' => (0, 0o1000),
            _ => return None,
        };
        let spread = [('u', 6), ('g', 3), ('o', 0)].iter().filter(|(letter, _)| who_is(*letter));
        bits |= spread.fold(special, |bits, (_, shift)| bits | ordinary << shift);
    }
    // Without a class, the usual mask 022 holds the write bits back.
    if who.is_empty() {
        bits &= !0o022;
    }
    let classes = [('u', 0o4700), ('g', 0o2070), ('o', 0o1007)];
    let reach = classes.iter().filter(|(letter, _)| who_is(*letter)).fold(0, |reach, (_, bits)| reach | bits);
    Some(match rest.as_bytes()[0] {
        b'+' => before | bits,
        b'-' => before & !bits,
        _ => (before & !reach) | bits,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal_or_symbolic() {
        for (text, before, is_directory, expected) in [
            ("0440", 0o644, false, Some(0o440)),
            ("755", 0o2700, true, Some(0o2755)),
            ("755", 0o2700, false, Some(0o755)),
            ("u+s", 0o755, false, Some(0o4755)),
            ("g+ws", 0o755, true, Some(0o2775)),
            ("go-rwx", 0o755, false, Some(0o700)),
            ("a=r,u+w", 0o777, false, Some(0o644)),
            ("+x", 0o644, false, Some(0o755)),
            ("u=rwX,g=", 0o640, false, Some(0o600)),
            ("o+t", 0o777, true, Some(0o1777)),
            ("z+r", 0o777, true, None),
            ("99999", 0o777, true, None),
            ("", 0o777, true, None),
        ] {
            assert_eq!(apply_mode(text, before, is_directory), expected, "{text}");
        }
    }

    #[test]
    fn options_are_parted_from_operands() {
        let parsed = Arguments::parse(&["-pm", "755", "-o", "root", "a", "--", "-b"], &["-m", "-o"], &["-p"]);
        assert!(parsed.is_err());
        let parsed =
            Arguments::parse(&["-p", "-m0755", "--mode=1", "a", "--", "-b"], &["-m", "--mode"], &["-p"]);
        let parsed = parsed.expect("all options are known");
        assert!(parsed.has(&["p"]));
        assert_eq!(parsed.value(&["-m"]), Some("0755"));
        assert_eq!(parsed.value(&["--mode"]), Some("1"));
        assert_eq!(parsed.operands, ["a", "-b"]);
    }
}
