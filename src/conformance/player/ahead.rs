//! Requests that may go out before the answers to those before them are read.
//!
//! A server answers the requests of a connection in their order, so the answers are the same. What
//! is not an answer (a wake-up, news of a job, silence, the end) may depend on when the request
//! behind it arrives, and so do the others' requests: there the pipeline ends. It also ends where
//! a request speaks of something that an answer before it was to tell.

use super::peer::is_answer;
use crate::conformance::script::{
    Action, Content, Expectation, LinePattern, Message, Outcome, Part, Pattern, Step, Value,
};
use crate::protocol::PacketType;

/// What may go out together with the first of the steps, which is a send: the sends behind it.
/// `is_bound` says which names stand for something now.
pub(super) fn ahead(steps: &[Step], is_bound: impl Fn(&str) -> bool) -> Vec<&[Message]> {
    let mut sends = Vec::new();
    let Some((sender, first)) = steps.first().and_then(send) else {
        return sends;
    };
    if !first.iter().all(is_whole) {
        return sends;
    }
    let mut answers: Vec<&Outcome> = Vec::new();
    for step in steps.iter().skip(1) {
        match &step.action {
            Action::Send { peer, messages } if peer == sender => {
                let may =
                    |message| is_whole(message) && is_independent(message, &answers, &is_bound);
                if !messages.iter().all(may) {
                    break;
                }
                sends.push(messages.as_slice());
            }
            Action::Expect(Expectation { peer, outcomes, .. })
                if peer == sender && outcomes.iter().all(is_answer_of_its_own) =>
            {
                answers.extend(outcomes);
            }
            _ => break,
        }
    }
    sends
}

fn send(step: &Step) -> Option<(&str, &[Message])> {
    match &step.action {
        Action::Send { peer, messages } => Some((peer, messages)),
        _ => None,
    }
}

/// Whether nothing of a packet or line is left to a later send.
fn is_whole(message: &Message) -> bool {
    !matches!(message.content, Content::Bytes(_))
}

fn is_answer_of_its_own(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Packet(packet) => is_answer(packet.kind),
        Outcome::Number { kind, .. } => kind.info().is_some() && is_answer(*kind),
        Outcome::Line(_) | Outcome::List(_) => true,
        Outcome::Http(_) | Outcome::Nothing | Outcome::Closed => false,
    }
}

/// Whether the message could have been written without the answers.
fn is_independent(
    message: &Message,
    answers: &[&Outcome],
    is_bound: impl Fn(&str) -> bool,
) -> bool {
    let speaks_of_jobs = match &message.content {
        Content::Packet { kind, .. } => is_named(*kind, "WORK_"),
        _ => false,
    };
    let assigns = |answer: &&Outcome| match answer {
        Outcome::Packet(packet) => is_named(packet.kind, "JOB_ASSIGN"),
        Outcome::Number { kind, .. } => is_named(*kind, "JOB_ASSIGN"),
        _ => false,
    };
    if speaks_of_jobs && answers.iter().any(assigns) {
        return false;
    }
    let told: Vec<&str> = answers.iter().flat_map(|answer| told_by(answer)).collect();
    let mut used = values(&message.content).into_iter().flat_map(names);
    used.all(|name| is_bound(name) && !told.contains(&name))
}

fn is_named(kind: PacketType, start: &str) -> bool {
    kind.info().is_some_and(|row| row.name.starts_with(start))
}

fn values(content: &Content) -> Vec<&Value> {
    match content {
        Content::Packet { args, .. } => args.iter().collect(),
        Content::Number { data, .. } => vec![data],
        Content::Text(line) => vec![line],
        Content::Bytes(values) => values.iter().collect(),
    }
}

fn names(value: &Value) -> Vec<&str> {
    let mut names = Vec::new();
    for part in &value.0 {
        if let Part::Bound(name) = part {
            names.push(name.as_str());
        }
    }
    names
}

