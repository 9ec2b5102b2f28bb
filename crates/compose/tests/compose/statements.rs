//! What is stated about composed images: the packages that are in them, the inputs, VEX, where each path comes from.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use temper_attest::carrier::{Attached, Target, attach};
use temper_attest::provenance::{BuildRecord, Role};
use temper_attest::{Limits, Statement, VexDocument, predicate};
use temper_compose::composition_record::PathOrigin;
use temper_compose::{
    Attachments, BuildContext, BuildKind, CompositionRecord, RecordedChoice, Statements, recorded_ids,
};
use temper_oci::{Descriptor, Digest, Platform};
use temper_testkit::Deb;
use temper_testkit::image::Layer;

use crate::base;
use crate::image::MemoryImage;
use crate::repository::MemoryRepository;
use crate::signing::{REPOSITORY, context, context_at, key};
use crate::workshop::Workshop;

const COPYRIGHT: &[u8] = b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n\
    Files: *\nCopyright: somebody\nLicense: Expat\n";

fn deb(name: &str, version: &str) -> Deb {
    let copyright = format!("usr/share/doc/{name}/copyright");
    Deb::new(name, version)
        .file(&format!("usr/bin/{name}"), 0o755, version.as_bytes())
        .file(&copyright, 0o644, COPYRIGHT)
}

/// A base with two packages, one with a copyright file, and an archive with two more.
fn workshop() -> Workshop {
    let fields = |version: &str, more: &str| {
        format!("Version: {version}\nArchitecture: amd64\nMaintainer: Team <team@example.org>\n{more}")
    };
    let libc = fields("2.41-1", "Source: glibc\nHomepage: https://libc.example\n");
    let tool = fields("1:3-1", "Depends: libc6 (>= 2), absent | virtual\n");
    let layer = base::debian(&[
        ("libc6", &libc, &["usr", "usr/lib", "usr/lib/libc.so.6"]),
        ("tool", &tool, &["usr", "usr/bin", "usr/bin/tool"]),
    ])
    .directory("usr/share")
    .directory("usr/share/doc")
    .directory("usr/share/doc/tool")
    .file("usr/share/doc/tool/copyright", 0o644, COPYRIGHT);
    let jq = deb("jq", "1.7-1").depends("libjq1 (>= 1)");
    Workshop::new().base_of(&layer).packages([jq, deb("libjq1", "1.7-1")])
}

const DOCUMENT: &str = "contents: {packages: [jq]}\n\
    paths: [{path: /srv/own, contents: own, mode: \"0644\", uid: 0, gid: 0}]\n\
    accounts: {users: [{name: app, uid: 10001}]}\nenvironment: {OWN: \"1\"}\n";

/// The predicate of the only statement of a type about amd64.
fn predicate<'a>(statements: &'a Statements, kind: &str) -> &'a Value {
    let (_, own) = &statements.platforms[0];
    let found: Vec<&Statement> = own.iter().filter(|statement| statement.predicate_type == kind).collect();
    assert_eq!(found.len(), 1, "{kind}");
    &found[0].predicate
}

/// Name and version of everything that an SPDX document lists for a purpose.
fn listed(spdx: &Value, purpose: &str) -> Vec<String> {
    let packages = spdx["packages"].as_array().expect("is a list").iter();
    let packages = packages.filter(|package| package["primaryPackagePurpose"] == purpose);
    packages
        .map(|package| {
            let text = |field: &str| package[field].as_str().unwrap_or_default().to_owned();
            format!("{} {} {}", text("name"), text("versionInfo"), text("licenseDeclared"))
        })
        .collect()
}

