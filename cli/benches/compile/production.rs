//! The production repository: one workflow on more and more hosts, and a whole revision checked.
//!
//! The workload is that of `reference/performance.md`: head `readout-dataflow` with all services, and the quality
//! control of eleven detectors as it was exported in 2022, which head no longer holds.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use partita_artefact::codec;
use partita_artefact::evaluate::Snapshot;
use partita_artefact::instantiate::instantiate;
use partita_artefact::ir::{Artefact, Layers};
use partita_artefact::show::DRY_UID;
use partita_compiler::check::check;
use partita_compiler::compile::{Request, Session, compile};
use partita_compiler::source::Repositories;
use partita_compiler::{configuration, render};
use serde_json::Value;

use crate::deployment::{commands, properties, tasks};
use crate::table::{Work, head, line};
use crate::{Failed, roles};

/// Head of the recordings.
const HEAD: &str = "25da17f8e6f5287b0ba002189419c88cbc230aaf";
/// The revision with most files, which has the workflows of quality control.
const LARGEST: &str = "895c01ce13bf2e758a183a830bdfcf1047c6c1b4";
const WORKFLOW: &str = "readout-dataflow";
/// The case that has all services on.
const CASE: &str = "cw-head-202hosts";
/// Most hosts that the recorded allocation has; further ones are invented.
const RECORDED: usize = 198;
/// As many edits as there are rounds, and some more: each compiles a text that was never seen.
const EDITS: usize = 12;

/// Detectors, and what checks the quality of their data.
const DETECTORS: [(&str, Option<&str>); 16] = [
    ("CPV", None),
    ("EMC", Some("emc-qcmn-flpepn-remote")),
    ("FDD", Some("fdd-qcmn-remote")),
    ("FT0", Some("ft0-qcmn-epn-post-processing-remote")),
    ("FV0", Some("fv0-qcmn-remote")),
    ("HMP", None),
    ("ITS", Some("its-qcmn-full-remote")),
    ("MCH", Some("mch-qcmn-epn-full-track-matching-remote")),
    ("MFT", Some("mft-track-full-qcmn-remote")),
    ("MID", Some("mid-full-qcmn-remote")),
    ("PHS", Some("phos-raw-clusters-epn-remote")),
    ("TOF", Some("tof-full-epn-qcmn-remote")),
    ("TPC", Some("tpc-full-nodummy-qcmn-pp-remote-v3")),
    ("TRD", None),
    ("TRG", None),
    ("ZDC", None),
];

/// Hosts, and what stands beside our figures: the reference's load, its command lines and properties, and our budgets
/// for the load and for command lines with properties; ms.
struct Size {
    hosts: usize,
    load: f64,
    commands: Option<f64>,
    properties: Option<f64>,
    budget: Option<f64>,
}

const SIZES: [Size; 4] = [
    Size {
        hosts: 2,
        load: 699.3,
        commands: None,
        properties: None,
        budget: None,
    },
    Size {
        hosts: 20,
        load: 917.6,
        commands: None,
        properties: None,
        budget: None,
    },
    Size {
        hosts: 202,
        load: 2815.3,
        commands: Some(2515.3),
        properties: Some(413.2),
        budget: Some(25.0),
    },
    Size {
        hosts: 1000,
        load: 11944.2,
        commands: None,
        properties: None,
        budget: Some(100.0),
    },
];
/// One edit, or an artefact to instantiate; ms.
const EDIT_BUDGET: f64 = 5.0;
/// Command lines and properties together; ms.
const DEPLOYMENT_BUDGET: f64 = 15.0;

pub(crate) fn run(shared: &Path) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let Some(git) = Git::clone(folder.path(), shared)? else {
        return Ok(());
    };
    let case = fs::read_to_string(shared.join("conformance/cases").join(CASE).join("case.json"))?;
    let case: Value = serde_json::from_str(&case)?;
    let store = fs::read_to_string(shared.join("conformance/configs/p2.yaml"))?;
    let store = configuration::parse(&store)?;
    let commits = git.commits()?;
    for size in &SIZES {
        sized(size, &git, &commits, &request(&case, &store, size.hosts)?)?;
    }
    largest(&git)
}

