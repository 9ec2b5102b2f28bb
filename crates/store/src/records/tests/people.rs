//! People, organizations, teams, access tokens and the audit log.

use super::{AT, TempDir, fresh_records, manifest, publish};
use crate::records::{
    AuditEvent, AuditFilter, Changed, FixedTags, Organization, Records, RepositorySettings, Right, Role,
    Session, Team, Token, TokenOwner, User, UserChange,
};

fn event(number: u32, action: &str) -> AuditEvent {
    AuditEvent {
        id: format!("event-{number:04}"),
        at: AT + i64::from(number),
        organization_id: Some("o1".to_owned()),
        actor: "admin".to_owned(),
        action: action.to_owned(),
        subject: "x".to_owned(),
        before: None,
        after: None,
    }
}

fn user(name: &str, is_admin: bool) -> User {
    User {
        id: format!("id-{name}"),
        name: name.to_owned(),
        email: Some(format!("{name}@example.org")),
        password_hash: Some("hash".to_owned()),
        is_admin,
        created_at: AT,
        disabled_at: None,
    }
}

fn organization() -> Organization {
    Organization {
        id: "o1".to_owned(),
        name: "acme".to_owned(),
        description: "Acme".to_owned(),
        member_right: Some(Right::Read),
        customization_right: Right::Read,
        quota_bytes: None,
        version: 1,
        created_at: AT,
    }
}

/// An administrator, who owns an organization, and two others.
async fn populated() -> (TempDir, Records) {
    let (folder, records) = fresh_records().await;
    let people = records.people();
    assert!(people.add_first(&user("admin", true), event(1, "user.create")).await.expect("adds"));
    assert!(!people.add_first(&user("other", true), event(2, "user.create")).await.expect("looks"));
    for (number, name) in [(3, "alice"), (4, "bob")] {
        assert!(people.add(&user(name, false), event(number, "user.create")).await.expect("adds"));
    }
    let organizations = records.organizations();
    assert!(
        organizations.add(&organization(), "id-admin", event(5, "organization.create")).await.expect("adds")
    );
    (folder, records)
}

#[tokio::test]
async fn users_and_organizations_share_one_space_of_names() {
    let (_folder, records) = populated().await;
    let people = records.people();
    assert!(!people.add(&user("alice", false), event(10, "user.create")).await.expect("looks"));
    let mut acme = user("acme", false);
    acme.id = "id-2".to_owned();
    assert!(!people.add(&acme, event(11, "user.create")).await.expect("looks"));
    let other = Organization { id: "o2".to_owned(), name: "alice".to_owned(), ..organization() };
    let added = records.organizations().add(&other, "id-admin", event(12, "organization.create")).await;
    assert!(!added.expect("looks"));
    let names: Vec<_> =
        people.list(Some("admin"), 9).await.expect("lists").into_iter().map(|u| u.name).collect();
    assert_eq!(names, ["alice", "bob"]);
    assert_eq!(people.find("alice").await.expect("finds"), Some(user("alice", false)));
    assert_eq!(people.find_by_id("id-2").await.expect("looks"), None);
}

#[tokio::test]
async fn one_administrator_and_one_owner_always_stay() {
    let (_folder, records) = populated().await;
    let (people, organizations) = (records.people(), records.organizations());
    let disable = UserChange { is_disabled: Some(true), ..UserChange::default() };
    let demote = UserChange { is_admin: Some(false), ..UserChange::default() };
    for change in [&disable, &demote] {
        let changed = people.change("id-admin", change, event(20, "user.edit")).await.expect("looks");
        assert_eq!(changed, Changed::Last);
    }
    assert_eq!(people.remove("id-admin", event(21, "user.delete")).await.expect("looks"), Changed::Last);
    let promote = UserChange { is_admin: Some(true), ..UserChange::default() };
    assert_eq!(
        people.change("id-alice", &promote, event(22, "user.edit")).await.expect("changes"),
        Changed::Done
    );
    let removed = people.remove("id-admin", event(23, "user.delete")).await.expect("looks");
    assert_eq!(removed, Changed::Last, "the organization would have no owner");
    for (role, expected) in [(Role::Member, Changed::Last), (Role::Owner, Changed::Done)] {
        let set = organizations.set_member("o1", "id-admin", role, event(24, "member.set")).await;
        let set = set.expect("sets");
        assert_eq!(set, expected, "{role}");
        if set == Changed::Done {
            break;
        }
    }
    assert_eq!(
        organizations.remove_member("o1", "id-admin", event(25, "member.remove")).await.expect("looks"),
        Changed::Last
    );
    let owner = organizations.set_member("o1", "id-alice", Role::Owner, event(26, "member.set")).await;
    assert_eq!(owner.expect("sets"), Changed::Done);
    assert_eq!(people.remove("id-admin", event(27, "user.delete")).await.expect("removes"), Changed::Done);
    let members = organizations.members("o1", None, 9).await.expect("lists");
    assert_eq!(
        members.iter().map(|m| (m.user.as_str(), m.role)).collect::<Vec<_>>(),
        [("alice", Role::Owner)]
    );
    assert_eq!(
        organizations.remove_member("o1", "id-bob", event(28, "member.remove")).await.expect("looks"),
        Changed::Missing
    );
}

