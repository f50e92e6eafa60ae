//! Groups give roles, domains limit, and what is not verified counts for nothing.
use serde_json::json;

use super::*;

fn rules() -> Rules {
    let group = |name: &str, roles: &[Role]| Group {
        name: name.into(),
        roles: roles.to_vec(),
        organizations: Organizations::all(),
    };
    Rules {
        groups_claim: "groups".into(),
        groups: vec![
            group("finance", &[Role::Analyst, Role::Viewer]),
            group("admins", &[Role::Admin]),
        ],
        default_roles: Vec::new(),
        default_organizations: Organizations::all(),
        domains: Vec::new(),
    }
}

fn judged(rules: &Rules, more: Value) -> Result<Visitor, Unwelcome> {
    let mut claims = json!({"iss": "https://sso.example.com", "sub": "s-1", "email": "Ann@Example.com",
        "email_verified": true, "groups": ["finance"]});
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    rules.judge(claims.as_object().unwrap())
}

fn roles(rules: &Rules, more: Value) -> Result<Vec<Role>, Unwelcome> {
    judged(rules, more).map(|visitor| visitor.roles)
}

#[test]
fn groups_give_roles() {
    let mut own = rules();
    assert_eq!(
        roles(&own, json!({})),
        Ok(vec![Role::Viewer, Role::Analyst])
    );
    let both = json!({"groups": ["x", "admins", "finance"]});
    assert_eq!(
        roles(&own, both),
        Ok(vec![Role::Viewer, Role::Analyst, Role::Admin])
    );
    assert_eq!(
        roles(&own, json!({"groups": "admins"})),
        Ok(vec![Role::Admin])
    );
    for none in [
        json!([]),
        json!(["Admins"]),
        json!(null),
        json!(7),
        json!([["admins"]]),
        json!(""),
    ] {
        assert_eq!(
            roles(&own, json!({"groups": none})),
            Err(Unwelcome::NoRole),
            "{none}"
        );
    }
    own.default_roles = vec![Role::Viewer];
    assert_eq!(
        roles(&own, json!({"groups": ["x"]})),
        Ok(vec![Role::Viewer])
    );
    assert_eq!(
        roles(&own, json!({"groups": ["admins"]})),
        Ok(vec![Role::Admin]),
        "no default beside"
    );
    let overage = json!({"groups": null, "_claim_names": {"groups": "src1"}});
    assert_eq!(roles(&own, overage), Err(Unwelcome::TooManyGroups));
}

#[test]
fn a_claim_may_lie_deeper() {
    let mut own = rules();
    own.groups_claim = "/realm_access/roles".into();
    let nested = json!({"realm_access": {"roles": ["admins"]}});
    assert_eq!(roles(&own, nested), Ok(vec![Role::Admin]));
    assert_eq!(own.wanted(), ["email", "realm_access"]);
    own.groups_claim = "https://example.com/roles".into();
    assert_eq!(
        roles(&own, json!({"https://example.com/roles": ["admins"]})),
        Ok(vec![Role::Admin])
    );
    assert_eq!(own.wanted(), ["email", "https://example.com/roles"]);
}

#[test]
fn domains_count_for_verified_mail_alone() {
    let mut own = rules();
    own.domains = vec!["example.com".into()];
    assert!(judged(&own, json!({})).is_ok());
    assert!(judged(&own, json!({"email_verified": "true"})).is_ok());
    for (more, why) in [
        (json!({"email": "ann@evil.example"}), Unwelcome::Domain),
        (json!({"email": "ann@sub.example.com"}), Unwelcome::Domain),
        (
            json!({"email": "ann@example.com@evil.example"}),
            Unwelcome::Domain,
        ),
        (json!({"email": "example.com"}), Unwelcome::Domain),
        (json!({"email": ""}), Unwelcome::Domain),
        (json!({"email": null}), Unwelcome::Domain),
        (json!({"email_verified": false}), Unwelcome::Unverified),
        (json!({"email_verified": null}), Unwelcome::Unverified),
        (json!({"email_verified": 1}), Unwelcome::Unverified),
    ] {
        assert_eq!(judged(&own, more.clone()), Err(why), "{more}");
    }
}

#[test]
fn a_name_is_what_the_provider_vouches_for() {
    let own = rules();
    let name = |more| judged(&own, more).unwrap().name;
    assert_eq!(name(json!({})), "Ann@Example.com");
    let unverified = json!({"email_verified": false, "preferred_username": "ann"});
    assert_eq!(name(unverified), "ann");
    assert_eq!(
        name(json!({"email": null, "preferred_username": "ann b/c"})),
        "ann_b_c"
    );
    assert_eq!(name(json!({"email": null})), "s-1");
    let identity = judged(&own, json!({"email": "boss@example.com"}))
        .unwrap()
        .identity;
    assert_eq!(
        (identity.issuer.as_str(), identity.subject.as_str()),
        ("https://sso.example.com", "s-1")
    );
}

/// Groups with their roles in some organisations (none: in all), and what they give together.
#[track_caller]
fn check(groups: &[(&[Role], &[&str])], expect: Result<(&[Role], &str), Unwelcome>) {
    let group = |(number, (roles, names)): (usize, &(&[Role], &[&str]))| Group {
        name: number.to_string(),
        roles: roles.to_vec(),
        organizations: match names.is_empty() {
            true => Organizations::all(),
            false => Organizations::of(*names).unwrap(),
        },
    };
    let own = Rules {
        groups: groups.iter().enumerate().map(group).collect(),
        ..rules()
    };
    let all: Vec<String> = (0..groups.len()).map(|number| number.to_string()).collect();
    let visitor = judged(&own, json!({"groups": all}));
    let got = visitor.map(|visitor| (visitor.roles, visitor.organizations.to_string()));
    assert_eq!(
        got,
        expect.map(|(roles, of)| (roles.to_vec(), of.to_owned()))
    );
}

#[test]
fn groups_never_give_more_together_than_each_of_them_for_its_organisations() {
    use Role::{Admin, Analyst, Viewer};
    check(&[(&[Analyst], &["A"])], Ok((&[Analyst], "A")));
    check(
        &[(&[Viewer, Admin], &["A"]), (&[Viewer], &["B"])],
        Ok((&[Viewer], "A, B")),
    );
    check(
        &[(&[Admin], &["A"]), (&[Viewer], &["B"])],
        Err(Unwelcome::Scattered),
    );
    check(
        &[(&[Viewer], &["A", "B"]), (&[Admin], &["B", "A"])],
        Ok((&[Viewer, Admin], "A, B")),
    );
    check(
        &[(&[Admin], &["A"]), (&[Viewer], &[])],
        Ok((&[Viewer], "all organisations")),
    );
}

#[test]
fn who_is_in_no_group_has_the_organisations_of_the_default() {
    let own = Rules {
        default_roles: vec![Role::Viewer],
        default_organizations: Organizations::of(["A"]).unwrap(),
        ..rules()
    };
    let visitor = judged(&own, json!({"groups": []})).unwrap();
    assert_eq!(visitor.organizations.to_string(), "A");
    let visitor = judged(&own, json!({"groups": ["finance"]})).unwrap();
    assert!(visitor.organizations.is_all());
}