/// The variables of the case with quality control on, for so many hosts.
fn request(case: &Value, store: &BTreeMap<String, String>, hosts: usize) -> Result<Request, Failed> {
    let layer = |name: &str| -> Result<BTreeMap<String, String>, Failed> {
        let layer = case.pointer(&format!("/environment/{name}"));
        Ok(serde_json::from_value(layer.cloned().unwrap_or_default())?)
    };
    let mut given = Layers {
        defaults: layer("defaults")?,
        vars: layer("vars")?,
        user: layer("user_vars")?,
    };
    let names: Vec<String> = (1..=hosts)
        .map(|host| format!("alio2-cr1-flp{host:03}"))
        .collect();
    let detectors: Vec<&str> = DETECTORS.iter().map(|(detector, _)| *detector).collect();
    given.user.extend(
        [
            ("hosts", serde_json::to_string(&names)?),
            ("detectors", serde_json::to_string(&detectors)?),
            ("qc_remote_enabled", "true".to_owned()),
            ("qc_remote_jit_enabled", "false".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    let quality = DETECTORS.iter().filter_map(|(detector, workflow)| {
        let name = format!("{}_qc_remote_workflow", detector.to_lowercase());
        Some((name, (*workflow)?.to_owned()))
    });
    given.user.extend(quality);
    let mut configuration = store.clone();
    for (host, (detector, _)) in names.iter().zip(DETECTORS.iter().cycle()).skip(RECORDED) {
        let key = format!("o2/hardware/detectors/{detector}/flps/{host}/");
        configuration.insert(key, String::new());
    }
    Ok(Request {
        workflow: WORKFLOW.to_owned(),
        given,
        configuration,
        services: serde_json::from_value(case.get("plugins").cloned().unwrap_or_default())?,
        closed: true,
        ..Request::default()
    })
}

/// Compiles that workflow of a commit.
fn compiled(
    session: Option<&mut Session>,
    repositories: &Repositories,
    request: &Request,
    commit: &str,
) -> Result<Artefact, Failed> {
    let request = Request {
        workflow: format!("{WORKFLOW}@{commit}"),
        ..request.clone()
    };
    let outcome = match session {
        Some(session) => session.compile(&request, repositories),
        None => compile(&request, repositories),
    };
    let errors = || render::concise(&outcome.diagnostics, &outcome.sources);
    outcome.artefact.clone().ok_or_else(|| errors().into())
}

fn sized(size: &Size, git: &Git, commits: &[String], request: &Request) -> Result<(), Failed> {
    head(&format!("Production, {} hosts, quality control on", size.hosts));
    let [first, edits @ ..] = commits else {
        return Err("no commit".into());
    };
    // What a person waits for: the repository is opened anew each time.
    let opened = || -> Result<Repositories, Failed> {
        Ok(Repositories::open(&[git
            .folder
            .to_str()
            .ok_or("a folder in UTF-8")?])?)
    };
    let count = roles(&instance_of(
        &compiled(None, &opened()?, request, first)?,
        &request.given,
    )?);
    let load = Some(size.load);
    let work = Work::new("compile, cold, from Git", "roles")
        .reference(load)
        .budget(size.budget);
    let artefact = line(&work, |_| count, || compiled(None, &opened()?, request, first))?;

    let repositories = opened()?;
    let mut session = Session::default();
    compiled(Some(&mut session), &repositories, request, first)?;
    let mut edits = edits.iter().cycle();
    let budget = size.budget.map(|_| EDIT_BUDGET).filter(|_| size.hosts < 1000);
    let work = Work::new("the same after one edit", "roles")
        .reference(load)
        .budget(budget);
    line(
        &work,
        |_| count,
        || {
            compiled(
                Some(&mut session),
                &repositories,
                request,
                edits.next().map_or(first, String::as_str),
            )
        },
    )?;

    let bytes = line(&Work::new("encode the artefact", "bytes"), Vec::len, || {
        Ok(codec::encode(&artefact)?)
    })?;
    line(
        &Work::new("decode it", "bytes"),
        |_| bytes.len(),
        || Ok(codec::decode(&bytes)?),
    )?;
    let work = Work::new("instantiate it", "roles")
        .reference(load)
        .budget(budget);
    let instance = line(&work, roles, || instance_of(&artefact, &request.given))?;

    let world = Snapshot::new(&artefact, || DRY_UID.to_owned());
    let count = tasks(&instance);
    let work = Work::new("all command lines", "tasks").reference(size.commands);
    line(&work, |()| count, || commands(&artefact, &instance, &world))?;
    let budget = size.commands.map(|_| DEPLOYMENT_BUDGET);
    let work = Work::new("all property maps (budget: both)", "tasks")
        .reference(size.properties)
        .budget(budget);
    line(&work, |()| count, || properties(&artefact, &instance, &world))
}

fn instance_of(artefact: &Artefact, given: &Layers) -> Result<partita_artefact::instance::Instance, Failed> {
    let world = Snapshot::new(artefact, || DRY_UID.to_owned());
    instantiate(artefact, given, &world)
        .map_err(|errors| errors.first().map(ToString::to_string).unwrap_or_default().into())
}

/// Every file of the largest revision.
fn largest(git: &Git) -> Result<(), Failed> {
    head("Production, the revision with most files (the reference only decodes them)");
    let open = || -> Result<Repositories, Failed> {
        Ok(Repositories::open(&[git
            .folder
            .to_str()
            .ok_or("a folder in UTF-8")?])?)
    };
    let work = Work::new("check, cold, from Git", "files")
        .reference(Some(330.0))
        .budget(Some(300.0));
    let files = |report: &partita_compiler::check::Report| report.workflows + report.tasks;
    line(&work, files, || Ok(check(&open()?, Some(LARGEST))?))?;
    Ok(())
}

/// A clone of production's repository.
struct Git {
    folder: PathBuf,
}

impl Git {
    /// `None`, loudly, where there is nothing to clone.
    fn clone(folder: &Path, shared: &Path) -> Result<Option<Self>, Failed> {
        let bundle = shared.join("controlworkflows/ControlWorkflows.bundle");
        let clone = folder.join("production.git");
        if !bundle.exists() {
            eprintln!("SKIPPED: {} is not there", bundle.display());
            return Ok(None);
        }
        let status = Command::new("git")
            .args(["clone", "--quiet", "--bare"])
            .args([&bundle, &clone])
            .stdin(Stdio::null())
            .status()?;
        if !status.success() {
            return Err(format!("git cannot clone {}", bundle.display()).into());
        }
        Ok(Some(Self { folder: clone }))
    }

    /// What `git` says to these arguments and this input; of its index there is one apart.
    fn git(&self, arguments: &[&str], input: &str) -> Result<String, Failed> {
        let mut child = Command::new("git")
            .arg("--git-dir")
            .arg(&self.folder)
            .args(arguments)
            .env("GIT_INDEX_FILE", self.folder.join("bench-index"))
            .env("GIT_AUTHOR_NAME", "bench")
            .env("GIT_AUTHOR_EMAIL", "bench@localhost")
            .env("GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z")
            .env("GIT_COMMITTER_NAME", "bench")
            .env("GIT_COMMITTER_EMAIL", "bench@localhost")
            .env("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes())?;
        }
        let output = child.wait_with_output()?;
        if !output.status.success() {
            return Err(format!("git {} fails", arguments.join(" ")).into());
        }
        Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
    }

    /// Head with what it lacks of the largest revision, then the same with one line of the workflow edited.
    fn commits(&self) -> Result<Vec<String>, Failed> {
        self.git(&["read-tree", HEAD], "")?;
        let here = self.git(&["ls-files"], "")?;
        let here: Vec<&str> = here.lines().collect();
        let there = self.git(&["ls-tree", "-r", LARGEST, "workflows", "tasks"], "")?;
        let lacks = |line: &&str| {
            line.split_once('\t')
                .is_some_and(|(_, path)| !here.contains(&path))
        };
        let more: Vec<&str> = there.lines().filter(lacks).collect();
        self.git(
            &["update-index", "--index-info"],
            &format!("{}\n", more.join("\n")),
        )?;
        let mut commits = vec![self.commit()?];
        let path = format!("workflows/{WORKFLOW}.yaml");
        let text = self.git(&["show", &format!("{HEAD}:{path}")], "")?;
        for edit in 0..EDITS {
            let edited = text.replacen(
                "qc_dpl_command: none",
                &format!("qc_dpl_command: \"none\" # {edit}"),
                1,
            );
            let blob = self.git(&["hash-object", "-w", "--stdin"], &edited)?;
            self.git(
                &["update-index", "--cacheinfo", &format!("100644,{blob},{path}")],
                "",
            )?;
            commits.push(self.commit()?);
        }
        Ok(commits)
    }

    fn commit(&self) -> Result<String, Failed> {
        let tree = self.git(&["write-tree"], "")?;
        self.git(&["commit-tree", "-m", "bench", &tree], "")
    }
}
