//! Keys of all homes: made, rotated, brought by cosign, in a token of SoftHSM; each signs an image of its own.

mod token;

use std::fs;

use anyhow::{Result, ensure};

use self::token::Token;
use crate::e2e::client::Client;
use crate::e2e::image;
use crate::e2e::scenario::Scenario;
use crate::e2e::trust::cosign::{COSIGNS, Cosign, TYPES};

/// A definition that is built in no time.
const DEFINITION: &str = "static/debian-13/13";

/// Builds with keys that follow one another, in a data folder of its own.
pub(super) fn check(scenario: &Scenario, registry: &str) -> Result<()> {
    let bench = Bench { scenario, registry };
    let first = scenario.setup("the_first_key_signs", || {
        let image = bench.build("first", &[])?;
        Ok(Signed { image, key: bench.public_key("1")? })
    })?;
    scenario.check("the_first_key_verifies", || first.verifies(scenario));
    scenario.check("after_rotation_old_and_new_images_verify_each_by_its_key", || {
        bench.temper(&["key", "rotate"]).succeeds()?;
        let second = Signed { image: bench.build("second", &[])?, key: bench.public_key("2")? };
        second.verifies(scenario)?;
        first.verifies(scenario)?;
        refuses(scenario, &first.image, &second.key)?;
        refuses(scenario, &second.image, &first.key)
    });
    scenario.check("an_image_signed_again_after_rotation_verifies_by_both_keys", || {
        let image = bench.build("first", &[])?;
        ensure!(image == first.image, "{image} is not {}", first.image);
        first.verifies(scenario)?;
        Signed { image, key: bench.public_key("2")? }.verifies(scenario)
    });
    scenario.check("every_key_is_published", || published(&bench));
    scenario.check("a_key_of_cosign_signs_and_joins_the_keyring", || cosigns_key(&bench));
    let token = scenario.setup("softhsm_makes_a_token_with_a_key", || Token::new(scenario))?;
    scenario.check("a_token_signs_and_joins_the_keyring", || token_signs(&bench, &token));
    scenario.check("a_token_refuses_a_wrong_pin_and_an_unknown_key", || token_refuses(&bench, &token));
    Ok(())
}

/// An image and the file with the key that signed it.
struct Signed {
    image: String,
    key: String,
}

impl Signed {
    fn verifies(&self, scenario: &Scenario) -> Result<()> {
        for program in COSIGNS {
            let cosign = Cosign::new(scenario, program, &self.key);
            cosign.verify(&self.image)?;
            cosign.verify_attestation(&self.image, TYPES[0])?;
        }
        Ok(())
    }
}

fn refuses(scenario: &Scenario, image: &str, key: &str) -> Result<()> {
    COSIGNS.iter().try_for_each(|program| Cosign::new(scenario, program, key).refuses(image))
}

/// A data folder whose keys change.
struct Bench<'a> {
    scenario: &'a Scenario<'a>,
    registry: &'a str,
}

impl<'a> Bench<'a> {
    fn data(&self) -> std::path::PathBuf {
        self.scenario.path("keys")
    }

    fn temper(&self, arguments: &[&str]) -> Client<'a> {
        self.scenario.temper().args(arguments).args(["--data-dir".as_ref(), self.data().as_os_str()])
    }

    /// Builds a small image into a repository and returns its name with the digest.
    fn build(&self, repository: &str, options: &[&str]) -> Result<String> {
        let built = self.building(repository).args(options).succeeds()?;
        let digest = image::text(&image::json(&built)?, "digest")?.to_owned();
        Ok(format!("{}@{digest}", self.repository(repository)))
    }

    fn building(&self, repository: &str) -> Client<'a> {
        self.temper(&["catalog", "build", DEFINITION, "--json", "--output", &self.repository(repository)])
    }

    fn repository(&self, name: &str) -> String {
        format!("{}/acme/keys-{name}", self.registry)
    }

    /// Writes a public key of the keyring to a file and returns its name.
    fn public_key(&self, number: &str) -> Result<String> {
        let path = self.scenario.path(format!("keyring-{number}.pub"));
        fs::write(&path, self.temper(&["key", "show", number]).succeeds()?)?;
        Ok(path.display().to_string())
    }
}

