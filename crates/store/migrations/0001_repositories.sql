-- The repositories of the embedded registry. Bytes of blobs live in the storage; these tables say which there are
-- and what each repository shows. Manifests are small and live here, so that they become visible with their tags
-- in one step. Times are microseconds since 1970 in UTC, given by the caller. Digests are text, `algorithm:hex`.

-- What must be the same at every start, by name.
CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE repositories (
    id INTEGER PRIMARY KEY,
    -- The path below the registry's host, `acme/python`.
    name TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

-- Every blob that is kept, once, however many repositories show it.
CREATE TABLE blobs (
    digest TEXT PRIMARY KEY,
    size_bytes BIGINT NOT NULL,
    -- Where the storage has the bytes. A key is never used twice, so whoever removes old bytes cannot hit new ones.
    storage_key TEXT NOT NULL UNIQUE
);

-- Which repository shows which blob: a blob of another repository stays hidden until it is pushed or mounted.
CREATE TABLE repository_blobs (
    repository_id BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    digest TEXT NOT NULL REFERENCES blobs (digest),
    -- When it was last pushed, mounted, or asked for by somebody who may be about to push a manifest.
    touched_at BIGINT NOT NULL,
    PRIMARY KEY (repository_id, digest)
);

CREATE INDEX repository_blobs_by_digest ON repository_blobs (digest);

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
    -- When it was last pushed, or lost a tag.
    touched_at BIGINT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (repository_id, digest)
);

CREATE INDEX manifests_by_subject ON manifests (repository_id, subject, digest) WHERE subject IS NOT NULL;

-- What a manifest names: its config and layers, or the entries of an index.
CREATE TABLE manifest_references (
    repository_id BIGINT NOT NULL,
    digest TEXT NOT NULL,
    target TEXT NOT NULL,
    -- `blob` or `manifest`, which must be there; `foreign` for a layer that may be.
    kind TEXT NOT NULL,
    PRIMARY KEY (repository_id, digest, target),
    FOREIGN KEY (repository_id, digest) REFERENCES manifests (repository_id, digest) ON DELETE CASCADE
);

CREATE INDEX manifest_references_by_target ON manifest_references (repository_id, target);

CREATE TABLE tags (
    repository_id BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (repository_id, name),
    FOREIGN KEY (repository_id, digest) REFERENCES manifests (repository_id, digest) ON DELETE CASCADE
);

CREATE INDEX tags_by_digest ON tags (repository_id, digest);

-- Blobs that are arriving. A row is there before the first byte, and its id is part of every storage key and file
-- name that the upload leads to: bytes without a row belong to nobody.
CREATE TABLE uploads (
    id TEXT PRIMARY KEY,
    -- A name, not a reference: the repository begins to exist with its first blob.
    repository TEXT NOT NULL,
    touched_at BIGINT NOT NULL
);
