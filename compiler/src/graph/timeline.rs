//! The hooks and calls of each transition, in the order in which they run (`runtime.md` 3.5; `template-language.md` 2.5).

use std::collections::BTreeSet;

use partita_artefact::instance::Moment;

use super::{Graph, Item};

/// A transition and everything that happens at its moments.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Band {
    /// Name of the transition.
    pub(super) name: &'static str,
    /// State before and after.
    pub(super) states: [&'static str; 2],
    /// Moments in their order.
    pub(super) columns: Vec<Column>,
    /// What runs, each in a row of its own or beside what does not overlap with it.
    pub(super) bars: Vec<Bar>,
    /// Number of rows.
    pub(super) rows: usize,
}

/// A moment of a transition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    /// `before_CONFIGURE`, or what the tasks do in the middle.
    pub(super) name: String,
    /// Place in the row of those who act at this moment; `None`: the tasks.
    pub(super) weight: Option<i32>,
}

/// Something that runs from one moment to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bar {
    /// Its box.
    pub(super) item: usize,
    /// Column in which it starts.
    pub(super) start: usize,
    /// Column in which its end is awaited.
    pub(super) end: usize,
    /// It is awaited in another transition, at this moment.
    pub(super) elsewhere: Option<String>,
    pub(super) row: usize,
}

/// A transition: its name, the state before and the state after.
const TRANSITIONS: [(&str, [&str; 2]); 5] = [
    ("DEPLOY", ["STANDBY", "DEPLOYED"]),
    ("CONFIGURE", ["DEPLOYED", "CONFIGURED"]),
    ("START_ACTIVITY", ["CONFIGURED", "RUNNING"]),
    ("STOP_ACTIVITY", ["RUNNING", "CONFIGURED"]),
    ("RESET", ["CONFIGURED", "DEPLOYED"]),
];

/// The bands in which something happens.
pub(super) fn bands(graph: &Graph) -> Vec<Band> {
    let mut bands = Vec::new();
    for (name, states) in TRANSITIONS {
        let [from, to] = states;
        let before = [format!("before_{name}"), format!("leave_{from}")];
        let after = [format!("enter_{to}"), format!("after_{name}")];
        bands.extend(band(graph, name, states, &before, Some(name), &after));
    }
    // The end of an environment leaves whatever state it is in; of ERROR this is the only way that always comes.
    let last = [
        "leave_ERROR".to_owned(),
        "DESTROY".to_owned(),
        "after_DESTROY".to_owned(),
    ];
    bands.extend(band(graph, "DESTROY", ["any state", "DONE"], &last, None, &[]));
    let go_error = ["before_GO_ERROR".to_owned()];
    let error = ["enter_ERROR".to_owned(), "after_GO_ERROR".to_owned()];
    bands.extend(band(
        graph,
        "GO_ERROR",
        ["any state", "ERROR"],
        &go_error,
        Some("GO_ERROR"),
        &error,
    ));
    bands
}

/// Hooks and calls whose moment is in none of the bands: it never comes.
pub(super) fn never<'g>(graph: &'g Graph, bands: &[Band]) -> Vec<(usize, &'g Item)> {
    let placed: BTreeSet<usize> = bands
        .iter()
        .flat_map(|band| &band.bars)
        .map(|bar| bar.item)
        .collect();
    let all = graph.items.iter().enumerate();
    all.filter(|(number, item)| item.is_momentary() && !placed.contains(number))
        .collect()
}

fn band(
    graph: &Graph,
    name: &'static str,
    states: [&'static str; 2],
    before: &[String],
    tasks: Option<&str>,
    after: &[String],
) -> Option<Band> {
    let moments: Vec<(usize, &Moment, &Moment)> = graph
        .items
        .iter()
        .enumerate()
        .filter_map(|(number, item)| {
            let traits = item.traits.as_ref()?;
            let trigger = traits.trigger.as_ref()?;
            Some((number, trigger, traits.await_at.as_ref().unwrap_or(trigger)))
        })
        .collect();
    let weights = |name: &str| -> BTreeSet<i32> {
        let all = moments.iter().flat_map(|(_, trigger, end)| [*trigger, *end]);
        all.filter(|moment| moment.name == name)
            .map(|moment| moment.weight)
            .collect()
    };
    let column = |name: &String| {
        let weights: Vec<Column> = weights(name)
            .into_iter()
            .map(|weight| Column {
                name: name.clone(),
                weight: Some(weight),
            })
            .collect();
        weights
    };
    let mut columns: Vec<Column> = before.iter().flat_map(column).collect();
    if tasks.is_none() {
        // DESTROY and after_DESTROY share one row of weights.
        columns.sort_by_key(|column| (!column.name.starts_with("leave_"), column.weight));
    }
    columns.extend(tasks.map(|name| Column {
        name: name.to_owned(),
        weight: None,
    }));
    columns.extend(after.iter().flat_map(column));
    let place = |moment: &Moment| {
        let fits = |column: &Column| column.name == moment.name && column.weight == Some(moment.weight);
        columns.iter().position(fits)
    };
    let mut bars: Vec<Bar> = moments
        .iter()
        .filter_map(|(item, trigger, end)| {
            let start = place(trigger)?;
            let awaited = place(end).filter(|place| *place >= start);
            Some(Bar {
                item: *item,
                start,
                end: awaited.unwrap_or(columns.len() - 1),
                elsewhere: awaited.is_none().then(|| end.to_string()),
                row: 0,
            })
        })
        .collect();
    bars.sort_by_key(|bar| bar.start);
    let rows = stack(&mut bars);
    (!bars.is_empty()).then_some(Band {
        name,
        states,
        columns,
        bars,
        rows,
    })
}

/// Gives every bar the first row in which it overlaps with none.
fn stack(bars: &mut [Bar]) -> usize {
    let mut free: Vec<usize> = Vec::new();
    for bar in bars {
        let row = free.iter().position(|from| *from <= bar.start);
        bar.row = row.unwrap_or(free.len());
        match free.get_mut(bar.row) {
            Some(from) => *from = bar.end + 1,
            None => free.push(bar.end + 1),
        }
    }
    free.len()
}
