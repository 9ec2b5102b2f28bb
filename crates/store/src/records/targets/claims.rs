//! What a changed document does to its targets: rows, inputs, and tags that are claimed and given up.

use sqlx::AnyConnection;

use super::{NewTarget, TAGS_JOB, TargetInput, TargetRecord, input_kind};
use crate::records::jobs::{self, NewJob};
use crate::records::{Micros, RecordsError, sql};

/// Gives a customization these targets in the place of those that it has. Returns the tags that others own: place of
/// the target, tag, and name of the owner.
pub(in crate::records) async fn replace(
    connection: &mut AnyConnection,
    customization_id: &str,
    targets: &[NewTarget],
    removes_tags: bool,
    at: Micros,
) -> Result<Vec<(usize, String, String)>, RecordsError> {
    let known: Vec<(String, String)> =
        sqlx::query_as("SELECT id, destination FROM targets WHERE customization_id = $1")
            .bind(customization_id)
            .fetch_all(&mut *connection)
            .await
            .map_err(sql("list targets"))?;
    for (id, destination) in &known {
        let wanted = targets.iter().find(|target| target.id == *id);
        let kept = wanted.map(|target| target.tags.as_slice()).unwrap_or_default();
        release_tags(connection, (id, destination), kept, removes_tags, at).await?;
        if wanted.is_none() {
            sqlx::query("DELETE FROM targets WHERE id = $1")
                .bind(id)
                .execute(&mut *connection)
                .await
                .map_err(sql("delete target"))?;
        }
    }
    let mut taken = Vec::new();
    for (place, target) in targets.iter().enumerate() {
        put(connection, customization_id, place, target).await?;
        set_inputs(connection, &target.id, &[input_kind::BASE, input_kind::ARTIFACT], &target.inputs).await?;
        for (tag, owner) in claim(connection, (&target.id, &target.destination), &target.tags, at).await? {
            taken.push((place, tag, owner));
        }
    }
    Ok(taken)
}

async fn put(
    connection: &mut AnyConnection,
    customization_id: &str,
    place: usize,
    target: &NewTarget,
) -> Result<(), RecordsError> {
    sqlx::query(
        "INSERT INTO targets (id, customization_id, position, destination, source, tag_definition_id, base_tags) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET position = excluded.position, \
         source = excluded.source, base_tags = excluded.base_tags",
    )
    .bind(&target.id)
    .bind(customization_id)
    .bind(place as i64)
    .bind(&target.destination)
    .bind(&target.source)
    .bind(&target.tag_definition_id)
    .bind(list(&target.base_tags))
    .execute(connection)
    .await
    .map_err(sql("put target"))?;
    Ok(())
}

/// Replaces the inputs of some kinds.
pub(in crate::records) async fn set_inputs(
    connection: &mut AnyConnection,
    target_id: &str,
    kinds: &[&str],
    inputs: &[TargetInput],
) -> Result<(), RecordsError> {
    for kind in kinds {
        sqlx::query("DELETE FROM target_inputs WHERE target_id = $1 AND kind = $2")
            .bind(target_id)
            .bind(*kind)
            .execute(&mut *connection)
            .await
            .map_err(sql("forget inputs of a target"))?;
    }
    for input in inputs.iter().filter(|input| kinds.contains(&input.kind.as_str())) {
        sqlx::query(
            "INSERT INTO target_inputs (target_id, kind, name, reference) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (target_id, kind, name, reference) DO NOTHING",
        )
        .bind(target_id)
        .bind(&input.kind)
        .bind(&input.name)
        .bind(&input.reference)
        .execute(&mut *connection)
        .await
        .map_err(sql("add input of a target"))?;
    }
    Ok(())
}