#[test]
fn the_inventory_is_what_the_database_of_the_result_says() {
    let (outcome, statements) = workshop().state(DOCUMENT, &context());
    let spdx = predicate(&statements, predicate::SPDX);
    assert_eq!(
        listed(spdx, "LIBRARY"),
        ["jq 1.7-1 MIT", "libc6 2.41-1 NOASSERTION", "libjq1 1.7-1 MIT", "tool 1:3-1 MIT"]
    );
    assert_eq!(listed(spdx, "OPERATING_SYSTEM"), ["debian NOASSERTION NOASSERTION"]);
    let files: Vec<String> =
        listed(spdx, "FILE").iter().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    assert_eq!(files, ["/etc/group", "/etc/passwd", "/srv/own"]);
    let amd64 = outcome.amd64().manifest.descriptor.digest;
    assert_eq!(spdx["name"], format!("{REPOSITORY}@{amd64}"));
    assert_eq!(spdx["creationInfo"]["created"], base::CREATED);
    assert_eq!(spdx["creationInfo"]["creators"][0], "Organization: acme");

    let cyclonedx = predicate(&statements, predicate::CYCLONEDX);
    let components = cyclonedx["components"].as_array().expect("is a list");
    let find = |name: &str| components.iter().find(|one| one["name"] == name).expect("is listed");
    assert_eq!(find("libc6")["purl"], "pkg:deb/debian/libc6@2.41-1?arch=amd64&distro=debian&upstream=glibc");
    assert_eq!(find("libc6")["supplier"]["name"], "Team");
    assert_eq!(find("libc6")["externalReferences"][0]["url"], "https://libc.example");
    assert_eq!(find("tool")["evidence"]["occurrences"][0]["location"], "/var/lib/dpkg/status");
    assert!(find("tool")["hashes"].is_null());
    assert_eq!(find("jq")["hashes"][0]["alg"], "SHA-256");
    let needs = |name: &str| {
        let purl = &find(name)["purl"];
        let all = cyclonedx["dependencies"].as_array().expect("is a list");
        let needed = all.iter().find(|one| one["ref"] == *purl).expect("is listed")["dependsOn"].clone();
        let needed: Vec<String> = serde_json::from_value(needed).expect("are texts");
        needed
            .iter()
            .filter_map(|purl| Some(purl.split('@').next()?.rsplit('/').next()?.to_owned()))
            .collect()
    };
    let none: Vec<String> = Vec::new();
    assert_eq!((needs("jq"), needs("tool")), (vec!["libjq1".to_owned()], vec!["libc6".to_owned()]));
    assert_eq!(needs("libc6"), none);
}

#[test]
fn licences_are_read_once() {
    let workshop = workshop();
    let first = workshop.state(DOCUMENT, &context()).1;
    workshop.lose_package_files();
    let again = workshop.state(DOCUMENT, &context()).1;
    assert_eq!(first.platforms, again.platforms);
    assert_eq!(workshop.fetched().len(), 2, "each package once");
}

#[test]
fn artifacts_stand_in_the_inventory_with_the_sbom_that_a_trusted_key_signed() {
    let artifact = Layer::new().directory("opt").file("opt/data", 0o644, "data");
    let body = "contents: {artifacts: [{name: \"acme/data:v1\", includes: [opt]}]}\n";
    for (signer, is_damaged, is_linked) in [(1, false, true), (2, false, false), (1, true, false)] {
        let mut image = MemoryImage::artifact("acme/data:v1", &artifact);
        let amd64 = image.platform_digest("amd64");
        let place = MemoryRepository::new(true);
        image.attachments = Some(place.clone());
        let descriptor = Descriptor::new("m", amd64, 1);
        let target = Target { repository: "acme/data".to_owned(), descriptor: descriptor.clone() };
        let sbom = Statement::new(vec![target.subject()], predicate::SPDX, json!({}));
        let publication =
            attach(&target, &[sbom], base::CREATED, &Attached::default(), &key(signer), &Limits::default());
        place.put(&publication.expect("can be signed"));
        if is_damaged {
            let attached = place.attached(&descriptor).expect("can be read");
            place.flip(&attached.referrers[0].manifest().layers[0].digest);
        }

        let (_, statements) = workshop().artifact_image(image).state(body, &context());
        assert_eq!(statements.unread.len(), usize::from(is_damaged), "{:?}", statements.unread);
        let spdx = predicate(&statements, predicate::SPDX);
        assert_eq!(listed(spdx, "CONTAINER")[1], format!("registry.example/acme/data {amd64} NOASSERTION"));
        let packages = spdx["packages"].as_array().expect("is a list");
        let named = |one: &&Value| one["name"] == "registry.example/acme/data";
        let named = packages.iter().find(named).expect("is listed");
        assert_eq!(named["externalRefs"][1]["referenceType"] == "sbom", is_linked, "{signer}");
        let record = record(&statements);
        let (origin, digest) = record.find("/opt/data").expect("is in the image");
        let reference = "acme/data:v1".to_owned();
        assert_eq!(*origin, PathOrigin::Artifact { reference, digest: Some(amd64) });
        assert_eq!(digest, Some(Digest::of("data").hex().as_str()));
    }
}

