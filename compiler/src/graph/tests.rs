use proptest::collection::vec;
use proptest::prelude::*;

use super::collapse::pattern;
use super::place::{Placed, place};
use super::*;

/// Frames and tasks at random places below one root.
fn items() -> impl Strategy<Value = Vec<Item>> {
    vec((any::<prop::sample::Index>(), any::<bool>(), 1..4_usize), 1..30).prop_map(|rows| {
        let mut items = vec![item("root", What::Frame(None), None)];
        let mut frames = vec![0];
        for (number, (parent, frame, many)) in rows.into_iter().enumerate() {
            let parent = frames[parent.index(frames.len())];
            let what = if frame {
                What::Frame(None)
            } else {
                What::Task {
                    class: "c".to_owned(),
                    mode: "direct",
                }
            };
            let mut new = item(&format!("item-{number}"), what, Some(parent));
            new.paths = (0..many).map(|copy| format!("p{number}.{copy}")).collect();
            let place = items.len();
            items[parent].children.push(place);
            items.push(new);
            if frame {
                frames.push(place);
            }
        }
        items
    })
}

fn item(name: &str, what: What, parent: Option<usize>) -> Item {
    Item {
        name: name.to_owned(),
        paths: vec![name.to_owned()],
        what,
        critical: true,
        traits: None,
        hosts: Vec::new(),
        condition: None,
        each: None,
        unlike: Vec::new(),
        parent,
        children: Vec::new(),
    }
}

fn graph() -> impl Strategy<Value = Graph> {
    let pair = (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        0..3_u8,
    );
    (items(), vec(pair, 0..40)).prop_map(|(items, pairs)| {
        let tasks: Vec<usize> = (0..items.len())
            .filter(|item| matches!(items[*item].what, What::Task { .. }))
            .collect();
        let mut flows = Vec::new();
        for (from, to, channel) in pairs.into_iter().filter(|_| !tasks.is_empty()) {
            let channel = format!("channel-{channel}");
            flows.push(Flow {
                from: tasks[from.index(tasks.len())],
                from_channel: channel.clone(),
                to: tasks[to.index(tasks.len())],
                to_channel: channel,
                transport: String::new(),
                ipc: false,
                count: 1,
            });
        }
        flows.sort();
        flows.dedup();
        Graph {
            title: "random".to_owned(),
            items,
            flows,
        }
    })
}

fn overlap(a: &Placed<'_>, b: &Placed<'_>) -> bool {
    a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}

proptest! {
    /// Whatever the tree and the flows, cycles included: boxes stand apart and inside the ones around them.
    #[test]
    fn boxes_stand_apart(graph in graph()) {
        let plan = place(&graph);
        for (number, item) in graph.items.iter().enumerate() {
            let outer = &plan.boxes[number];
            for (place, child) in item.children.iter().enumerate() {
                let inner = &plan.boxes[*child];
                prop_assert!(
                    inner.x >= outer.x && inner.y >= outer.y
                        && inner.x + inner.width <= outer.x + outer.width + 0.1
                        && inner.y + inner.height <= outer.y + outer.height + 0.1,
                    "{child} in {number}"
                );
                for other in &item.children[place + 1..] {
                    prop_assert!(!overlap(inner, &plan.boxes[*other]), "{child} and {other}");
                }
            }
        }
    }

    /// No line crosses a box: where it passes the height of one, it is beside it.
    #[test]
    fn lines_keep_out_of_tasks(graph in graph()) {
        let plan = place(&graph);
        for (frame, line) in &plan.lines {
            for pair in line.points.windows(2) {
                let ((from, y), (to, end)) = (pair[0], pair[1]);
                prop_assert!(from <= to + 0.1, "rightwards");
                if (y - end).abs() > 0.05 {
                    continue;
                }
                for task in &graph.items[*frame].children {
                    let inner = &plan.boxes[*task];
                    let beside = to <= inner.x + 0.1 || from >= inner.x + inner.width - 0.1;
                    let clear = y <= inner.y || y >= inner.y + inner.height;
                    prop_assert!(beside || clear, "through {task}");
                }
            }
        }
    }

    /// Every flow arrives.
    #[test]
    fn every_flow_has_an_arrow(graph in graph()) {
        let plan = place(&graph);
        let arrived: Vec<(usize, &str)> = plan.lines.iter()
            .filter(|(_, line)| line.arrow)
            .map(|(_, line)| (graph.flows[line.flow].to, graph.flows[line.flow].to_channel.as_str()))
            .collect();
        for flow in graph.flows.iter().filter(|flow| flow.from != flow.to) {
            prop_assert!(arrived.contains(&(flow.to, flow.to_channel.as_str())), "{flow:?}");
        }
    }
}

#[test]
fn a_pattern_keeps_what_names_share() {
    for (names, expected) in [
        (&["flp001", "flp002", "flp003"][..], "flp*"),
        (&["host-a-x", "host-b-x"], "host-*-x"),
        (&["same", "same"], "same"),
        (&["a", "aa"], "a*"),
        (&["x"], "x"),
        (&["ähö", "äxö"], "ä*ö"),
    ] {
        assert_eq!(pattern(names), expected, "{names:?}");
    }
}
