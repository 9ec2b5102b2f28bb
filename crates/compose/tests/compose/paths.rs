//! `paths`: static files of the document.

use crate::workshop::Workshop;

#[test]
fn a_file_has_the_documents_text_mode_and_owner() {
    let workshop = Workshop::new();
    for (fields, path, expected) in [
        ("path: /usr/local/bin/start, mode: \"0755\"", "usr/local/bin/start", "file 0755 0:0"),
        ("path: /srv/x, uid: 10, gid: 11", "srv/x", "file 0644 10:11"),
        ("path: /srv/x, mode: \"4750\", uid: 0, gid: 11", "srv/x", "file 4750 0:11"),
        ("path: /usr/bin/app, mode: \"0700\"", "usr/bin/app", "file 0700 0:0"),
        ("path: /bin/start", "usr/bin/start", "file 0644 0:0"),
    ] {
        let outcome = workshop.build(&format!("paths: [{{{fields}, contents: \"text\\n\"}}]\n"));
        for architecture in ["amd64", "arm64"] {
            let view = outcome.on(architecture);
            assert_eq!(view.stat(path), expected, "{fields}");
            assert_eq!(view.file(path), "text\n", "{fields}");
        }
    }
}
