//! The files of a howto: the key, and policies that clusters enforce.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The name of the file with the key.
pub(super) const KEY_FILE: &str = "temper.pub";
/// The name of the policy for `cosign verify-attestation --policy`.
pub(super) const BUILD_POLICY: &str = "provenance.cue";
/// The name of the secret with which clusters pull.
const PULL_SECRET: &str = "temper-pull";
/// Longest name of an object of Kubernetes.
const NAME_LENGTH_MAX: usize = 63;

/// What is known of a signed image.
pub(super) struct Facts {
    pub(super) image: String,
    /// With its registry.
    pub(super) repository: String,
    /// Host and port.
    pub(super) registry: String,
    /// What `cosign --key` takes.
    pub(super) key_place: String,
    /// The key, PEM.
    pub(super) key: String,
    /// Types of what is attached: the word of cosign, and the address.
    pub(super) types: Vec<(&'static str, &'static str)>,
    /// Build type and builder of the provenance.
    pub(super) provenance: Option<(String, String)>,
}

/// Writes the files by their names.
pub(super) fn files(facts: &Facts) -> BTreeMap<&'static str, String> {
    let mut files = BTreeMap::from([
        (KEY_FILE, facts.key.clone()),
        ("kyverno.yaml", kyverno(facts)),
        ("policy-controller.yaml", policy_controller(facts)),
        ("pull-secret.yaml", pull_secret(facts)),
    ]);
    if let Some(policy) = cue(facts) {
        files.insert(BUILD_POLICY, policy);
    }
    files
}

/// What the provenance must say, for cosign and policy-controller; see [CUE](https://cuelang.org/docs/reference/spec/).
fn cue(facts: &Facts) -> Option<String> {
    let (build_type, builder) = facts.provenance.as_ref()?;
    Some(format!(
        "predicateType: {}\npredicate: {{\n\tbuildDefinition: buildType: {}\n\trunDetails: builder: id: {}\n}}\n",
        quoted(temper_attest::predicate::SLSA_PROVENANCE),
        quoted(build_type),
        quoted(builder)
    ))
}

/// See [Kyverno, verify images](https://kyverno.io/docs/policy-types/cluster-policy/verify-images/sigstore/).
fn kyverno(facts: &Facts) -> String {
    let mut text = format!(
        "# Kyverno 1.13 or newer. Pods run images of the repository only with this signature.
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: {name}
spec:
  background: false
  webhookConfiguration:
    timeoutSeconds: 30
  rules:
    - name: signed
      match:
        any:
          - resources:
              kinds: [Pod]
      verifyImages:
        - imageReferences:
            - {pattern}
            - {by_digest}
          failureAction: Enforce
          mutateDigest: true
          required: true
          # For a registry with logins, a secret in Kyverno's namespace:
          # imageRegistryCredentials: {{secrets: [{PULL_SECRET}]}}
          attestors:
            - count: 1
              entries:
                - keys:
{key}
",
        name = object_name(&facts.repository),
        pattern = quoted(&format!("{}:*", facts.repository)),
        by_digest = quoted(&format!("{}@*", facts.repository)),
        key = kyverno_key(facts, 20),
    );
    if !facts.types.is_empty() {
        text.push_str("          attestations:\n");
    }
    for (_, kind) in &facts.types {
        let key = kyverno_key(facts, 24);
        let _ = write!(
            text,
            "            - type: {}\n              attestors:\n                - entries:\n                    - keys:\n{key}\n",
            quoted(kind)
        );
        if let (Some((build_type, builder)), true) =
            (&facts.provenance, *kind == temper_attest::predicate::SLSA_PROVENANCE)
        {
            let _ = write!(
                text,
                "              conditions:
                - all:
                    - key: \"{{{{ buildDefinition.buildType }}}}\"
                      operator: Equals
                      value: {}
                    - key: \"{{{{ runDetails.builder.id }}}}\"
                      operator: Equals
                      value: {}\n",
                quoted(build_type),
                quoted(builder)
            );
        }
    }
    text
}

fn kyverno_key(facts: &Facts, indent: usize) -> String {
    let space = " ".repeat(indent);
    format!(
        "{space}publicKeys: |-\n{}\n{space}signatureAlgorithm: sha256\n{space}rekor:\n{space}  ignoreTlog: true\n{space}ctlog:\n{space}  ignoreSCT: true",
        indented(&facts.key, indent + 2)
    )
}

/// See [policy-controller](https://docs.sigstore.dev/policy-controller/overview/).
fn policy_controller(facts: &Facts) -> String {
    let mut text = format!(
        "# sigstore policy-controller. It looks at namespaces with the label policy.sigstore.dev/include: \"true\".
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: {name}
spec:
  images:
    - glob: {glob}
  authorities:
    - name: temper
      key:
        hashAlgorithm: sha256
        data: |
{key}
      # For a registry with logins:
      # source:
      #   - signaturePullSecrets:
      #       - name: {PULL_SECRET}
",
        name = object_name(&facts.repository),
        glob = quoted(&format!("{}**", facts.repository)),
        key = indented(&facts.key, 10),
    );
    if !facts.types.is_empty() {
        text.push_str("      attestations:\n");
    }
    for (name, kind) in &facts.types {
        let _ = write!(text, "        - name: {name}\n          predicateType: {}\n", quoted(kind));
        if let (Some(policy), true) = (cue(facts), *kind == temper_attest::predicate::SLSA_PROVENANCE) {
            let policy = indented(&policy.replace('\t', "  "), 14);
            let _ = write!(text, "          policy:\n            type: cue\n            data: |\n{policy}\n");
        }
    }
    text
}

fn pull_secret(facts: &Facts) -> String {
    let auths = serde_json::json!({ "auths": { facts.registry.as_str(): { "username": "NAME", "password": "TOKEN" } } });
    format!(
        "# Put a user and an access token of the registry in the place of NAME and TOKEN.
apiVersion: v1
kind: Secret
metadata:
  name: {PULL_SECRET}
type: kubernetes.io/dockerconfigjson
stringData:
  .dockerconfigjson: |
    {auths}
"
    )
}

/// A text of JSON is one of YAML and of CUE.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn indented(text: &str, indent: usize) -> String {
    let space = " ".repeat(indent);
    text.lines().map(|line| format!("{space}{line}")).collect::<Vec<_>>().join("\n")
}

/// Makes a name of Kubernetes, `verify-registry-example-acme-dhi-python`.
fn object_name(repository: &str) -> String {
    let clean: String = repository
        .to_ascii_lowercase()
        .chars()
        .map(|character| if character.is_ascii_alphanumeric() { character } else { '-' })
        .collect();
    let words: Vec<&str> = clean.split('-').filter(|word| !word.is_empty()).collect();
    let mut name = format!("verify-{}", words.join("-"));
    name.truncate(NAME_LENGTH_MAX);
    name.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests;
