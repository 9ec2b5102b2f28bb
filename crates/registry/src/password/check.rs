//! Checks of passwords: few at a time, and not again for one that was just right.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::PasswordHash;
use crate::access::AccessError;

/// Bounds of password checks.
#[derive(Clone, Debug)]
pub struct PasswordLimits {
    /// Checks at once; each takes the memory that its hash says, 19 MiB by default.
    pub parallel_max: usize,
    /// Checks that wait for one of these to end; one more is told to come again.
    pub waiting_max: usize,
    /// Right passwords that are known again without a check.
    pub remembered_max: usize,
}

impl Default for PasswordLimits {
    fn default() -> Self {
        Self { parallel_max: 2, waiting_max: 64, remembered_max: 1024 }
    }
}

/// Checks passwords; keeps of those that were right a keyed digest, never the password.
pub struct Passwords {
    limits: PasswordLimits,
    permits: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    key: [u8; 32],
    remembered: Mutex<BTreeSet<[u8; 32]>>,
    /// Checked in place of the hash of a user who does not exist.
    nobody: Arc<OnceLock<PasswordHash>>,
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Passwords {
    /// Makes a check within these bounds; `None` where the system gives no randomness.
    pub fn new(limits: PasswordLimits) -> Option<Self> {
        let mut key = [0; 32];
        SystemRandom::new().fill(&mut key).ok()?;
        Some(Self {
            permits: Arc::new(Semaphore::new(limits.parallel_max)),
            limits,
            waiting: Arc::default(),
            key,
            remembered: Mutex::default(),
            nobody: Arc::default(),
        })
    }

    /// Says whether this is the password of the hash; without a hash it is not, after the same time.
    pub async fn check(
        &self,
        password: &SecretString,
        hash: Option<&PasswordHash>,
    ) -> Result<bool, AccessError> {
        let digest = hash.map(|hash| self.digest(password, hash));
        if digest.is_some_and(|digest| self.remembered().contains(&digest)) {
            return Ok(true);
        }
        let waiting = Waiting::begin(&self.waiting, self.limits.waiting_max + self.limits.parallel_max)?;
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("the semaphore is never closed");
        let (password, hash, nobody) = (password.clone(), hash.cloned(), Arc::clone(&self.nobody));
        let is_right = spawn_blocking(move || {
            // The thread ends its work even if the request is dropped, and takes its place until then.
            let _held = (permit, waiting);
            let is_somebody = hash.is_some();
            let hash = hash.as_ref();
            let hash =
                hash.unwrap_or_else(|| nobody.get_or_init(|| PasswordHash::of(&SecretString::default())));
            hash.is_of(&password) && is_somebody
        })
        .await
        .map_err(|stopped| AccessError::Failed(stopped.into()))?;
        if let Some(digest) = digest.filter(|_| is_right) {
            self.remember(digest);
        }
        Ok(is_right)
    }

    fn digest(&self, password: &SecretString, hash: &PasswordHash) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(self.key);
        hasher.update(hash.as_str());
        hasher.update([0]);
        hasher.update(password.expose_secret());
        hasher.finalize().into()
    }

    fn remember(&self, digest: [u8; 32]) {
        let mut remembered = self.remembered();
        if remembered.len() >= self.limits.remembered_max {
            remembered.clear();
        }
        remembered.insert(digest);
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, BTreeSet<[u8; 32]>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among those who wait, given back however the wait ends.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn begin(count: &Arc<AtomicUsize>, max: usize) -> Result<Self, AccessError> {
        let waiting = Self(Arc::clone(count));
        let before = count.fetch_add(1, Ordering::Relaxed);
        if before >= max { Err(AccessError::Busy) } else { Ok(waiting) }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use futures_util::FutureExt as _;
    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn a_check_nobody_waits_for_keeps_its_place() {
        let limits = PasswordLimits { parallel_max: 1, waiting_max: 0, remembered_max: 1 };
        let passwords = Passwords::new(limits).expect("makes");
        let (began, has_begun) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let nobody = Arc::clone(&passwords.nobody);
        let hashing = thread::spawn(move || {
            nobody.get_or_init(|| {
                began.send(()).expect("is awaited");
                may_go_on.recv().expect("is sent");
                PasswordHash::of(&"".into())
            });
        });
        has_begun.recv().expect("begins");

        let password = SecretString::from("secret");
        assert!(passwords.check(&password, None).now_or_never().is_none(), "waits for the hash");
        let second = passwords.check(&password, None).now_or_never();
        assert!(matches!(second, Some(Err(AccessError::Busy))), "{second:?}");

        go_on.send(()).expect("is awaited");
        hashing.join().expect("ends");
        // The thread of the first check gives its place back when it ends.
        let _permit = passwords.permits.acquire().await.expect("is open");
    }

    #[tokio::test]
    async fn right_passwords_are_remembered_and_crowds_turned_away() {
        let limits = PasswordLimits { parallel_max: 1, waiting_max: 1, remembered_max: 1 };
        let passwords = Passwords::new(limits).expect("makes");
        let (hash, password) = (PasswordHash::of(&"secret".into()), SecretString::from("secret"));
        let wrong = SecretString::from("wrong");
        assert!(passwords.check(&password, Some(&hash)).await.expect("checks"));
        assert!(!passwords.check(&wrong, Some(&hash)).await.expect("checks"));
        assert!(!passwords.check(&password, None).await.expect("checks"));
        let crowd = join_all((0..5).map(|_| passwords.check(&wrong, Some(&hash)))).await;
        let busy = crowd.iter().filter(|answer| matches!(answer, Err(AccessError::Busy))).count();
        assert_eq!((crowd.len() - busy, busy), (2, 3));
        let crowd = join_all((0..50).map(|_| passwords.check(&password, Some(&hash)))).await;
        assert!(crowd.iter().all(|answer| matches!(answer, Ok(true))), "what is remembered does not wait");
        let other = PasswordHash::of(&"other".into());
        assert!(!passwords.check(&password, Some(&other)).await.expect("checks"));
    }
}
