//! How much there is to a statement, before it is parsed.
//!
//! Invariant: no statement that passes is a deeper tree than its count here, so that whatever walks the
//! tree by recursion (parser, planner, optimiser, the drop of it all) finds its stack large enough. The
//! parser guards its own recursion only: `1+1+…` is a loop to it and a deep tree to all that follow.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::error::QueryError;

/// How many operators, keywords and names in a list a statement may have. People's questions have
/// some dozens, generated ones some hundreds.
const PARTS_MAX: usize = 2_000;

/// The stack of a thread that plans and runs queries. Only what is used of it is ever there.
pub(crate) const STACK_BYTES: usize = 128 << 20;

/// Refuses a statement with too much to it. One that is no SQL is left to the parser to explain.
pub(crate) fn check(sql: &str) -> Result<(), QueryError> {
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() else {
        return Ok(());
    };
    let significant = tokens
        .iter()
        .filter(|token| !matches!(token, Token::Whitespace(_)));
    let mut is_after_name = false;
    let mut parts = 0;
    for token in significant {
        parts += usize::from(counts(token, is_after_name));
        is_after_name = matches!(token, Token::Word(_));
    }
    if parts <= PARTS_MAX {
        return Ok(());
    }
    Err(QueryError::invalid(
        format!("the statement has more than {PARTS_MAX} operators and keywords"),
        Some("write a long list of alternatives as IN (…)"),
    ))
}

/// Whether a token can make the tree deeper. Literals and lists of them cannot, however many.
fn counts(token: &Token, is_after_name: bool) -> bool {
    match token {
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::RParen
        | Token::Period
        | Token::SemiColon => false,
        // Tables side by side are joined one after the other.
        Token::Comma => is_after_name,
        Token::Word(word) => word.keyword != Keyword::NoKeyword,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_makes_a_tree_deep_counts_and_lists_do_not() {
        let check = |sql: String| super::check(&sql).is_ok();
        for (unit, most) in [
            ("+1", 1_999),
            (" OR true", 999),
            (" UNION SELECT 1", 999),
            ("::int", 999),
            (", xyz", 1_999),
        ] {
            let sql = |times| format!("SELECT xyz{}", unit.repeat(times));
            assert!(check(sql(most)), "{unit}");
            assert!(!check(sql(most + 1)), "{unit}");
        }
        let values = "'x', ".repeat(20_000);
        assert!(check(format!("SELECT a FROM b WHERE a IN ({values}'y')")));
        let text = "+ OR ".repeat(10_000);
        assert!(check(format!("SELECT '{text}' -- {text}")));
        // What is no SQL is explained by the parser.
        assert!(check("SELECT 'x".to_owned()));
    }
}
