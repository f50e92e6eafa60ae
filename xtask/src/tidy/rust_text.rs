//! Rust source without its comments and literals, and the functions in it.
//!
//! Not a parser: it knows just enough of Rust's words to find where code is. What it looks for, a
//! function's first and last line, needs no more, and a parser would be xtask's slowest dependency.

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: String,
    /// From 1.
    pub(super) first_line: usize,
    pub(super) last_line: usize,
}

/// Source with every comment, string and character literal turned into blanks, line by line as long
/// as before.
pub(super) fn without_comments_and_literals(text: &str) -> Vec<char> {
    let mut source: Vec<char> = text.chars().collect();
    let mut at = 0;
    while at < source.len() {
        let end = match source[at] {
            '/' if source.get(at + 1) == Some(&'/') => end_of_line(&source, at),
            '/' if source.get(at + 1) == Some(&'*') => end_of_block_comment(&source, at),
            '"' => end_of_string(&source, at + 1),
            '\'' => end_of_character(&source, at),
            letter if is_word(letter) => {
                let end = end_of_word(&source, at);
                let word: String = source[at..end].iter().collect();
                match word.as_str() {
                    "r" | "br" | "cr" => end_of_raw_string(&source, end).unwrap_or(end),
                    _ => end,
                }
            }
            _ => at + 1,
        };
        let is_code = end == at + 1
            || is_word(source[at]) && source[end - 1] != '"' && source[end - 1] != '#';
        if !is_code {
            for letter in source[at..end].iter_mut().filter(|letter| **letter != '\n') {
                *letter = ' ';
            }
        }
        at = end;
    }
    source
}

/// The functions with a body in source that holds code only.
pub(super) fn functions(code: &[char]) -> Vec<Function> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut line = 1;
    while at < code.len() {
        if !is_word(code[at]) {
            line += usize::from(code[at] == '\n');
            at += 1;
            continue;
        }
        let end = end_of_word(code, at);
        if code[at..end] == ['f', 'n']
            && let Some(name) = name_after(code, end)
            && let Some(length) = lines_until_body_ends(&code[end..])
        {
            found.push(Function {
                name,
                first_line: line,
                last_line: line + length,
            });
        }
        at = end;
    }
    found
}

/// The name in `fn name`; a function pointer has none.
fn name_after(code: &[char], at: usize) -> Option<String> {
    let start = at
        + code[at..]
            .iter()
            .position(|letter| !letter.is_whitespace())?;
    let end = end_of_word(code, start);
    (end > start).then(|| code[start..end].iter().collect())
}

/// Lines from a function's signature to its closing brace; nothing when it has no body.
fn lines_until_body_ends(code: &[char]) -> Option<usize> {
    let mut lines = 0;
    let mut in_signature = 0_usize;
    let mut in_body = 0_usize;
    for letter in code {
        match letter {
            '\n' => lines += 1,
            '(' | '[' if in_body == 0 => in_signature += 1,
            ')' | ']' if in_body == 0 => in_signature = in_signature.saturating_sub(1),
            ';' if in_body == 0 && in_signature == 0 => return None,
            '{' if in_signature == 0 => in_body += 1,
            '}' if in_body == 1 => return Some(lines),
            '}' if in_body > 1 => in_body -= 1,
            _ => {}
        }
    }
    None
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn end_of_word(source: &[char], at: usize) -> usize {
    source[at..]
        .iter()
        .position(|letter| !is_word(*letter))
        .map_or(source.len(), |length| at + length)
}

fn end_of_line(source: &[char], at: usize) -> usize {
    source[at..]
        .iter()
        .position(|letter| *letter == '\n')
        .map_or(source.len(), |length| at + length)
}

fn end_of_block_comment(source: &[char], start: usize) -> usize {
    let mut depth = 0;
    let mut at = start;
    while at + 1 < source.len() {
        match (source[at], source[at + 1]) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    source.len()
}

fn end_of_string(source: &[char], inside: usize) -> usize {
    let mut at = inside;
    while at < source.len() {
        match source[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    source.len()
}

/// The end of a character literal; a lifetime's quote is a letter of its own.
fn end_of_character(source: &[char], at: usize) -> usize {
    if source.get(at + 1) == Some(&'\\') {
        // The escaped letter may itself be a quote: `'\''`.
        let rest = source.get(at + 3..).unwrap_or_default();
        return rest
            .iter()
            .position(|letter| *letter == '\'')
            .map_or(source.len(), |length| at + 4 + length);
    }
    if source.get(at + 2) == Some(&'\'') {
        at + 3
    } else {
        at + 1
    }
}

/// The end of `r"…"` or `r#"…"#`, `at` being behind the `r`; nothing for a raw name such as `r#fn`.
fn end_of_raw_string(source: &[char], at: usize) -> Option<usize> {
    let hashes = source[at..]
        .iter()
        .take_while(|letter| **letter == '#')
        .count();
    let inside = at + hashes + 1;
    if source.get(inside - 1) != Some(&'"') {
        // The name behind `r#` must not be read as a keyword: it is stepped over.
        return (hashes == 1).then(|| end_of_word(source, at + 1));
    }
    let closes = |start: usize| {
        source[start] == '"'
            && source
                .get(start + 1..start + 1 + hashes)
                .is_some_and(|rest| rest.iter().all(|letter| *letter == '#'))
    };
    let quote = (inside..source.len()).find(|start| closes(*start));
    Some(quote.map_or(source.len(), |quote| quote + 1 + hashes))
}
