//! A span's place in a trace, and how it travels between programs.
//!
//! Source: W3C Trace Context.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A span's place in a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace_id: [u8; 16],
    /// The span.
    pub span_id: [u8; 8],
    /// Whether the trace is kept: whoever began it has decided.
    pub is_sampled: bool,
    /// `tracestate`, handed on as it came.
    pub state: Option<String>,
}

/// Longer than this need not be handed on.
const STATE_LENGTH_MAX: usize = 512;

impl TraceContext {
    /// Of a `traceparent` and a `tracestate`; `None` when the first is not well-formed. A state that is
    /// not is left out.
    pub fn parse(parent: &str, state: Option<&str>) -> Option<TraceContext> {
        let mut parts = parent.trim().split('-');
        let [version] = bytes(parts.next()?)?;
        let trace_id: [u8; 16] = bytes(parts.next()?)?;
        let span_id: [u8; 8] = bytes(parts.next()?)?;
        let [flags] = bytes(parts.next()?)?;
        let is_known = version != 0xff && (version != 0 || parts.next().is_none());
        let is_set = trace_id != [0; 16] && span_id != [0; 8];
        let state = state.map(str::trim).filter(|state| {
            let is_letter = |byte: u8| (b' '..=b'~').contains(&byte);
            !state.is_empty() && state.len() <= STATE_LENGTH_MAX && state.bytes().all(is_letter)
        });
        (is_known && is_set).then(|| TraceContext {
            trace_id,
            span_id,
            is_sampled: flags & 1 == 1,
            state: state.map(str::to_owned),
        })
    }

    /// As the header and the variable `traceparent` say it.
    pub fn traceparent(&self) -> String {
        let hex =
            |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
        let (trace, span) = (hex(&self.trace_id), hex(&self.span_id));
        format!("00-{trace}-{span}-{:02x}", self.flags())
    }

    pub(crate) fn flags(&self) -> u8 {
        u8::from(self.is_sampled)
    }
}

/// Bytes written as small hexadecimal digits, exactly as many.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// A span while events may be emitted within it.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) context: TraceContext,
    is_open: AtomicBool,
    /// The span around it, of this process.
    around: Option<Arc<Active>>,
}

impl Active {
    pub(crate) fn new(context: TraceContext, around: Option<Arc<Active>>) -> Arc<Active> {
        Arc::new(Active {
            context,
            is_open: AtomicBool::new(true),
            around,
        })
    }

    pub(crate) fn close(&self) {
        self.is_open.store(false, Ordering::Relaxed);
    }

    /// The innermost span that is still open.
    pub(crate) fn innermost(self: &Arc<Self>) -> Option<&Arc<Active>> {
        let mut active = self;
        while !active.is_open.load(Ordering::Relaxed) {
            active = active.around.as_ref()?;
        }
        Some(active)
    }
}

/// Where a new span belongs.
#[derive(Clone, Debug)]
pub(crate) enum Parent {
    /// A trace of its own.
    None,
    /// A span of another process.
    Remote(TraceContext),
    /// A span of this one.
    Local(Arc<Active>),
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn what_is_well_formed_comes_back() {
        for flags in ["00", "01"] {
            let parent = format!("00-{TRACE}-{SPAN}-{flags}");
            let context = TraceContext::parse(&parent, Some(" a=b ")).expect("well-formed");
            assert_eq!(context.traceparent(), parent);
            assert_eq!(context.is_sampled, flags == "01");
            assert_eq!(context.state.as_deref(), Some("a=b"));
        }
        let later = format!("01-{TRACE}-{SPAN}-03-more");
        let context = TraceContext::parse(&later, None).expect("of a later version");
        assert_eq!(context.traceparent(), format!("00-{TRACE}-{SPAN}-01"));
        let long = "a".repeat(STATE_LENGTH_MAX + 1);
        for state in ["ü=1", "", &long] {
            let context = TraceContext::parse(&later, Some(state)).expect("well-formed");
            assert_eq!(context.state, None);
        }
    }

    #[test]
    fn what_is_not_is_left_alone() {
        let zero = "0".repeat(32);
        for parent in [
            "",
            "00",
            &format!("00-{TRACE}-{SPAN}"),
            &format!("00-{TRACE}-{SPAN}-01-more"),
            &format!("ff-{TRACE}-{SPAN}-01"),
            &format!("00-{zero}-{SPAN}-01"),
            &format!("00-{TRACE}-{}-01", &zero[..16]),
            &format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            &format!("00-{TRACE}0-{SPAN}-01"),
            &format!("00-{TRACE}-{SPAN}-0g"),
        ] {
            assert_eq!(TraceContext::parse(parent, None), None, "{parent}");
        }
    }
}