#[tokio::test]
async fn a_new_password_and_disabling_end_sessions() {
    let (_folder, records) = populated().await;
    let (people, sessions) = (records.people(), records.sessions());
    let new_password = UserChange { password_hash: Some("new".to_owned()), ..UserChange::default() };
    let disable = UserChange { is_disabled: Some(true), ..UserChange::default() };
    for (number, change) in [(0, new_password), (1, disable)] {
        let session = Session {
            digest: format!("sha256:{number}"),
            user_id: "id-alice".to_owned(),
            client: "test".to_owned(),
            created_at: AT,
            expires_at: AT + 10,
        };
        sessions.add(&session).await.expect("begins");
        assert_eq!(sessions.find(&session.digest).await.expect("finds"), Some(session.clone()));
        people.change("id-alice", &change, event(30 + number, "user.edit")).await.expect("changes");
        assert_eq!(sessions.find(&session.digest).await.expect("looks"), None);
    }
    let alice = people.find("alice").await.expect("finds").expect("is there");
    assert_eq!((alice.password_hash.as_deref(), alice.disabled_at), (Some("new"), Some(AT + 31)));
}

#[tokio::test]
async fn teams_give_rights_to_members_of_the_organization() {
    let (_folder, records) = populated().await;
    let (organizations, teams) = (records.organizations(), records.teams());
    let team = Team {
        id: "t1".to_owned(),
        organization_id: "o1".to_owned(),
        name: "developers".to_owned(),
        created_at: AT,
    };
    assert!(teams.add(&team, event(40, "team.create")).await.expect("adds"));
    let twin = Team { id: "t2".to_owned(), ..team.clone() };
    assert!(!teams.add(&twin, event(41, "team.create")).await.expect("looks"), "the name is taken");
    assert!(!teams.add_member(&team, "id-alice", event(42, "team.member.add")).await.expect("looks"));
    organizations.set_member("o1", "id-alice", Role::Member, event(43, "member.set")).await.expect("sets");
    assert!(teams.add_member(&team, "id-alice", event(44, "team.member.add")).await.expect("adds"));
    for right in [Right::Read, Right::Write] {
        teams
            .set_right(&team, "acme/dhi-*", Some(right), event(44 + right as u32 + 1, "r"))
            .await
            .expect("sets");
    }
    let standing = organizations.standing("acme", Some("id-alice")).await.expect("reads").expect("is known");
    assert_eq!(standing.role, Some(Role::Member));
    assert_eq!(standing.team_rights, [("acme/dhi-*".to_owned(), Right::Write)]);
    let stranger = organizations.standing("acme", Some("id-bob")).await.expect("reads").expect("is known");
    assert_eq!((stranger.role, stranger.team_rights), (None, Vec::new()));
    assert_eq!(organizations.standing("none", None).await.expect("looks"), None);
    organizations.remove_member("o1", "id-alice", event(50, "member.remove")).await.expect("removes");
    assert!(teams.members("t1").await.expect("lists").is_empty(), "who leaves is in no team");
    teams.set_right(&team, "acme/dhi-*", None, event(51, "r")).await.expect("takes away");
    assert!(teams.rights("t1").await.expect("lists").is_empty());
    assert!(teams.remove(&team, event(52, "team.delete")).await.expect("removes"));
    assert!(!teams.remove(&team, event(53, "team.delete")).await.expect("looks"));
}

#[tokio::test]
async fn tokens_are_found_by_digest_and_by_name() {
    let (_folder, records) = populated().await;
    let tokens = records.tokens();
    let token = |id: &str, owner: TokenOwner| Token {
        id: id.to_owned(),
        owner,
        name: "ci".to_owned(),
        digest: format!("sha256:{id}"),
        may_write: true,
        repositories: vec!["acme/*".to_owned()],
        created_by: "admin".to_owned(),
        created_at: AT,
        expires_at: Some(AT + 100),
        used_at: None,
    };
    let own = token("k1", TokenOwner::User("id-alice".to_owned()));
    let common = token("k2", TokenOwner::Organization("o1".to_owned()));
    for (number, token) in [(60, &own), (61, &common)] {
        assert!(tokens.add(token, event(number, "token.create")).await.expect("adds"), "{}", token.id);
    }
    let twin = token("k3", TokenOwner::User("id-alice".to_owned()));
    assert!(!tokens.add(&twin, event(62, "token.create")).await.expect("looks"), "the name is taken");
    assert_eq!(tokens.find("sha256:k1").await.expect("finds"), Some(own.clone()));
    assert_eq!(tokens.find_named(&common.owner, "ci").await.expect("finds"), Some(common.clone()));
    assert!(own.is_current(AT + 99) && !own.is_current(AT + 100));
    tokens.note_use(&own, AT + 5).await.expect("notes");
    let used = tokens.find("sha256:k1").await.expect("finds").expect("is there");
    assert_eq!(used.used_at, Some(AT + 5));
    tokens.note_use(&used, AT + 6).await.expect("passes over");
    assert_eq!(tokens.list(&own.owner, None, 9).await.expect("lists")[0].used_at, Some(AT + 5));
    assert!(tokens.remove(&own, event(63, "token.revoke")).await.expect("removes"));
    assert_eq!(tokens.find("sha256:k1").await.expect("looks"), None);
    records.people().remove("id-bob", event(64, "user.delete")).await.expect("removes");
}

