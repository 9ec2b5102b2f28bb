//! `sysusers.d` files ([sysusers.d(5)](https://manpages.debian.org/sysusers.d.5)).
//!
//! Read are the types `u` (also `u!`), `g` and `m`; a range (`r`) and ids taken from a path's owner are not.

/// One line that asks for an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// `g name id`.
    Group {
        /// Group name.
        name: String,
        /// Fixed id.
        gid: Option<u32>,
    },
    /// `u name id gecos home shell`.
    User {
        /// User name.
        name: String,
        /// Fixed id.
        uid: Option<u32>,
        /// Primary group by id or name; without it a group of the user's name.
        group: Option<GroupId>,
        /// Comment.
        gecos: String,
        /// Home directory.
        home: String,
        /// Login shell.
        shell: String,
    },
    /// `m user group`.
    Member {
        /// User name.
        user: String,
        /// Group name.
        group: String,
    },
}

/// A group as the id field of a user names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupId {
    /// By number.
    Id(u32),
    /// By name.
    Name(String),
}

/// Parses a file; a line that is not understood comes back as the text of it.
pub fn parse(text: &str) -> Vec<(usize, Result<Line, String>)> {
    let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    let lines = numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines.map(|(number, line)| (number, parse_line(line).ok_or_else(|| line.to_owned()))).collect()
}

fn parse_line(line: &str) -> Option<Line> {
    let fields = fields(line)?;
    let field =
        |index: usize| fields.get(index).map(String::as_str).filter(|field| !matches!(*field, "" | "-"));
    let name = field(1).filter(|name| is_account_name(name))?.to_owned();
    match field(0)? {
        "g" => Some(Line::Group { name, gid: field(2).map(str::parse).transpose().ok()? }),
        "m" => Some(Line::Member {
            user: name,
            group: field(2).filter(|name| is_account_name(name))?.to_owned(),
        }),
        "u" | "u!" => {
            let (uid, group) = field(2).map_or(Some((None, None)), parse_user_id)?;
            let text = |index, default: &str| field(index).unwrap_or(default).replace([':', '\n'], "");
            let (gecos, home) = (text(3, ""), text(4, "/"));
            Some(Line::User { name, uid, group, gecos, home, shell: text(5, "/usr/sbin/nologin") })
        }
        _ => None,
    }
}

fn parse_user_id(id: &str) -> Option<(Option<u32>, Option<GroupId>)> {
    let (uid, group) = match id.split_once(':') {
        Some((uid, group)) => (uid, Some(group)),
        None => (id, None),
    };
    let uid = if uid == "-" { None } else { Some(uid.parse().ok()?) };
    let group = match group.map(|group| (group, group.parse())) {
        None => None,
        Some((_, Ok(gid))) => Some(GroupId::Id(gid)),
        Some((name, Err(_))) => Some(GroupId::Name(name.to_owned()).take_if_name()?),
    };
    Some((uid, group))
}

impl GroupId {
    fn take_if_name(self) -> Option<Self> {
        match &self {
            Self::Name(name) if !is_account_name(name) => None,
            _ => Some(self),
        }
    }
}

/// Returns whether a text can be the name of a user or group.
pub(crate) fn is_account_name(name: &str) -> bool {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    !name.is_empty() && name.len() <= 32 && name.bytes().all(valid) && !name.starts_with('-')
}

/// Splits a line at blanks; quotes and backslashes keep blanks together. `None` if a quote is not closed.
pub(crate) fn fields(line: &str) -> Option<Vec<String>> {
    let mut fields = Vec::new();
    let mut field: Option<String> = None;
    let mut quote = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (character, quote) {
            ('\\', _) => field.get_or_insert_default().extend(characters.next()),
            ('"' | '\'', None) => {
                quote = Some(character);
                field.get_or_insert_default();
            }
            (_, Some(open)) if character == open => quote = None,
            (' ' | '\t', None) => fields.extend(field.take()),
            _ => field.get_or_insert_default().push(character),
        }
    }
    fields.extend(field);
    quote.is_none().then_some(fields)
}
