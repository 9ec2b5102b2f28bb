-- The repositories of the embedded registry. Bytes live in the blob store, by digest; these tables say what
-- each repository shows. Times are microseconds since 1970 in UTC, given by the caller. Digests are text,
-- `algorithm:hex`.

CREATE TABLE repositories (
    id INTEGER PRIMARY KEY,
    -- The path below the registry's host, `acme/python`.
    name TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

-- Which repository shows which blob: a blob of another repository stays hidden until it is pushed or mounted.
CREATE TABLE repository_blobs (
    repository_id BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    digest TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    linked_at BIGINT NOT NULL,
    PRIMARY KEY (repository_id, digest)
);

CREATE TABLE manifests (
    repository_id BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    digest TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    -- The manifest that this one refers to; it need not exist.
    subject TEXT,
    -- What a list of referrers shows: `artifactType`, or the config's media type.
    artifact_type TEXT,
    -- The manifest's annotations as a JSON object; only filled beside `subject`.
    annotations TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (repository_id, digest)
);

CREATE INDEX manifests_by_subject ON manifests (repository_id, subject, digest) WHERE subject IS NOT NULL;

CREATE TABLE tags (
    repository_id BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (repository_id, name),
    FOREIGN KEY (repository_id, digest) REFERENCES manifests (repository_id, digest) ON DELETE CASCADE
);

CREATE INDEX tags_by_digest ON tags (repository_id, digest);
