//! The programs that tests, the oracle and the benchmarks use, and where each comes from.

use crate::tools::go::Module;
use crate::tools::python::Environment;

/// Where a program comes from.
pub(crate) enum Source {
    /// A package of the machine's own distribution, installed into the system.
    System { package: &'static str },
    /// A package of another Debian suite, unpacked beside the build results; statically linked programs only.
    Pool { package: &'static str, suite: &'static str, path: &'static str },
    /// A Go module, built; `program` is the file that the build makes.
    Go { module: Module, program: &'static str },
    /// A program of ours over the library of a Go module; `source` is its only file.
    GoProgram { module: Module, source: &'static str },
    /// A program of an environment of Python packages.
    Python { environment: Environment, program: &'static str },
}

/// A program by the name under which it is required.
pub(crate) struct Tool {
    pub(crate) program: &'static str,
    pub(crate) source: Source,
    pub(crate) purpose: &'static str,
}

/// What `cargo xtask test` needs.
pub(crate) const TEST_TOOLS: &[&str] = &[
    "skopeo",
    "podman",
    "runc",
    "buildah",
    "umoci",
    "crane",
    "oras",
    "cosign",
    "cosign3",
    "helm",
    "oci-conformance",
    "docker-registry",
    "nginx",
    "qemu-aarch64-static",
    "openssl",
    "curl",
    "pyspdxtools",
    "ntia-checker",
    "python-cyclonedx",
    "softhsm2-util",
    "pkcs11-tool",
    "initdb",
];

const HELM: Module = Module {
    path: "helm.sh/helm/v3",
    version: "v3.22.0",
    sum: "h1:n1if5iQgHYsujPAcO5oonH/KiSNUmqmUF0iGVjSF3AU=",
    folder: "cmd/helm",
};

const DISTRIBUTION: Module = Module {
    path: "github.com/distribution/distribution/v3",
    version: "v3.1.2",
    sum: "h1:/Bv2YIqqSR00HiO49FT93hovy6r9IlrzwUDsJjCN5qg=",
    folder: "cmd/registry",
};

/// The suite has no released versions of its own; this state tests specification 1.1 unless it is told otherwise.
const CONFORMANCE: Module = Module {
    path: "github.com/opencontainers/distribution-spec/conformance",
    version: "v0.0.0-20260831232431-97274622c111",
    sum: "h1:ppZPU0CrEPzyJhVggYwUIZrqh0w2lIT0esw+9ABNPA4=",
    folder: "",
};

/// A server that speaks the protocol of S3, with everything in memory.
const GOFAKES3: Module = Module {
    path: "github.com/johannesboyne/gofakes3",
    version: "v1.2.0",
    sum: "h1:I9VEzPWvvAUAGzDlhYFoZjF0AXMlkcEyZlmBwiI6Oms=",
    folder: "cmd/gofakes3",
};

/// What the publishers of the SBOM formats validate with.
const SBOM_VALIDATORS: Environment = Environment {
    name: "sbom-validators",
    packages: &[
        "spdx-tools==0.8.5",
        "ntia-conformance-checker==6.0.0",
        "cyclonedx-python-lib[json-validation]==11.12.0",
    ],
};

const SYFT: Module = Module {
    path: "github.com/anchore/syft",
    version: "v1.57.0",
    sum: "h1:H/UHtf0KbIlD12dXsfklFMjZ2+erj2an3h/jBHoX/zE=",
    folder: "cmd/syft",
};

const GRYPE: Module = Module {
    path: "github.com/anchore/grype",
    version: "v0.121.2",
    sum: "h1:t8eTlmy/XSrNwjoahWG+oUod1oCLL3KL48l/qwkzUQw=",
    folder: "cmd/grype",
};

pub(crate) const TOOLS: &[Tool] = &[
    system("skopeo", "skopeo", "copies and inspects images"),
    system("podman", "podman", "pulls and runs images"),
    system("runc", "runc", "the runtime below podman"),
    system("umoci", "umoci", "unpacks OCI layouts"),
    system("buildah", "buildah", "makes images; the other side of `bench compose`"),
    system("docker-registry", "docker-registry", "a registry that is not ours"),
    system("nginx", "nginx", "a proxy before our registry"),
    system("qemu-aarch64-static", "qemu-user-static", "runs arm64 programs by chroot"),
    system("chroot", "coreutils", "enters an unpacked image"),
    system("openssl", "openssl", "serves TLS with a private CA"),
    system("curl", "curl", "asks servers"),
    system("softhsm2-util", "softhsm2", "keeps keys as a hardware token does"),
    system("pkcs11-tool", "opensc", "makes keys in tokens"),
    system("initdb", "postgresql", "makes databases for tests"),
    system("sh", "dash", "runs scripts"),
    system("bash", "bash", "reads completion scripts"),
    system("jq", "jq", "reads JSON in scripts"),
    system("zstd", "zstd", "decompresses layers by hand"),
    system("ip", "iproute2", "sets up the closed network of a benchmark"),
    system("time", "time", "measures time and memory of a process tree"),
    pool("cosign", "cosign", "trixie", "usr/bin/cosign", "verifies signatures, version 2"),
    pool("cosign3", "cosign", "sid", "usr/bin/cosign", "verifies signatures, version 3"),
    pool("crane", "crane", "sid", "usr/bin/crane", "pulls, pushes and validates images"),
    pool("oras", "oras", "trixie", "usr/bin/oras", "pushes artifacts and lists referrers"),
    validator("pyspdxtools", "pyspdxtools", "validates SPDX documents"),
    validator("ntia-checker", "ntia-checker", "finds what an SBOM must have and does not"),
    validator("python-cyclonedx", "python", "validates CycloneDX documents"),
    Tool {
        program: "syft",
        source: Source::Go { module: SYFT, program: "syft" },
        purpose: "lists the packages of a file system",
    },
    Tool {
        program: "grype",
        source: Source::Go { module: GRYPE, program: "grype" },
        purpose: "finds the packages of SBOMs in a vulnerability database",
    },
    Tool {
        program: "grype-database",
        source: Source::GoProgram { module: GRYPE, source: include_str!("grype_database.go") },
        purpose: "makes such a database, in which every package has a vulnerability",
    },
    Tool {
        program: "gofakes3",
        source: Source::Go { module: GOFAKES3, program: "gofakes3" },
        purpose: "an object store for tests",
    },
    Tool {
        program: "helm",
        source: Source::Go { module: HELM, program: "helm" },
        purpose: "pushes and pulls charts",
    },
    Tool {
        program: "distribution",
        source: Source::Go { module: DISTRIBUTION, program: "registry" },
        purpose: "the successor of docker-registry, for `bench registry`",
    },
    Tool {
        program: "oci-conformance",
        source: Source::Go { module: CONFORMANCE, program: "conformance" },
        purpose: "the conformance suite of the OCI distribution specification",
    },
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

const fn validator(program: &'static str, file: &'static str, purpose: &'static str) -> Tool {
    Tool { program, source: Source::Python { environment: SBOM_VALIDATORS, program: file }, purpose }
}