/// The names in what is expected.
fn told_by(outcome: &Outcome) -> Vec<&str> {
    let patterns: Vec<&Pattern> = match outcome {
        Outcome::Packet(packet) => packet.args.iter().collect(),
        Outcome::Number { data, .. } => vec![data],
        Outcome::Line(line) => of_line(line),
        Outcome::List(list) => {
            let items = list.items.iter();
            items.flat_map(|item| of_line(&item.line)).collect()
        }
        Outcome::Http(_) | Outcome::Nothing | Outcome::Closed => Vec::new(),
    };
    let values = patterns.into_iter().filter_map(value_of);
    values.flat_map(names).collect()
}

fn of_line(line: &LinePattern) -> Vec<&Pattern> {
    match line {
        LinePattern::Text(pattern) => vec![pattern],
        LinePattern::Fields { fields, .. } => fields.iter().collect(),
    }
}

fn value_of(pattern: &Pattern) -> Option<&Value> {
    match pattern {
        Pattern::Any => None,
        Pattern::Exactly(value) | Pattern::StartsWith(value) => Some(value),
        Pattern::Length(pattern, ..) => value_of(pattern),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::script::Script;

    /// How many sends go out with the first one, where `$known` is bound.
    fn count(script: &str) -> usize {
        let before = "other < JOB_CREATED $known\n";
        let script: Script = format!("{before}{script}").parse().unwrap();
        ahead(&script.steps[1..], |name| name == "known").len()
    }

    #[test]
    fn requests_go_ahead_of_answers() {
        for (script, sends) in [
            ("a > PRE_SLEEP\na > GRAB_JOB\na < NO_JOB\na > ECHO_REQ x", 2),
            (
                "a > GRAB_JOB\na < NO_JOB | JOB_ASSIGN _ _ \"\"\na > PRE_SLEEP",
                1,
            ),
            ("a > text status\na < list {\n..\n}\na > ECHO_REQ x", 1),
            (
                "a > SUBMIT_JOB f u x\na < JOB_CREATED $h\na > GET_STATUS $known",
                1,
            ),
            ("a > GRAB_JOB\na < packet 10 \"\"\na > GRAB_JOB", 1),
        ] {
            assert_eq!(count(script), sends, "{script}");
        }
    }

    #[test]
    fn nothing_goes_ahead_of_what_is_no_answer() {
        for script in [
            "a > PRE_SLEEP\na < NOOP\na > GRAB_JOB",
            "a > GRAB_JOB\na < NO_JOB | NOOP\na > GRAB_JOB",
            "a > GRAB_JOB\na < packet 6 \"\"\na > GRAB_JOB",
            "a > GRAB_JOB\na < packet 99 \"\"\na > GRAB_JOB",
            "a > PRE_SLEEP\na is quiet\na > GRAB_JOB",
            "a > PRE_SLEEP\nafter 1s\na > GRAB_JOB",
            "a > ECHO_REQ x\na < ECHO_RES x | closed\na > GRAB_JOB",
            "a > GRAB_JOB\na < WORK_COMPLETE _ \"\"\na > GRAB_JOB",
            "a > GRAB_JOB\nb > GRAB_JOB\na > GRAB_JOB",
            "a > GRAB_JOB\nb < NO_JOB\na > GRAB_JOB",
            "a > GRAB_JOB\nany order {\na < NO_JOB\n}\na > GRAB_JOB",
            "a > GRAB_JOB\nrepeat 2 {\na < NO_JOB\n}\na > GRAB_JOB",
            "a > SUBMIT_JOB f u x\na < JOB_CREATED $h\na > GET_STATUS $h",
            "a > SUBMIT_JOB f u x\na < JOB_CREATED $known\na > GET_STATUS $known",
            "a > SUBMIT_JOB f u x\na < JOB_CREATED $known[1..9]\na > ECHO_REQ \"<$known>\"",
            "a > GRAB_JOB\na < JOB_ASSIGN _ f \"\"\na > WORK_COMPLETE $known \"\"",
            "a > bytes \"\\0RE\"\na > GRAB_JOB",
            "a > GRAB_JOB\na > bytes \"\\0RE\"",
        ] {
            assert_eq!(count(script), 0, "{script}");
        }
    }
}