/// What a server shows of the keyring, which it reads again for each request.
fn published(bench: &Bench) -> Result<()> {
    let data = bench.data();
    let server = bench.scenario.serve(&["serve".as_ref(), "--data-dir".as_ref(), data.as_os_str()])?;
    let get = |name: &str| {
        let url = format!("http://{}/keyring/{name}.pub", server.address());
        bench.scenario.tool("curl").map(|curl| curl.args(["--silent", "--fail", &url]))
    };
    let shown = |number: &str| fs::read_to_string(bench.public_key(number)?).map_err(anyhow::Error::from);
    ensure!(get("1")?.succeeds()? == shown("1")?);
    ensure!(get("latest")?.succeeds()? == shown("2")?);
    for missing in ["0", "3", "01", "1.key", "password", "..%2Ftoken-key"] {
        get(missing)?.fails()?;
    }
    bench.temper(&["key", "rotate"]).succeeds()?;
    ensure!(get("latest")?.succeeds()? == shown("3")?);
    ensure!(get("2")?.succeeds()? == shown("2")?);
    Ok(())
}

/// A key file by its name, and taken over.
fn cosigns_key(bench: &Bench) -> Result<()> {
    let scenario = bench.scenario;
    let prefix = scenario.path("brought").display().to_string();
    let cosign = Cosign::new(scenario, "cosign3", "");
    cosign
        .command(&["generate-key-pair", "--output-key-prefix", &prefix])?
        .env("COSIGN_PASSWORD", "brought")
        .succeeds()?;
    let (private, public) = (format!("{prefix}.key"), format!("{prefix}.pub"));
    let built =
        bench.building("brought").args(["--key", &private]).env("COSIGN_PASSWORD", "brought").succeeds()?;
    let digest = image::text(&image::json(&built)?, "digest")?.to_owned();
    let image = format!("{}@{digest}", bench.repository("brought"));
    Signed { image, key: public.clone() }.verifies(scenario)?;
    let refused =
        bench.building("brought").args(["--key", &private]).env("COSIGN_PASSWORD", "wrong").fails()?;
    ensure!(refused.stdout.contains("the passphrase is wrong"), "{}", refused.stdout);
    bench.temper(&["key", "import", &private]).env("COSIGN_PASSWORD", "brought").succeeds()?;
    Signed { image: bench.build("imported", &[])?, key: public }.verifies(scenario)
}

/// A token's key by its address, and as a key of the keyring.
fn token_signs(bench: &Bench, token: &Token) -> Result<()> {
    let uri = token::address("release");
    token.with_pin(bench.temper(&["key", "import", &uri])).succeeds()?;
    let listed = image::json(&bench.temper(&["key", "list", "--json"]).succeeds()?)?;
    let latest = listed["keys"].as_array().and_then(|keys| keys.last()).cloned().unwrap_or_default();
    ensure!(latest["kept_in"] == "token", "{listed}");
    let key = bench.public_key(&latest["number"].to_string())?;
    for (repository, options) in [("token", &["--key", &uri][..]), ("from-token", &[])] {
        let built = token.with_pin(bench.building(repository).args(options)).succeeds()?;
        let digest = image::text(&image::json(&built)?, "digest")?.to_owned();
        let image = format!("{}@{digest}", bench.repository(repository));
        Signed { image, key: key.clone() }.verifies(bench.scenario)?;
    }
    Ok(())
}

fn token_refuses(bench: &Bench, token: &Token) -> Result<()> {
    let building =
        |object: &str| token.with_pin(bench.building("refused").args(["--key", &token::address(object)]));
    let wrong = building("release").env("COSIGN_PKCS11_PIN", "000000").fails()?;
    ensure!(wrong.stdout.contains("the token refuses the login"), "{}", wrong.stdout);
    ensure!(!(wrong.stdout + &wrong.stderr).contains("000000"), "the PIN is printed");
    let unknown = building("missing").fails()?;
    ensure!(unknown.stdout.contains("no such private key"), "{}", unknown.stdout);
    Ok(())
}
