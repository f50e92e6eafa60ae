//! What a strict reader takes, and what it refuses.

use super::Exposition;

const GOOD: &str = "\
# HELP a_total Things that were.
# TYPE a_total counter
a_total{kind=\"x\"} 2
a_total{kind=\"y\",more=\"z\"} 3
# HELP b_seconds Waits, in words.
# TYPE b_seconds histogram
b_seconds_bucket{kind=\"x\",le=\"0.5\"} 1
b_seconds_bucket{kind=\"x\",le=\"+Inf\"} 4
b_seconds_sum{kind=\"x\"} 9.5
b_seconds_count{kind=\"x\"} 4
# HELP c_bytes Sizes.
# TYPE c_bytes gauge
c_bytes -1
";

#[test]
fn what_is_right_is_read() {
    let read = Exposition::parse(GOOD).unwrap();
    assert_eq!(read.value("a_total{kind=\"y\",more=\"z\"}"), 3.0);
    assert_eq!(read.sum("a_total", &[]), 5.0);
    assert_eq!(read.sum("a_total", &[("kind", "x")]), 2.0);
    assert_eq!(read.value("c_bytes"), -1.0);
    assert_eq!(read.families["b_seconds"].kind, "histogram");
}

/// One thing is made wrong at a time.
#[test]
fn what_is_wrong_is_refused() {
    for (right, wrong) in [
        ("# HELP a_total Things that were.\n", ""),
        ("# TYPE c_bytes gauge\n", ""),
        ("# TYPE c_bytes gauge", "# TYPE c_bytes untyped"),
        ("# TYPE c_bytes gauge", "# TYPE d_bytes gauge"),
        ("# TYPE c_bytes gauge", "# TYPE c_bytes counter"),
        ("# HELP c_bytes Sizes.", "# HELP c_bytes "),
        ("# HELP c_bytes Sizes.", "# HELP a_total Sizes."),
        (
            "# HELP c_bytes Sizes.\n",
            "# HELP c_bytes Sizes.\n# HELP d Things.\n",
        ),
        ("c_bytes -1\n", ""),
        ("c_bytes -1", "c_bytes -1\nc_bytes 2"),
        ("c_bytes -1", "c_bytes NaN"),
        ("c_bytes -1", "c_bytes one"),
        ("c_bytes -1", "d_bytes 1"),
        ("c_bytes -1", "c_bytes{kind=\"x\" 1"),
        ("c_bytes -1", "c_bytes{kind=x} 1"),
        ("c_bytes -1", "c_bytes{Kind=\"x\"} 1"),
        ("c_bytes -1", "c_bytes{kind=\"\"} 1"),
        ("c_bytes -1", "c-bytes 1"),
        ("{kind=\"x\"} 2", "{kind=\"x\"} -2"),
        ("le=\"0.5\"} 1", "le=\"0.5\"} 5"),
        ("le=\"+Inf\"} 4", "le=\"+Inf\"} 5"),
        ("le=\"+Inf\"} 4", "le=\"9\"} 4"),
        ("le=\"+Inf\"} 4", "le=\"many\"} 4"),
        ("b_seconds_count{kind=\"x\"} 4\n", ""),
    ] {
        assert!(GOOD.contains(right), "{right}");
        let text = GOOD.replace(right, wrong);
        assert!(Exposition::parse(&text).is_err(), "{text}");
    }
}
