//! Users: making, changing and removing them.

use secrecy::SecretString;
use temper_store::records::{Changed, User, UserChange};
use tokio::task::spawn_blocking;

use crate::caller::Caller;
use crate::check::Check;
use crate::error::HubError;
use crate::hub::Hub;
use crate::page::Page;
use crate::rights::{hidden, require_whole, require_writing};

/// The name of the user whom the first start makes.
pub const FIRST_USER: &str = "admin";

/// Somebody who is to get an account.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// What they log in with.
    pub name: String,
    /// Where they read mail.
    pub email: Option<String>,
    /// What they log in with, beside access tokens that they make.
    pub password: SecretString,
    /// Whether every organization is theirs to look after.
    pub is_admin: bool,
}

/// What becomes of a user; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct UserEdit {
    /// The new address; an empty one removes it.
    pub email: Option<String>,
    /// The new password.
    pub password: Option<SecretString>,
    /// The password until now, which whoever changes their own must know.
    pub old_password: Option<SecretString>,
    /// Whether every organization is theirs to look after.
    pub is_admin: Option<bool>,
    /// Whether nothing lets them in.
    pub is_disabled: Option<bool>,
}

impl Hub {
    /// Makes the first user, an administrator, where there is none yet; says whether it did.
    pub async fn create_first_user(&self, password: &SecretString) -> Result<bool, HubError> {
        if !self.records().people().is_empty().await? {
            return Ok(false);
        }
        let user =
            NewUser { name: FIRST_USER.to_owned(), email: None, password: password.clone(), is_admin: true };
        let user = self.user_of(user).await?;
        let event = self.event(&Caller::Program, None, "user.create", FIRST_USER);
        Ok(self.records().people().add_first(&user, event).await?)
    }

    /// Gives the first user a new password, and what an administrator needs to come in; makes the user where it is gone.
    /// Who may start the server may.
    pub async fn reset_first_user(&self, password: &SecretString) -> Result<(), HubError> {
        let people = self.records().people();
        let Some(user) = people.find(FIRST_USER).await? else {
            let user = NewUser {
                name: FIRST_USER.to_owned(),
                email: None,
                password: password.clone(),
                is_admin: true,
            };
            return self.create_user(&Caller::Program, user).await.map(drop);
        };
        let change = UserChange {
            password_hash: Some(self.hash(password.clone()).await?),
            is_admin: Some(true),
            is_disabled: Some(false),
            ..UserChange::default()
        };
        let event = self.event(&Caller::Program, None, "user.edit", FIRST_USER);
        people.change(&user.id, &change, event).await?;
        Ok(())
    }

    /// Adds a user; administrators may.
    pub async fn create_user(&self, caller: &Caller, new: NewUser) -> Result<User, HubError> {
        self.require_admin(caller, "adding a user")?;
        let mut check = Check::default();
        check.name("name", &new.name);
        check.email("email", new.email.as_deref().unwrap_or_default());
        check.password("password", &new.password);
        check.end("the user")?;
        let user = self.user_of(new).await?;
        let event = self.event(caller, None, "user.create", &user.name);
        if self.records().people().add(&user, event).await? { Ok(user) } else { Err(taken(&user.name)) }
    }

    /// Lists users by name; administrators may.
    pub async fn list_users(&self, caller: &Caller, page: &Page) -> Result<Vec<User>, HubError> {
        self.require_admin(caller, "listing users")?;
        Ok(self.records().people().list(page.after(), page.limit).await?)
    }

    /// Returns a user; administrators may, and everybody themselves.
    pub async fn get_user(&self, caller: &Caller, name: &str) -> Result<User, HubError> {
        let is_self = matches!(caller, Caller::User { name: own, .. } if own == name);
        if !is_self && !caller.is_admin() {
            return Err(hidden(caller, "user", name));
        }
        let user = self.records().people().find(name).await?;
        user.ok_or_else(|| hidden(caller, "user", name))
    }

