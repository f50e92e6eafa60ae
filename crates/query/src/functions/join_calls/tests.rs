//! Which decision and which result are of one call.

use super::{Event, Key, Mark, Part, mark};

const ACCEPT: Part = Part::Decision { is_refused: false };
const REFUSE: Part = Part::Decision { is_refused: true };
const ANSWER: Part = Part::Answer { is_agent: true };

/// A number for a short name.
fn key(name: &str) -> Key {
    name.bytes()
        .fold(1, |key, byte| key * 256 + Key::from(byte))
}

fn event(part: Part, time_ms: i64) -> Event<'static> {
    Event {
        part,
        time_ms,
        duration_ms: None,
        tool_use_id: None,
        request_id: None,
        installation: Some(key("i")),
        prompt: Some(key("p")),
        tool: Some(key("Bash")),
        agent_id: None,
        agent_name: None,
        model: None,
    }
}

fn with_id(part: Part, time_ms: i64, id: &'static str) -> Event<'static> {
    Event {
        tool_use_id: Some(key(id)),
        ..event(part, time_ms)
    }
}

fn result(time_ms: i64, duration_ms: i64) -> Event<'static> {
    Event {
        duration_ms: Some(duration_ms),
        ..event(Part::Result, time_ms)
    }
}

/// Which events are of one call: numbers that are equal for those, in the order of first appearance.
#[track_caller]
fn check(events: &[Event<'_>], expect: &[Option<i64>], what: &str) {
    let marks = mark(events);
    let mut seen = Vec::new();
    let numbers: Vec<_> = marks
        .iter()
        .map(|mark| {
            mark.call.map(|call| {
                let place = seen.iter().position(|known| *known == call);
                place.unwrap_or_else(|| {
                    seen.push(call);
                    seen.len() - 1
                }) as i64
            })
        })
        .collect();
    assert_eq!(numbers, expect, "{what}: {marks:?}");
}

#[test]
fn an_id_joins_whatever_the_order() {
    let events = [
        with_id(ACCEPT, 0, "a"),
        with_id(ACCEPT, 1, "b"),
        with_id(Part::Result, 5, "b"),
        with_id(Part::Result, 6, "a"),
        with_id(Part::Result, 7, "late"),
        with_id(ACCEPT, 9, "late"),
    ];
    let expect = [0, 1, 1, 0, 2, 2].map(Some);
    check(&events, &expect, "by id");
    assert!(mark(&events).iter().all(|mark| !mark.is_by_order));
}

#[test]
fn what_comes_twice_counts_once() {
    let events = [
        with_id(REFUSE, 0, "a"),
        with_id(ACCEPT, 1, "a"),
        with_id(Part::Result, 5, "a"),
        with_id(Part::Result, 6, "a"),
    ];
    check(&events, &[None, Some(0), Some(0), None], "twice");
}

#[test]
fn without_ids_the_start_of_a_call_tells() {
    // A result is lost: the next one is not given to the call before.
    let lost = [event(ACCEPT, 0), event(ACCEPT, 100), result(150, 48)];
    check(&lost, &[0, 1, 1].map(Some), "a lost result");
    let parallel = [
        event(ACCEPT, 0),
        event(ACCEPT, 10),
        result(60, 50),
        result(100, 99),
    ];
    check(&parallel, &[0, 1, 1, 0].map(Some), "parallel calls");
    let lost_decision = [result(50, 40), event(ACCEPT, 100), result(150, 49)];
    check(&lost_decision, &[0, 1, 1].map(Some), "a lost decision");
}

#[test]
fn without_durations_the_earliest_is_first() {
    let events = [
        event(ACCEPT, 0),
        event(ACCEPT, 10),
        event(Part::Result, 60),
        event(Part::Result, 61),
    ];
    check(&events, &[0, 1, 0, 1].map(Some), "order");
}

#[test]
fn a_refused_call_has_no_result() {
    let events = [
        event(REFUSE, 0),
        event(ACCEPT, 10),
        event(REFUSE, 20),
        result(30, 30),
        result(40, 20),
    ];
    check(&events, &[0, 1, 2, 1, 3].map(Some), "refusals between");
}

#[test]
fn of_one_millisecond_the_decision_is_first() {
    check(
        &[result(5, 0), event(ACCEPT, 5)],
        &[0, 0].map(Some),
        "one millisecond",
    );
}

#[test]
fn other_tools_prompts_and_installations_are_other_calls() {
    let decision = event(ACCEPT, 0);
    for other in [
        Event {
            tool: Some(key("Read")),
            ..result(9, 9)
        },
        Event {
            prompt: None,
            ..result(9, 9)
        },
        Event {
            installation: None,
            ..result(9, 9)
        },
    ] {
        check(&[decision, other], &[0, 1].map(Some), "another kind");
    }
}

#[test]
fn an_id_on_one_side_only_is_no_obstacle() {
    let on_result = [event(ACCEPT, 0), with_id(Part::Result, 9, "a")];
    check(&on_result, &[0, 0].map(Some), "on the result");
    let on_decision = [with_id(ACCEPT, 0, "a"), event(Part::Result, 9)];
    check(&on_decision, &[0, 0].map(Some), "on the decision");
    let two_ids = [with_id(ACCEPT, 0, "a"), with_id(Part::Result, 9, "b")];
    check(&two_ids, &[0, 1].map(Some), "two ids");
}

#[test]
fn lost_results_without_end_stay_bounded() {
    let decisions = (0..100_000).map(|at| event(ACCEPT, at));
    let results = (0..100_000).map(|at| result(200_000 + at, 1));
    let events: Vec<_> = decisions.chain(results).collect();
    let marks = mark(&events);
    let joined = marks.iter().filter(|mark| mark.is_by_order).count();
    assert_eq!(joined, super::WAITING_MAX);
}

#[test]
fn the_answer_that_asked_is_known_by_its_request_or_is_the_last_one_of_the_agent() {
    let answer = |time_ms, request, agent: Option<&str>| Event {
        request_id: Some(key(request)),
        agent_id: agent.map(key),
        model: Some("m"),
        agent_name: agent.map(|_| "explorer"),
        ..event(ANSWER, time_ms)
    };
    let decision = |time_ms, request: Option<&str>, agent: Option<&str>| Event {
        request_id: request.map(key),
        agent_id: agent.map(key),
        ..event(ACCEPT, time_ms)
    };
    let auxiliary = Event {
        part: Part::Answer { is_agent: false },
        ..answer(25, "aux", None)
    };
    let events = [
        answer(10, "r1", None),
        answer(20, "r2", Some("sub")),
        auxiliary,
        decision(30, Some("r2"), Some("sub")),
        decision(31, None, None),
        decision(32, Some("unseen"), Some("sub")),
        // The answer is reported after what it asked for.
        decision(40, Some("r3"), None),
        answer(45, "r3", None),
    ];
    let asked = |mark: &Mark<'_>| (mark.asked_ms, mark.is_ask_inferred, mark.model.is_some());
    let marks = mark(&events);
    for (at, expect) in [
        (3, (Some(20), false, true)),
        (4, (Some(10), true, false)),
        (5, (Some(20), true, false)),
        (6, (Some(45), false, true)),
    ] {
        assert_eq!(asked(&marks[at]), expect, "{at}");
    }
    assert_eq!(marks[3].agent_name, Some("explorer"));
}

#[test]
fn who_decides_at_all_is_known_by_installation() {
    let other = Event {
        installation: Some(key("other")),
        ..result(9, 1)
    };
    let marks = mark(&[event(REFUSE, 0), result(5, 1), other]);
    let decides = marks.iter().map(|mark| mark.has_decisions);
    assert_eq!(decides.collect::<Vec<_>>(), [true, true, false]);
}
