//! Maintainer scripts: syntax, and the walk through them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use temper_fuzz::{parts, tree};
use temper_rootfs::effects::{AccountOptions, EffectContext, EffectPackage, run};

fuzz_target!(|input: &[u8]| {
    let [script, passwd] = parts(input);
    let Ok(script) = std::str::from_utf8(script) else { return };
    let script = format!("#!/bin/sh\n{script}");
    let base = tree(&[("etc/passwd", passwd), ("etc/group", b"root:x:0:\n")]);
    let package = EffectPackage {
        name: "p".to_owned(),
        architecture: "amd64".to_owned(),
        version: "1".to_owned(),
        previous_version: None,
        scripts: vec![("postinst".to_owned(), script)],
        paths: vec!["usr/bin/p".to_owned()],
    };
    let context = EffectContext {
        tree: &base,
        base: &base,
        packages: &[package],
        has_dpkg: true,
        architecture: "amd64",
        time: 1_700_000_000,
    };
    let _ = run(&context, &AccountOptions::default());
});
