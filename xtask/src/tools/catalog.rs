//! The programs that tests, the oracle and the benchmarks use, and where each comes from.

/// Where a program comes from.
pub(crate) enum Source {
    /// A package of the machine's own distribution, installed into the system.
    System { package: &'static str },
    /// A package of another Debian suite, unpacked beside the build results; statically linked programs only.
    Pool { package: &'static str, suite: &'static str, path: &'static str },
}

/// A program by the name under which it is required.
pub(crate) struct Tool {
    pub(crate) program: &'static str,
    pub(crate) source: Source,
    pub(crate) purpose: &'static str,
}

/// What `cargo xtask test` needs.
pub(crate) const TEST_TOOLS: &[&str] =
    &["skopeo", "podman", "runc", "umoci", "qemu-aarch64-static", "openssl", "curl"];

pub(crate) const TOOLS: &[Tool] = &[
    system("skopeo", "skopeo", "copies and inspects images"),
    system("podman", "podman", "pulls and runs images"),
    system("runc", "runc", "the runtime below podman"),
    system("umoci", "umoci", "unpacks OCI layouts"),
    system("buildah", "buildah", "the other side of `bench compose`"),
    system("docker-registry", "docker-registry", "a registry that is not ours"),
    system("qemu-aarch64-static", "qemu-user-static", "runs arm64 programs by chroot"),
    system("chroot", "coreutils", "enters an unpacked image"),
    system("openssl", "openssl", "serves TLS with a private CA"),
    system("curl", "curl", "asks servers"),
    system("bash", "bash", "reads completion scripts"),
    system("jq", "jq", "reads JSON in scripts"),
    system("zstd", "zstd", "decompresses layers by hand"),
    system("ip", "iproute2", "sets up the closed network of a benchmark"),
    system("time", "time", "measures time and memory of a process tree"),
    pool("cosign", "cosign", "trixie", "usr/bin/cosign", "verifies signatures, version 2"),
    pool("cosign3", "cosign", "sid", "usr/bin/cosign", "verifies signatures, version 3"),
    pool("crane", "crane", "sid", "usr/bin/crane", "pulls, pushes and validates images"),
    pool("oras", "oras", "trixie", "usr/bin/oras", "lists referrers"),
];

const fn system(program: &'static str, package: &'static str, purpose: &'static str) -> Tool {
    Tool { program, source: Source::System { package }, purpose }
}

const fn pool(
    program: &'static str,
    package: &'static str,
    suite: &'static str,
    path: &'static str,
    purpose: &'static str,
) -> Tool {
    Tool { program, source: Source::Pool { package, suite, path }, purpose }
}