/// Gives up the tags of a target but those that it keeps.
async fn release_tags(
    connection: &mut AnyConnection,
    (target_id, destination): (&str, &str),
    kept: &[String],
    removes_tags: bool,
    at: Micros,
) -> Result<(), RecordsError> {
    let tags: Vec<String> = sqlx::query_scalar("SELECT tag FROM target_tags WHERE target_id = $1")
        .bind(target_id)
        .fetch_all(&mut *connection)
        .await
        .map_err(sql("list tags of a target"))?;
    let mut has_unwanted = false;
    for tag in tags.iter().filter(|tag| !kept.contains(tag)) {
        // A tag that was never written leaves nothing behind.
        let statement = "DELETE FROM target_tags WHERE destination = $1 AND tag = $2 AND digest IS NULL";
        sqlx::query(statement)
            .bind(destination)
            .bind(tag)
            .execute(&mut *connection)
            .await
            .map_err(sql("forget tag"))?;
        sqlx::query(
            "UPDATE target_tags SET target_id = NULL, is_unwanted = $3, updated_at = $4 \
             WHERE destination = $1 AND tag = $2",
        )
        .bind(destination)
        .bind(tag)
        .bind(i64::from(removes_tags))
        .bind(at)
        .execute(&mut *connection)
        .await
        .map_err(sql("release tag"))?;
        has_unwanted |= removes_tags;
    }
    if has_unwanted {
        enqueue_tags(connection, destination, at).await?;
    }
    Ok(())
}

/// Lets the tags of a repository be brought to what the records say.
pub(in crate::records) async fn enqueue_tags(
    connection: &mut AnyConnection,
    destination: &str,
    at: Micros,
) -> Result<(), RecordsError> {
    let job = NewJob {
        id: format!("{TAGS_JOB}-{at}-{destination}"),
        kind: TAGS_JOB,
        subject: destination.to_owned(),
        payload: "{}".to_owned(),
        priority: 0,
        run_at: at,
    };
    jobs::enqueue(connection, &job, at).await.map(drop)
}

/// Claims tags for a target; returns those that another one owns, with its name.
pub(in crate::records) async fn claim(
    connection: &mut AnyConnection,
    (target_id, destination): (&str, &str),
    tags: &[String],
    at: Micros,
) -> Result<Vec<(String, String)>, RecordsError> {
    let mut taken = Vec::new();
    for tag in tags {
        let owner: Option<String> = sqlx::query_scalar(
            "SELECT c.name FROM target_tags g JOIN targets t ON t.id = g.target_id \
             JOIN customizations c ON c.id = t.customization_id \
             WHERE g.destination = $1 AND g.tag = $2 AND g.target_id <> $3",
        )
        .bind(destination)
        .bind(tag)
        .bind(target_id)
        .fetch_optional(&mut *connection)
        .await
        .map_err(sql("find the owner of a tag"))?;
        if let Some(owner) = owner {
            taken.push((tag.clone(), owner));
            continue;
        }
        sqlx::query(
            "INSERT INTO target_tags (destination, tag, target_id, digest, is_unwanted, updated_at) \
             VALUES ($1, $2, $3, NULL, 0, $4) ON CONFLICT (destination, tag) \
             DO UPDATE SET target_id = excluded.target_id, is_unwanted = 0, updated_at = excluded.updated_at",
        )
        .bind(destination)
        .bind(tag)
        .bind(target_id)
        .bind(at)
        .execute(&mut *connection)
        .await
        .map_err(sql("claim tag"))?;
    }
    Ok(taken)
}

/// Points the tags of a target somewhere, in the records; claims those that are new to it and free.
pub(in crate::records) async fn point_tags(
    connection: &mut AnyConnection,
    target: &TargetRecord,
    tags: &[String],
    digest: &str,
    at: Micros,
) -> Result<(), RecordsError> {
    for tag in tags {
        sqlx::query(
            "INSERT INTO target_tags (destination, tag, target_id, digest, is_unwanted, updated_at) \
             VALUES ($1, $2, $3, $4, 0, $5) ON CONFLICT (destination, tag) \
             DO UPDATE SET target_id = excluded.target_id, digest = excluded.digest, is_unwanted = 0, \
             updated_at = excluded.updated_at",
        )
        .bind(&target.destination)
        .bind(tag)
        .bind(&target.id)
        .bind(digest)
        .bind(at)
        .execute(&mut *connection)
        .await
        .map_err(sql("point tag of a target"))?;
    }
    Ok(())
}

fn list(texts: &[String]) -> String {
    serde_json::to_string(texts).expect("a list of texts is JSON")
}