#[tokio::test]
async fn settings_are_set_in_the_version_that_was_read() {
    let (_folder, records) = populated().await;
    let settings = records.repository_settings();
    publish(&records.repositories(), vec![manifest("one")], &[("1", "one"), ("2", "one")]).await;
    let first = RepositorySettings {
        is_public: true,
        immutable_tags: FixedTags::Patterns(vec!["v*".to_owned()]),
        quota_bytes: Some(5),
        retention_days: Some(3),
        ..RepositorySettings::new("acme/app", "o1", AT)
    };
    assert_eq!(settings.set(&first, event(70, "repository.edit")).await.expect("sets"), Some(1));
    assert_eq!(settings.set(&first, event(71, "repository.edit")).await.expect("looks"), None, "it is stale");
    let found = settings.find("acme/app").await.expect("finds").expect("is there");
    assert_eq!(found, RepositorySettings { version: 1, updated_at: AT + 70, ..first });
    let all = RepositorySettings { immutable_tags: FixedTags::All, ..found };
    assert_eq!(settings.set(&all, event(72, "repository.edit")).await.expect("sets"), Some(2));
    let listed = settings.list("acme", None, 9).await.expect("lists");
    let listed: Vec<_> = listed.iter().map(|found| (found.repository.as_str(), found.tags)).collect();
    assert_eq!(listed, [("acme/app", 0), ("acme/python", 2)]);
    assert_eq!(settings.list("ac", None, 9).await.expect("lists"), []);
    let summary = settings.summary("acme/python").await.expect("finds").expect("is there");
    assert_eq!((summary.tags, summary.pushed_at), (2, Some(AT)));
    let organizations = records.organizations();
    assert!(!organizations.remove(&organization(), event(73, "o")).await.expect("looks"), "it has images");
    assert!(settings.remove("acme/python", event(74, "repository.delete")).await.expect("removes"));
    assert!(!settings.remove("acme/python", event(75, "repository.delete")).await.expect("looks"));
    assert!(organizations.remove(&organization(), event(76, "organization.delete")).await.expect("removes"));
    assert_eq!(settings.find("acme/app").await.expect("looks"), None, "it goes with its organization");
}

#[tokio::test]
async fn organizations_change_in_the_version_that_was_read() {
    let (_folder, records) = populated().await;
    let organizations = records.organizations();
    let new = Organization { member_right: None, quota_bytes: Some(7), ..organization() };
    assert!(organizations.change(&new, event(80, "organization.edit")).await.expect("changes"));
    assert!(!organizations.change(&new, event(81, "organization.edit")).await.expect("looks"), "it is stale");
    let found = organizations.find("acme").await.expect("finds").expect("is there");
    assert_eq!(found, Organization { version: 2, ..new });
    assert_eq!(organizations.list(Some("id-bob"), None, 9).await.expect("lists"), []);
    assert_eq!(organizations.list(Some("id-admin"), None, 9).await.expect("lists").len(), 1);
}

#[tokio::test]
async fn every_change_is_in_the_audit_log_with_what_it_was_and_became() {
    let (_folder, records) = populated().await;
    let new = Organization { description: "new".to_owned(), ..organization() };
    records.organizations().change(&new, event(90, "organization.edit")).await.expect("changes");
    let log = records.audit();
    let filter = AuditFilter { action: Some("organization.".to_owned()), ..AuditFilter::default() };
    let events = log.list(&filter, None, 9).await.expect("lists");
    let actions: Vec<_> = events.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(actions, ["organization.edit", "organization.create"], "newest first");
    assert!(events[0].before.as_ref().is_some_and(|text| text.contains("\"description\":\"Acme\"")));
    assert!(events[0].after.as_ref().is_some_and(|text| text.contains("\"description\":\"new\"")));
    assert_eq!(events[1].before, None);
    let older = log.list(&AuditFilter::default(), Some(&events[1].id), 9).await.expect("lists");
    assert_eq!(older.len(), 3);
    assert!(older.iter().all(|event| !event.after.as_ref().is_some_and(|text| text.contains("hash"))));
    let other = AuditFilter { organization_id: Some("o2".to_owned()), ..AuditFilter::default() };
    assert_eq!(log.list(&other, None, 9).await.expect("lists"), []);
    let nobody = AuditFilter { actor: Some("bob".to_owned()), ..AuditFilter::default() };
    assert_eq!(log.list(&nobody, None, 9).await.expect("lists"), []);
}