    /// Changes a user: administrators may, and everybody their own address and password.
    pub async fn edit_user(&self, caller: &Caller, name: &str, edit: UserEdit) -> Result<User, HubError> {
        let user = self.get_user(caller, name).await?;
        let action = format!("changing user `{name}`");
        require_writing(caller, &action)?;
        require_whole(caller, &action)?;
        if edit.is_admin.is_some() || edit.is_disabled.is_some() {
            self.require_admin(caller, &action)?;
        }
        let is_self = caller.user_id() == Some(&*user.id);
        if edit.password.is_some() && is_self {
            self.check_old_password(caller, &user, edit.old_password.as_ref()).await?;
        }
        let mut check = Check::default();
        check.email("email", edit.email.as_deref().unwrap_or_default());
        if let Some(password) = &edit.password {
            check.password("password", password);
        }
        check.end("the user")?;
        let change = UserChange {
            email: edit.email,
            password_hash: match edit.password {
                Some(password) => Some(self.hash(password).await?),
                None => None,
            },
            is_admin: edit.is_admin,
            is_disabled: edit.is_disabled,
        };
        let event = self.event(caller, None, "user.edit", name);
        match self.records().people().change(&user.id, &change, event).await? {
            Changed::Done => self.get_user(&Caller::Program, name).await,
            Changed::Missing => Err(hidden(caller, "user", name)),
            Changed::Last => Err(last_admin(name)),
        }
    }

    /// Removes a user; administrators may. The last administrator stays, and the last owner of an organization.
    pub async fn remove_user(&self, caller: &Caller, name: &str) -> Result<(), HubError> {
        self.require_admin(caller, &format!("removing user `{name}`"))?;
        let user = self.get_user(caller, name).await?;
        let event = self.event(caller, None, "user.delete", name);
        match self.records().people().remove(&user.id, event).await? {
            Changed::Done => Ok(()),
            Changed::Missing => Err(hidden(caller, "user", name)),
            Changed::Last => Err(last_admin(name)),
        }
    }

    /// Whoever finds a session open must not be able to take the account.
    async fn check_old_password(
        &self,
        caller: &Caller,
        user: &User,
        old: Option<&SecretString>,
    ) -> Result<(), HubError> {
        if caller.scope().is_some() {
            return Err(HubError::Forbidden {
                action: "changing the password".to_owned(),
                needed: "a login with the password".to_owned(),
            });
        }
        let Some(hash) = user.password_hash.as_deref() else { return Ok(()) };
        let old = old.ok_or(HubError::WrongPassword)?;
        if self.secrets().check(old, Some(hash)).await? { Ok(()) } else { Err(HubError::WrongPassword) }
    }

    async fn user_of(&self, new: NewUser) -> Result<User, HubError> {
        Ok(User {
            id: self.new_id(),
            name: new.name,
            email: new.email.filter(|email| !email.is_empty()),
            password_hash: Some(self.hash(new.password).await?),
            is_admin: new.is_admin,
            created_at: self.now(),
            disabled_at: None,
        })
    }

    async fn hash(&self, password: SecretString) -> Result<String, HubError> {
        let hub = self.clone();
        let hashed = spawn_blocking(move || hub.secrets().hash(&password)).await;
        hashed.map_err(|stopped| {
            HubError::External(temper_compose::External::new("hashing a password ended".to_owned(), stopped))
        })
    }
}

/// Tells that users and organizations share one space of names.
pub(crate) fn taken(name: &str) -> HubError {
    HubError::Conflict {
        message: format!("the name `{name}` is taken"),
        hint: Some("users and organizations share one space of names: choose another one".to_owned()),
    }
}

fn last_admin(name: &str) -> HubError {
    HubError::Conflict {
        message: format!("`{name}` is the last administrator, or the last owner of an organization"),
        hint: Some("make somebody else one first".to_owned()),
    }
}
