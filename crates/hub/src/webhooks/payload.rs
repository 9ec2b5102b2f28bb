//! What webhooks are told: the form of Docker Hub's pushes, with digests and causes beside it.

use serde_json::{Value, json};
use temper_oci::Digest;
use temper_store::records::{BuildRecord, Finish, Micros};

/// A tag that moved.
#[derive(Clone, Debug)]
pub(crate) struct Push<'a> {
    /// The repository, `acme/python`.
    pub(crate) repository: &'a str,
    /// Registry and repository, as clients name them.
    pub(crate) full_name: String,
    /// The tag.
    pub(crate) tag: &'a str,
    /// Where it pointed before.
    pub(crate) old: Option<Digest>,
    /// Where it points.
    pub(crate) new: Digest,
    /// When.
    pub(crate) at: Micros,
    /// The causes of the build that moved it, where one did.
    pub(crate) causes: Option<Value>,
    /// The build that moved it.
    pub(crate) build_id: Option<String>,
}

impl Push<'_> {
    /// Writes it in the form that [Docker Hub](https://docs.docker.com/docker-hub/repos/manage/webhooks/) sends, so
    /// that what listens there listens here; what is ours stands beside it.
    pub(crate) fn payload(&self) -> Value {
        let (namespace, name) = self.repository.split_once('/').unwrap_or(("", self.repository));
        let seconds = self.at.div_euclid(1_000_000);
        json!({
            "event": "push",
            "push_data": {
                "pushed_at": seconds,
                "pusher": namespace,
                "tag": self.tag,
                "images": [],
                "media_type": "application/vnd.oci.image.index.v1+json",
            },
            "repository": {
                "repo_name": self.repository,
                "namespace": namespace,
                "name": name,
                "owner": namespace,
                "repo_url": self.full_name,
                "status": "Active",
                "is_official": false,
                "is_trusted": true,
            },
            "reference": format!("{}:{}", self.full_name, self.tag),
            "digest": self.new,
            "old_digest": self.old,
            "causes": self.causes,
            "build_id": self.build_id,
        })
    }
}

/// Tells how a build ended; nothing where that is nobody's concern.
pub(super) fn of_build(build: &BuildRecord, finish: &Finish) -> Option<(&'static str, Value)> {
    let mut payload = json!({
        "build_id": build.id,
        "number": build.number,
        "name": build.name,
        "repository": build.destination,
        "causes": serde_json::from_str::<Value>(&build.causes).unwrap_or_default(),
    });
    let event = match finish {
        Finish::Succeeded(success) => {
            payload["digest"] = success.digest.clone().into();
            payload["tags"] = success.tags.clone().into();
            "build.succeeded"
        }
        Finish::Failed { error, .. } => {
            payload["error"] = serde_json::from_str(error).unwrap_or_else(|_| error.clone().into());
            "build.failed"
        }
        _ => return None,
    };
    payload["event"] = event.into();
    Some((event, payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_reads_like_one_of_docker_hub() {
        let push = Push {
            repository: "acme/python",
            full_name: "registry.example/acme/python".to_owned(),
            tag: "3.13",
            old: None,
            new: Digest::of("new"),
            at: 1_700_000_000_999_999,
            causes: Some(json!([{"kind": "edited"}])),
            build_id: None,
        };
        let payload = push.payload();
        assert_eq!(payload["push_data"]["tag"], "3.13");
        assert_eq!(payload["push_data"]["pushed_at"], 1_700_000_000);
        assert_eq!(payload["repository"]["repo_name"], "acme/python");
        assert_eq!(payload["repository"]["name"], "python");
        assert_eq!(payload["digest"], Digest::of("new").to_string());
        assert_eq!(payload["causes"][0]["kind"], "edited");
        assert_eq!(payload["old_digest"], Value::Null);
    }
}
