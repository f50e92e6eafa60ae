//! Which of the engine's own functions there are: these and no others.
//!
//! Invariant: a function is there because somebody looked at it: it reads no file and no network, says
//! nothing of the machine or of how rows are stored, and does not do in one step, which no limit of time
//! or memory can stop, what a number or a long text tells it to.

use datafusion::error::Result;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::registry::FunctionRegistry;

/// Those of a row.
const SCALAR: &str = "
    abs acos acosh arrow_cast arrow_try_cast arrow_typeof ascii asin asinh atan atan2 atanh bit_length btrim
    cast_to_type cbrt ceil char_length character_length chr coalesce concat concat_ws contains cos cosh cot
    current_date current_time current_timestamp date_bin date_format date_part date_trunc datepart datetrunc
    decode degrees encode ends_with exp factorial find_in_set floor from_unixtime gcd get_field greatest ifnull
    initcap instr isnan iszero lcm least left length ln log log10 log2 lower ltrim make_date make_time
    named_struct nanvl now nullif nvl nvl2 octet_length overlay pi position pow power radians rand random
    regexp_count regexp_instr regexp_like regexp_match regexp_replace replace reverse right round row rtrim
    signum sin sinh split_part sqrt starts_with strpos struct substr substr_index substring substring_index tan
    tanh to_char to_date to_hex to_local_time to_time to_timestamp to_timestamp_micros to_timestamp_millis
    to_timestamp_nanos to_timestamp_seconds to_unixtime today translate trim trunc try_cast_to_type upper uuid";
/// Those of many rows.
const AGGREGATE: &str = "
    any_value approx_distinct approx_median approx_percentile_cont approx_percentile_cont_with_weight array_agg
    avg bit_and bit_or bit_xor bool_and bool_or corr count covar covar_pop covar_samp first_value grouping
    last_value max mean median min nth_value percentile_cont quantile_cont regr_avgx regr_avgy regr_count
    regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy stddev stddev_pop stddev_samp string_agg sum
    var var_pop var_population var_samp var_sample";
/// Those over the rows of a window.
const WINDOW: &str = "
    cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number";

/// Takes the others away. Table functions there are none of to begin with.
pub(super) fn restrict(state: &mut SessionState) -> Result<()> {
    let others = |names: Vec<String>, allowed: &str| -> Vec<String> {
        let is_allowed = |name: &String| allowed.split_whitespace().any(|known| known == name);
        names.into_iter().filter(|name| !is_allowed(name)).collect()
    };
    for name in others(state.scalar_functions().keys().cloned().collect(), SCALAR) {
        state.deregister_udf(&name)?;
    }
    for name in others(
        state.aggregate_functions().keys().cloned().collect(),
        AGGREGATE,
    ) {
        state.deregister_udaf(&name)?;
    }
    for name in others(state.window_functions().keys().cloned().collect(), WINDOW) {
        state.deregister_udwf(&name)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use datafusion::execution::session_state::SessionStateBuilder;

    use super::{AGGREGATE, SCALAR, WINDOW, restrict};

    #[test]
    fn these_and_no_others() {
        let mut state = SessionStateBuilder::new().with_default_features().build();
        restrict(&mut state).expect("restricts");
        let all: [(BTreeSet<&str>, &str); 3] = [
            (names(state.scalar_functions()), SCALAR),
            (names(state.aggregate_functions()), AGGREGATE),
            (names(state.window_functions()), WINDOW),
        ];
        for (there, allowed) in all {
            assert_eq!(there, allowed.split_whitespace().collect());
        }
        for odd in [
            "input_file_name",
            "file_row_index",
            "version",
            "repeat",
            "levenshtein",
        ] {
            assert!(!state.scalar_functions().contains_key(odd), "{odd}");
        }
    }

    fn names<T>(of: &std::collections::HashMap<String, T>) -> BTreeSet<&str> {
        of.keys().map(String::as_str).collect()
    }
}
