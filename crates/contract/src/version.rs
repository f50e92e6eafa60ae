//! Versions of clients, to know which of them have a known fault.

/// Whether a version is older than another, compared number by number. A version that does not begin
/// with numbers is not known to be older.
pub fn is_version_before(version: &str, other: &str) -> bool {
    let numbers = |version: &str| -> Vec<u64> {
        let digits = version.split(['.', '-', '+']);
        digits.map_while(|part| part.parse().ok()).collect()
    };
    let (version, other) = (numbers(version), numbers(other));
    !version.is_empty() && version < other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        for (version, other, expect) in [
            ("2.1.50", "2.1.214", true),
            ("2.1.213", "2.1.214", true),
            ("2.1.214", "2.1.214", false),
            ("2.1.329", "2.1.214", false),
            ("1.0.128", "2.1.214", true),
            ("2.1", "2.1.214", true),
            ("2.1.214-beta.1", "2.1.214", false),
            ("3", "2.1.214", false),
            ("", "2.1.214", false),
            ("unknown", "2.1.214", false),
        ] {
            assert_eq!(is_version_before(version, other), expect, "{version}");
        }
    }
}