fn record(statements: &Statements) -> CompositionRecord {
    let (_, own) = &statements.platforms[0];
    let found = own.iter().find_map(CompositionRecord::from_statement);
    found.expect("is stated").expect("can be read")
}

#[test]
fn every_path_variable_and_account_has_an_origin() {
    let (outcome, statements) = workshop().state(DOCUMENT, &context());
    let record = record(&statements);
    let found = |path: &str| record.find(path).unwrap_or_else(|| panic!("{path} is in the image")).0.clone();
    let base = workshop().base.expect("there is one");
    let PathOrigin::Base { layer: Some(_), package } = found("/usr/lib/libc.so.6") else {
        panic!("{:?} of {}", found("/usr/lib/libc.so.6"), base.name())
    };
    assert_eq!(package.as_deref(), Some("libc6 2.41-1"));
    assert!(matches!(found("/var/lib"), PathOrigin::Base { layer: None, package: None }));
    assert!(matches!(found("/usr/bin/jq"), PathOrigin::Package { package, .. } if package == "jq 1.7-1"));
    assert_eq!(found("/srv/own"), PathOrigin::Document);
    assert!(matches!(found("/var/lib/dpkg/status"), PathOrigin::Effect { .. }));
    assert_eq!(record.find("/nowhere"), None);
    let files: usize = record.origins.iter().map(|group| group.files.len() + group.others.len()).sum();
    assert_eq!(files, outcome.amd64().tree().nodes().count());
    let variable = |name: &str| record.environment.iter().find(|one| one.name == name).expect("is set");
    assert_eq!((&*variable("OWN").origin, &*variable("BASE").origin), ("customization", "base"));
    let user = |name: &str| record.users.iter().find(|user| user.name == name).expect("is there");
    assert_eq!((user("app").id, &*user("app").origin), (10001, "customization"));
    assert_eq!((user("root").id, &*user("root").origin), (0, "base"));
}

#[test]
fn the_record_has_everything_that_was_read() {
    let workshop = workshop();
    let (outcome, statements) = workshop.state(DOCUMENT, &context());
    let provenance = &statements.index[0];
    let subjects: BTreeSet<Digest> =
        [outcome.digest(), outcome.amd64().manifest.descriptor.digest].into_iter().collect();
    assert!(subjects.iter().all(|digest| provenance.is_about(*digest)));
    let kind = BuildKind::Customization.build_type();
    let record = BuildRecord::from_statement(provenance, kind).expect("can be read");
    assert_eq!(record, statements.record);
    let named = |role: Role| -> Vec<String> {
        let inputs = record.inputs.iter().filter(|input| input.role == role);
        inputs.map(|input| format!("{} {}", input.name, input.location.clone().unwrap_or_default())).collect()
    };
    assert_eq!(
        named(Role::Package),
        [
            "jq distribution:debian/pool/jq_1.7-1_amd64.deb",
            "libjq1 distribution:debian/pool/libjq1_1.7-1_amd64.deb"
        ]
    );
    assert_eq!(named(Role::Base), ["registry.example/acme/base registry.example/acme/base:1"; 2]);
    assert_eq!(named(Role::Archive).len(), 3);
    assert_eq!(record.request.document, context().document);
    assert_eq!(record.settings.build_key, outcome.plan.build_key.expect("was built"));
    assert_eq!(record.settings.base_name.as_deref(), Some("registry.example/acme/base:1"));
    let keys = &record.settings.platforms[&Platform::linux("amd64")].layer_keys;
    assert_eq!(keys.len(), outcome.amd64().layer_names().len() - 1);
}

