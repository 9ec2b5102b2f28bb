//! The predicate of SLSA provenance as JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use temper_oci::Digest;

use crate::provenance::{BuildRecord, Builder, Input, ProvenanceError, Request, Role, Settings, Target};

const ROLE: &str = "role";
const PLATFORM: &str = "platform";
/// The document is inside the provenance; this names it where an address is wanted.
const DOCUMENT_URI: &str = "urn:temper:document";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Predicate {
    build_definition: BuildDefinition,
    run_details: RunDetails,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BuildDefinition {
    build_type: String,
    external_parameters: ExternalParameters,
    internal_parameters: Settings,
    resolved_dependencies: Vec<ResourceDescriptor>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ExternalParameters {
    document: String,
    target: WireTarget,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireTarget {
    destination: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tag_definition_id: Option<String>,
    tags: Vec<String>,
}

/// See the [in-toto attestation framework, "ResourceDescriptor"](https://github.com/in-toto/attestation/blob/main/spec/v1/resource_descriptor.md).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceDescriptor {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    digest: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    media_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    download_location: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
struct RunDetails {
    builder: WireBuilder,
    metadata: Metadata,
}

#[derive(Serialize, Deserialize)]
struct WireBuilder {
    id: String,
    #[serde(default)]
    version: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    invocation_id: String,
    started_on: String,
    finished_on: String,
}

pub(super) fn write(record: &BuildRecord) -> Value {
    let BuildRecord { request, settings, builder, .. } = record;
    let predicate = Predicate {
        build_definition: BuildDefinition {
            build_type: record.build_type.clone(),
            external_parameters: ExternalParameters {
                document: request.document.clone(),
                target: WireTarget {
                    destination: request.target.destination.clone(),
                    tag_definition_id: request.target.tag_definition_id.clone(),
                    tags: request.target.tags.clone(),
                },
            },
            internal_parameters: settings.clone(),
            resolved_dependencies: dependencies(record),
        },
        run_details: RunDetails {
            builder: WireBuilder { id: builder.id.clone(), version: builder.versions.clone() },
            metadata: Metadata {
                invocation_id: record.invocation.clone(),
                started_on: record.started_on.clone(),
                finished_on: record.finished_on.clone(),
            },
        },
    };
    serde_json::to_value(predicate).expect("a predicate has string keys only")
}

pub(super) fn read(predicate: &Value, build_type: &str) -> Result<BuildRecord, ProvenanceError> {
    let found = predicate.pointer("/buildDefinition/buildType").and_then(Value::as_str).unwrap_or_default();
    if found != build_type {
        return Err(ProvenanceError::BuildType { found: found.to_owned(), expected: build_type.to_owned() });
    }
    let Predicate { build_definition, run_details } =
        Predicate::deserialize(predicate).map_err(ProvenanceError::Form)?;
    let BuildDefinition { build_type, external_parameters, internal_parameters, resolved_dependencies } =
        build_definition;
    let inputs = inputs(resolved_dependencies, &external_parameters.document)?;
    let target = external_parameters.target;
    Ok(BuildRecord {
        build_type,
        builder: Builder { id: run_details.builder.id, versions: run_details.builder.version },
        request: Request {
            document: external_parameters.document,
            target: Target {
                destination: target.destination,
                tag_definition_id: target.tag_definition_id,
                tags: target.tags,
            },
        },
        settings: internal_parameters,
        inputs,
        invocation: run_details.metadata.invocation_id,
        started_on: run_details.metadata.started_on,
        finished_on: run_details.metadata.finished_on,
    })
}

/// The document first, then the rest by role, name and platform.
fn dependencies(record: &BuildRecord) -> Vec<ResourceDescriptor> {
    let mut inputs = record.inputs.clone();
    inputs.push(Input {
        role: Role::Document,
        name: "document".to_owned(),
        uri: DOCUMENT_URI.to_owned(),
        digest: Digest::of(&record.request.document),
        platform: None,
        location: None,
    });
    inputs.sort();
    inputs.dedup();
    inputs.into_iter().map(dependency).collect()
}

fn dependency(input: Input) -> ResourceDescriptor {
    let mut annotations = BTreeMap::from([(ROLE.to_owned(), input.role.as_str().to_owned())]);
    annotations.extend(input.platform.map(|platform| (PLATFORM.to_owned(), platform.to_string())));
    ResourceDescriptor {
        name: input.name,
        uri: Some(input.uri),
        digest: digests(input.digest),
        media_type: None,
        download_location: input.location,
        annotations,
    }
}

fn inputs(dependencies: Vec<ResourceDescriptor>, document: &str) -> Result<Vec<Input>, ProvenanceError> {
    let mut inputs = Vec::new();
    let mut documents = Vec::new();
    for dependency in dependencies {
        let input = input(dependency)?;
        match input.role {
            Role::Document => documents.push(input.digest),
            _ => inputs.push(input),
        }
    }
    if documents == [Digest::of(document)] { Ok(inputs) } else { Err(ProvenanceError::Document) }
}

fn input(dependency: ResourceDescriptor) -> Result<Input, ProvenanceError> {
    let unknown = || ProvenanceError::Dependency(dependency.name.clone());
    let role = dependency.annotations.get(ROLE).and_then(|role| Role::parse(role)).ok_or_else(unknown)?;
    let digest = digest(&dependency.digest).ok_or_else(unknown)?;
    let platform = match dependency.annotations.get(PLATFORM) {
        Some(platform) => Some(platform.parse().map_err(|_| unknown())?),
        None => None,
    };
    Ok(Input {
        role,
        uri: dependency.uri.clone().ok_or_else(unknown)?,
        digest,
        platform,
        location: dependency.download_location,
        name: dependency.name,
    })
}

fn digests(digest: Digest) -> BTreeMap<String, String> {
    BTreeMap::from([(digest.algorithm().to_owned(), digest.hex())])
}

fn digest(digests: &BTreeMap<String, String>) -> Option<Digest> {
    format!("sha256:{}", digests.get("sha256")?).parse().ok()
}
