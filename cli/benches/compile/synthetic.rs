//! Invented workflows, so that there are figures where there is no production repository: so many hosts with so many
//! tasks each.

use std::fs;
use std::path::Path;

use partita_artefact::evaluate::Snapshot;
use partita_artefact::instance::Instance;
use partita_artefact::instantiate::instantiate;
use partita_artefact::ir::{Artefact, Layers};
use partita_artefact::store::Store;
use partita_compiler::compile::{Request, compile};
use partita_compiler::render;
use partita_compiler::source::Repositories;

use crate::deployment::{commands, properties, tasks};
use crate::table::{Work, head, line};
use crate::{Failed, roles};

const WORKFLOW: &str = r#"
name: many
defaults:
  hosts: "[]"
  mode: physics
  rate: "10"
roles:
  - name: "{{ it }}"
    for:
      range: "{{ hosts }}"
      var: it
    vars:
      detector: "{{ mode == 'physics' ? 'TPC' : 'none' }}"
      readout_uri: "file:/etc/{{ it }}/{{ mode }}.cfg"
    constraints:
      - attribute: machine_id
        value: "{{ it }}"
    roles:
      - name: readout
        enabled: "{{ mode == 'physics' || mode == 'technical' }}"
        bind:
          - name: data
            type: push
        task:
          load: task
      - name: "process-{{ n }}"
        for:
          begin: "2"
          end: "100"
          var: n
        connect:
          - name: data
            type: pull
            target: "{{ Parent().Path }}.readout:data"
        task:
          load: task
"#;

const TASK: &str = r#"
name: task
control:
  mode: direct
wants:
  cpu: 0.01
  memory: 1
bind: []
properties:
  rate: "{{ rate }}"
command:
  value: task
  env:
    - DETECTOR={{ detector }}
  arguments:
    - --uri
    - "{{ readout_uri }}"
    - --rate
    - "{{ rate == '0' ? 'off' : rate }}"
"#;

/// Hosts, and our budgets for instantiating them and for reading the artefact of them; ms.
const SIZES: [(usize, Option<f64>, Option<f64>); 3] = [
    (10, None, None),
    (100, None, None),
    (1000, Some(1000.0), Some(100.0)),
];

pub(crate) fn run() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    for (path, text) in [("workflows/many.yaml", WORKFLOW), ("tasks/task.yaml", TASK)] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap_or(folder.path()))?;
        fs::write(path, text)?;
    }
    let store = Store::open(&folder.path().join("store"))?;
    for (hosts, instantiation, loading) in SIZES {
        head(&format!("Invented, {hosts} hosts with 100 tasks each"));
        let names: Vec<String> = (0..hosts).map(|host| format!("host{host:04}")).collect();
        let given = Layers {
            user: [("hosts".to_owned(), serde_json::to_string(&names)?)].into(),
            ..Layers::default()
        };
        let artefact = compiled(folder.path(), &given)?;
        let digest = store.put(&artefact)?;
        let work = Work::new("load and verify the artefact", "bytes").budget(loading);
        let length = fs::metadata(store.object(&digest))?.len();
        let length = usize::try_from(length)?;
        line(&work, |_| length, || Ok(store.load(&digest)?))?;
        let work = Work::new("instantiate it", "roles").budget(instantiation);
        let instance = line(&work, roles, || instantiated(&artefact, &given))?;
        let world = Snapshot::new(&artefact, String::new);
        let count = tasks(&instance);
        line(
            &Work::new("all command lines", "tasks"),
            |()| count,
            || commands(&artefact, &instance, &world),
        )?;
        line(
            &Work::new("all property maps", "tasks"),
            |()| count,
            || properties(&artefact, &instance, &world),
        )?;
    }
    Ok(())
}

fn compiled(folder: &Path, given: &Layers) -> Result<Artefact, Failed> {
    let repositories = Repositories::open(&[folder.to_str().ok_or("a folder in UTF-8")?])?;
    let request = Request {
        workflow: "many".to_owned(),
        given: given.clone(),
        closed: true,
        ..Request::default()
    };
    let outcome = compile(&request, &repositories);
    let errors = || render::concise(&outcome.diagnostics, &outcome.sources);
    outcome.artefact.clone().ok_or_else(|| errors().into())
}

fn instantiated(artefact: &Artefact, given: &Layers) -> Result<Instance, Failed> {
    let world = Snapshot::new(artefact, String::new);
    instantiate(artefact, given, &world)
        .map_err(|errors| errors.first().map(ToString::to_string).unwrap_or_default().into())
}