#[test]
fn what_was_chosen_once_is_taken_again_whatever_the_archive_has_now() {
    let workshop = workshop();
    let (first, statements) = workshop.state(DOCUMENT, &context());
    let mut moved_on = workshop.packages([deb("jq", "1.8-1").depends("libjq1 (>= 1)")]);
    assert_ne!(moved_on.build(DOCUMENT).digest(), first.digest());
    let settings = &statements.record.settings.platforms;
    moved_on.choices = settings
        .iter()
        .map(|(platform, settings)| (platform.clone(), RecordedChoice::read(platform, settings)))
        .collect();
    moved_on.automatic_ids = settings
        .iter()
        .map(|(platform, settings)| (platform.clone(), recorded_ids(settings)))
        .collect::<BTreeMap<_, _>>();
    assert_eq!(moved_on.build(DOCUMENT).digest(), first.digest());
}

#[test]
fn definitions_have_a_build_type_of_their_own() {
    let body = "contents:\n  repositories: [\"deb [signed-by=debian-archive] distribution:debian trixie main\"]\n  \
                packages: [jq]\nplatforms: [linux/amd64]\n";
    let (_, statements) = workshop().state_defined(body, &context());
    assert_eq!(statements.record.build_type, BuildKind::Definition.build_type());
    assert!(statements.record.inputs.iter().all(|input| input.role != Role::Base));
    assert_eq!(listed(predicate(&statements, predicate::SPDX), "LIBRARY").len(), 2);
}

#[test]
fn stating_again_at_another_time_changes_the_provenance_alone() {
    let workshop = workshop();
    let (first, later) = (workshop.state(DOCUMENT, &context()).1, workshop.state(DOCUMENT, &context_at(7)).1);
    let (platforms, index) =
        (|s: &Statements| s.platforms[0].1[1..].to_vec(), |s: &Statements| s.index[1..].to_vec());
    assert_eq!((platforms(&first), index(&first)), (platforms(&later), index(&later)));
    assert_ne!(first.index[0], later.index[0]);
    assert!(first.record.is_same_build(&later.record));
}

fn vex(product: &str, part: &str) -> Value {
    json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "urn:example:vex",
        "author": "Publisher",
        "timestamp": "2025-12-01T00:00:00Z",
        "version": 1,
        "statements": [{
            "vulnerability": {"name": "CVE-2026-0001"},
            "products": [{"@id": product, "subcomponents": [{"@id": part}]}],
            "status": "not_affected",
            "justification": "vulnerable_code_not_present",
        }],
    })
}

/// The vulnerabilities of the OpenVEX document of amd64.
fn vulnerabilities(statements: &Statements) -> Vec<String> {
    let said = predicate(statements, predicate::OPENVEX)["statements"].as_array().expect("is a list");
    said.iter().map(|one| one["vulnerability"]["name"].as_str().expect("is a text").to_owned()).collect()
}

/// A workshop whose base has something attached: an OpenVEX document that a key signed.
fn with_vex(signer: u8, document: impl Fn(&MemoryImage) -> Value) -> (Workshop, MemoryRepository) {
    let mut workshop = workshop().packages([deb("tool", "1:4-1")]);
    let base = workshop.base.as_mut().expect("there is one");
    let place = MemoryRepository::new(false);
    base.attachments = Some(place.clone());
    let descriptor = Descriptor::new("application/vnd.oci.image.index.v1+json", base.digest(), 1);
    let target = Target { repository: "acme/base".to_owned(), descriptor };
    let statement = Statement::new(vec![target.subject()], predicate::OPENVEX, document(base));
    let publication =
        attach(&target, &[statement], base::CREATED, &Attached::default(), &key(signer), &Limits::default());
    place.put(&publication.expect("can be signed"));
    (workshop, place)
}

