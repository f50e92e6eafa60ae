//! Whether a question may show content, told by its text alone.
//!
//! It decides nothing about what is shown: that is below the views (`sight.rs`). It decides how a question
//! is put on record before it is answered, so it errs towards content: whatever is not seen to show none,
//! shows some. The text is not parsed: a tree of any depth costs no stack here.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::{Keyword, RESERVED_FOR_TABLE_ALIAS};
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer, Word};

use crate::sight;
use crate::views::VIEWS;

/// Whether a question in SQL may show prompts, responses, tool inputs and what may quote them: it names
/// a column that holds such, takes all columns, or calls columns by other names.
#[must_use]
pub fn may_show_content(sql: &str) -> bool {
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() else {
        return true;
    };
    let tokens: Vec<Token> = tokens
        .into_iter()
        .filter(|token| !matches!(token, Token::Whitespace(_)))
        .collect();
    (0..tokens.len()).any(|at| names_content(&tokens, at) || renames_columns(&tokens[at..]))
}

/// Whether the token at this place is a column of content, or all columns.
fn names_content(tokens: &[Token], at: usize) -> bool {
    match &tokens[at] {
        Token::Word(word) => {
            word.keyword == Keyword::TABLE || sight::may_hold_content(&word.value.to_lowercase())
        }
        // In parentheses alone it counts rows.
        Token::Mul => {
            let is_counting = at > 0
                && tokens[at - 1] == Token::LParen
                && tokens.get(at + 1) == Some(&Token::RParen);
            !is_counting
        }
        _ => false,
    }
}

/// Whether a view is called otherwise here with its columns: `prompts AS p (a, b, c)`.
fn renames_columns(tokens: &[Token]) -> bool {
    let [Token::Word(view), rest @ ..] = tokens else {
        return false;
    };
    let is_view = VIEWS
        .iter()
        .any(|known| known.name.eq_ignore_ascii_case(&view.value));
    let rest = match rest {
        [Token::Word(word), rest @ ..] if word.keyword == Keyword::AS => rest,
        rest => rest,
    };
    let is_renamed = matches!(rest, [Token::Word(alias), Token::LParen, ..] if is_alias(alias));
    is_view && is_renamed
}

fn is_alias(word: &Word) -> bool {
    word.quote_style.is_some() || !RESERVED_FOR_TABLE_ALIAS.contains(&word.keyword)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_about_content_is_a_look_at_it() {
        for (sql, expect) in [
            ("SELECT count(*) FROM events", false),
            ("SELECT count( * ) AS sessions FROM (SELECT 1)", false),
            ("SELECT prompt_length FROM prompts", false),
            (
                "SELECT model, sum(cost_usd) FROM api_requests GROUP BY model",
                false,
            ),
            (
                "SELECT p.model FROM api_requests AS p WHERE p.speed IN ('a')",
                false,
            ),
            ("SELECT model FROM events WHERE model = 'prompt'", false),
            ("SELECT * FROM events", true),
            ("SELECT e.* FROM events e", true),
            ("select e.PROMPT from events e", true),
            ("SELECT \"tool_input\" FROM tool_calls", true),
            ("SELECT attribute(attributes, 'x') FROM events", true),
            ("SELECT item FROM quarantine", true),
            ("SELECT body FROM events", true),
            ("SELECT span_events, span_status_message FROM spans", true),
            ("SELECT scope FROM events", true),
            ("SELECT error FROM tool_calls", true),
            ("TABLE prompts", true),
            ("WITH t(a, b) AS (TABLE prompts) SELECT a FROM t", true),
            ("SELECT x.c FROM prompts AS x (a, b, c)", true),
            ("SELECT c FROM prompts x(a, b, c)", true),
            ("SELECT c FROM \"prompts\" \"x\"(a, b, c)", true),
            ("SELECT 'never closed", true),
        ] {
            assert_eq!(may_show_content(sql), expect, "{sql}");
        }
    }
}
