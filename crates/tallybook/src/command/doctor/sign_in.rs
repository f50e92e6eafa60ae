//! The provider by which people sign in: whether it answers, and is what the settings say.

use super::Subject;
use super::finding::Finding;

pub(super) async fn finding(subject: &Subject) -> Option<Finding> {
    const CHECK: &str = "sign_in";
    let wanted = subject.provider.clone()?;
    let name = wanted.name.clone();
    let mend = "compare [access.oidc] with what the provider shows (docs/sign-in.md)";
    let probed = match wanted.for_probe(&subject.url) {
        Ok(sign_in) => sign_in
            .provider
            .probe()
            .await
            .map_err(|failure| failure.to_string()),
        Err(failure) => Err(failure.text().to_owned()),
    };
    Some(match probed {
        Ok(keys) => Finding::ok(
            CHECK,
            format!("{name} answers, with {keys} keys that can be used"),
        ),
        Err(why) => Finding::failed(CHECK, format!("nobody can sign in by {name}: {why}"), mend),
    })
}
