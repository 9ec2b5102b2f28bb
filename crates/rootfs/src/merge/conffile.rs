//! What becomes of a configuration file that is already there, as `dpkg --force-confold` decides it.
//!
//! Follows [deb-conffiles(5)](https://manpages.debian.org/deb-conffiles.5) and the policy's
//! [appendix on conffiles](https://www.debian.org/doc/debian-policy/ap-pkg-conffiles.html).

/// What is known when a package brings a conffile to a base.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation<'a> {
    /// Whether the base has something at the path.
    pub(super) exists: bool,
    /// MD5 of what it has, if its content is known.
    pub(super) existing_md5: Option<&'a str>,
    /// MD5 of what the installed version of the package brought, if it did.
    pub(super) installed_md5: Option<&'a str>,
    /// MD5 of what the package brings.
    pub(super) new_md5: Option<&'a str>,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Write the package's file.
    Install,
    /// Write the package's file, with owner and mode of the one that is there.
    Update,
    /// Leave everything as it is.
    Keep,
    /// Leave what is there, and write the package's file beside it.
    KeepBeside,
}

/// Decides by checksums; a file whose content is not known counts as changed.
pub(super) fn decide(situation: Situation<'_>) -> Decision {
    let Situation { exists, existing_md5, installed_md5, new_md5 } = situation;
    if !exists {
        // One that was there and is no longer has been removed on purpose.
        return if installed_md5.is_some() { Decision::Keep } else { Decision::Install };
    }
    if existing_md5.is_some() && existing_md5 == new_md5 {
        return Decision::Keep;
    }
    if installed_md5.is_some() && installed_md5 == existing_md5 {
        return Decision::Update;
    }
    if installed_md5.is_some() && installed_md5 == new_md5 {
        return Decision::Keep;
    }
    Decision::KeepBeside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_is_never_overwritten() {
        for (exists, existing_md5, installed_md5, new_md5, expected) in [
            (false, None, None, Some("n"), Decision::Install),
            (false, None, Some("o"), Some("n"), Decision::Keep),
            (true, Some("n"), None, Some("n"), Decision::Keep),
            (true, Some("n"), Some("o"), Some("n"), Decision::Keep),
            (true, Some("o"), Some("o"), Some("n"), Decision::Update),
            (true, Some("x"), Some("n"), Some("n"), Decision::Keep),
            (true, Some("x"), Some("o"), Some("n"), Decision::KeepBeside),
            (true, Some("x"), None, Some("n"), Decision::KeepBeside),
            (true, None, Some("o"), Some("n"), Decision::KeepBeside),
            (true, None, None, None, Decision::KeepBeside),
        ] {
            let situation = Situation { exists, existing_md5, installed_md5, new_md5 };
            assert_eq!(decide(situation), expected, "{situation:?}");
        }
    }
}
