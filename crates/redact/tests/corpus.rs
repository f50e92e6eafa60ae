//! Precision and recall over the corpus: secrets that must go, near misses that must stay.
//!
//! `cargo test --release -p redact --test corpus -- --nocapture` prints them; docs/redaction.md has
//! what they are.

use contract::{Edit, Editor, Signal};
use redact::{Policy, Settings};

const SECRETS: &str = include_str!("corpus/secrets.tsv");
const NEAR_MISSES: &str = include_str!("corpus/near_misses.txt");

/// A generator of its own, so that the corpus is the same for ever (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }

    fn of(&mut self, alphabet: &str, length: usize) -> String {
        let letters: Vec<char> = alphabet.chars().collect();
        (0..length)
            .map(|_| letters[self.below(letters.len())])
            .collect()
    }
}

const DIGITS: &str = "0123456789";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// A line with its random parts filled in; `None` for a comment.
fn filled(line: &str, random: &mut Random) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('{') {
        out.push_str(&unescaped(&rest[..at]));
        let end = rest[at..].find('}').map(|end| end + at);
        let part = end.and_then(|end| part(&rest[at + 1..end], random));
        match (part, end) {
            (Some(part), Some(end)) => {
                out.push_str(&part);
                rest = &rest[end + 1..];
            }
            _ => {
                out.push('{');
                rest = &rest[at + 1..];
            }
        }
    }
    out.push_str(&unescaped(rest));
    out
}

fn unescaped(text: &str) -> String {
    text.replace("~~", "\u{1}")
        .replace('~', "")
        .replace('\u{1}', "~")
        .replace("\\\\", "\u{1}")
        .replace("\\n", "\n")
        .replace('\u{1}', "\\")
}

fn part(what: &str, random: &mut Random) -> Option<String> {
    let (kind, length) = what.split_at_checked(1)?;
    if kind == "C" {
        return card(length, random);
    }
    let length = length.parse().ok()?;
    let letters = format!("{UPPER}{LOWER}{DIGITS}");
    Some(match kind {
        "A" => random.of(&letters, length),
        "a" => random.of(LOWER, length),
        "h" => random.of("0123456789abcdef", length),
        "d" => format!(
            "{}{}",
            random.of("123456789", 1),
            random.of(DIGITS, length - 1)
        ),
        "K" => random.of(&format!("{UPPER}234567"), length),
        "B" => random.of(&format!("{letters}+/"), length),
        "W" => format!(
            "{}{}",
            random.of(&letters, 1),
            random.of(&format!("{letters}_-"), length - 1)
        ),
        _ => return None,
    })
}

/// A card number whose check digit is right.
fn card(what: &str, random: &mut Random) -> Option<String> {
    let (first, form) = what.split_once(':')?;
    let (separator, length) = match form.strip_suffix('s') {
        Some(length) => (" ", length),
        None => match form.strip_suffix('-') {
            Some(length) => ("-", length),
            None => ("", form),
        },
    };
    let length: usize = length.parse().ok()?;
    let lead = match first {
        "5" => "54",
        "3" => "37",
        other => other,
    };
    let body = format!("{lead}{}", random.of(DIGITS, length - 1 - lead.len()));
    let sum: u32 = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| match (place % 2, u32::from(byte - b'0')) {
            (0, digit) if digit > 4 => digit * 2 - 9,
            (0, digit) => digit * 2,
            (_, digit) => digit,
        })
        .sum();
    let number = format!("{body}{}", (10 - sum % 10) % 10);
    let groups: Vec<&str> = (0..length)
        .step_by(4)
        .map(|at| &number[at..length.min(at + 4)])
        .collect();
    Some(groups.join(separator))
}

fn policy() -> Policy {
    Settings::default()
        .policy(&[7; 32])
        .unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// What the default policy makes of a prompt.
fn redacted(policy: &Policy, text: &str) -> String {
    let mut redactor = policy.redactor(Signal::Logs, None);
    redactor.attribute("prompt");
    match redactor.text("prompt", text) {
        Edit::Keep => text.to_owned(),
        Edit::Replace(text) => text,
        Edit::Remove => String::new(),
    }
}

fn lines(of: &str) -> impl Iterator<Item = &str> {
    of.lines()
        .filter(|line| !line.is_empty() && !line.starts_with("# "))
}

#[test]
fn precision_and_recall() {
    let policy = policy();
    let mut random = Random(0x7a11_b00c);
    let (mut found, mut missed, mut by_another) = (0, Vec::new(), 0);
    for line in lines(SECRETS) {
        let (detector, template) = line.split_once('\t').expect("a detector and a text");
        let text = filled(template, &mut random);
        let secret = between(&text);
        let text = text.replace(['⟦', '⟧'], "");
        let out = redacted(&policy, &text);
        // The parts outside stay: what is masked is the secret, not the line.
        let is_gone = !leaves(&out, &secret);
        let stays = outside(template).is_none_or(|word| out.contains(&word));
        if is_gone && stays {
            found += 1;
            by_another += usize::from(!out.contains(&format!("[masked:{detector}]")));
        } else {
            missed.push(format!("{detector}: {text}\n      -> {out}"));
        }
    }
    let (mut kept, mut wrong) = (0, Vec::new());
    for line in lines(NEAR_MISSES) {
        let text = filled(line, &mut random);
        let out = redacted(&policy, &text);
        if out == text {
            kept += 1;
        } else {
            wrong.push(format!("{text}\n      -> {out}"));
        }
    }
    let secrets = found + missed.len();
    let near_misses = kept + wrong.len();
    let recall = found as f64 / secrets as f64;
    let precision = found as f64 / (found + wrong.len()) as f64;
    println!(
        "secrets {secrets}, masked {found} ({by_another} by another detector); near misses {near_misses}, left alone {kept}"
    );
    println!("recall {recall:.4}, precision {precision:.4}");
    println!(
        "missed:\n  {}\nwrong:\n  {}",
        missed.join("\n  "),
        wrong.join("\n  ")
    );
    assert!(
        secrets >= 200 && near_misses >= 200,
        "{secrets} {near_misses}"
    );
    assert!(recall >= 0.99, "recall {recall}");
    // An id that is changed is a count that is wrong.
    assert!(wrong.is_empty(), "precision {precision}");
}

/// What is marked in a text.
fn between(text: &str) -> String {
    let start = text.find('⟦').expect("⟦") + '⟦'.len_utf8();
    let end = text.rfind('⟧').expect("⟧");
    text[start..end].to_owned()
}

/// Whether a tenth of a secret or more is still there.
fn leaves(out: &str, secret: &str) -> bool {
    let letters: Vec<char> = secret.chars().collect();
    let piece = (letters.len() / 4).clamp(4, 12);
    letters.windows(piece).any(|piece| {
        let piece: String = piece.iter().collect();
        piece.chars().any(|c| c.is_ascii_digit()) && out.contains(&piece)
    })
}

/// The first word of a line that is outside of the secret.
fn outside(template: &str) -> Option<String> {
    let start = template.find('⟦')?;
    let word = template[..start].split_whitespace().next()?;
    let plain = word.bytes().all(|b| b.is_ascii_alphanumeric());
    (plain && word.len() < start).then(|| word.to_owned())
}