#[test]
fn the_bases_vex_is_inherited_from_those_who_are_trusted() {
    let upgrade = "contents: {packages: [\"tool=1:4-1\"]}\n";
    for (signer, body, expected) in [(1, DOCUMENT, 1), (2, DOCUMENT, 0), (1, upgrade, 0)] {
        let about_tool =
            |base: &MemoryImage| vex(&format!("pkg:oci/base@{}", base.digest()), "pkg:deb/debian/tool");
        let (workshop, _) = with_vex(signer, about_tool);
        let (_, statements) = workshop.state(body, &context());
        assert_eq!(vulnerabilities(&statements).len(), expected, "{signer} {body}");
    }
}

#[test]
fn reassurance_about_the_whole_base_ends_where_the_image_starts_otherwise() {
    for (body, is_kept) in [
        ("annotations: {note: \"1\"}\n", true),
        ("environment: {OWN: \"1\"}\n", false),
        ("cmd: [tool]\n", false),
        ("entrypoint: [tool]\n", false),
    ] {
        let about_all = |base: &MemoryImage| {
            let mut document = vex(&format!("pkg:oci/base@{}", base.digest()), "");
            document["statements"][0]["products"][0]["subcomponents"] = json!([]);
            document
        };
        let (workshop, _) = with_vex(1, about_all);
        let (_, statements) = workshop.state(body, &context());
        assert_eq!(vulnerabilities(&statements).len(), usize::from(is_kept), "{body}");
        assert_eq!(statements.dropped.len(), usize::from(!is_kept), "once for all platforms: {body}");
    }
}

#[test]
fn what_a_base_has_attached_never_stops_a_build() {
    let about_tool =
        |base: &MemoryImage| vex(&format!("pkg:oci/base@{}", base.digest()), "pkg:deb/debian/tool");
    let (workshop, place) = with_vex(1, about_tool);
    let index = workshop.base.as_ref().expect("there is one").digest();
    let attached = place.attached(&Descriptor::new("index", index, 1)).expect("can be read");
    place.flip(&attached.referrers[0].manifest().layers[0].digest);
    let (_, statements) = workshop.state(DOCUMENT, &context());
    assert_eq!(vulnerabilities(&statements), [""; 0]);
    let [told] = statements.unread.as_slice() else { panic!("{:?}", statements.unread) };
    assert!(told.contains("is damaged"), "{told}");
}

#[test]
fn own_statements_join_and_the_rest_is_told() {
    let read = |part: &str| {
        let text = vex("pkg:oci/app", part).to_string();
        VexDocument::parse(text.as_bytes(), &Limits::default()).expect("can be read")
    };
    let documents = [read("pkg:deb/debian/jq"), read("pkg:deb/debian/absent")];
    let context = BuildContext { vex: &documents, ..context() };
    let (_, statements) = workshop().state(DOCUMENT, &context);
    assert_eq!(vulnerabilities(&statements), ["CVE-2026-0001"]);
    assert_eq!(statements.unknown, [("CVE-2026-0001".to_owned(), "pkg:deb/debian/absent".to_owned())]);
    assert_eq!(vulnerabilities(&workshop().state(DOCUMENT, &crate::signing::context()).1), [""; 0]);
}

#[test]
fn statements_that_are_not_valid_are_not_signed() {
    let mut document = vex("pkg:oci/app", "pkg:deb/debian/jq");
    document["statements"][0].as_object_mut().expect("is an object").remove("justification");
    let read = VexDocument::parse(document.to_string().as_bytes(), &Limits::default()).expect("can be read");
    let documents = [read];
    let context = BuildContext { vex: &documents, ..context() };
    let error = workshop().try_state(DOCUMENT, &context).expect_err("is refused").to_string();
    assert!(
        error.contains("`urn:example:vex` is not valid: statements[0]: status `not_affected` needs"),
        "{error}"
    );
}
