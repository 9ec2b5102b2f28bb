-- Keys of the storage that no blob and no upload owns, since when that is known. What is seen once may be somebody
-- else's, or this database may be an old copy; so it is removed only when it is seen again much later.
CREATE TABLE leftovers (
    storage_key TEXT PRIMARY KEY,
    seen_at BIGINT NOT NULL
);
