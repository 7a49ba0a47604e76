//! The load of a case: reads files as the tree asks for them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use partita_artefact::codec;
use partita_artefact::identity;
use partita_artefact::instance::Instance;
use partita_artefact::instantiate::{ErrorKind, InstantiateError, instantiate};
use partita_artefact::ir::{Artefact, Edition, Layers};
use partita_compiler::configuration;
use partita_compiler::decode::{self, Decoded};

use crate::case::Case;
use crate::world::CaseWorld;

/// Why a case does not load.
pub(crate) struct Failure {
    pub(crate) text: String,
    /// `load`: templates; `classes`: task templates; `None`: not told apart.
    pub(crate) stage: Option<&'static str>,
}

pub(crate) type Loaded = (Artefact, Instance, CaseWorld);

pub(crate) fn world(root: &Path, case: &Case) -> CaseWorld {
    let configuration = case
        .config
        .as_ref()
        .map(|path| store(&root.join(path)))
        .unwrap_or_default();
    CaseWorld::new(
        configuration,
        case.plugins.clone(),
        case.dpl.clone(),
        &root.join(&case.repo.path),
    )
}

pub(crate) fn given(case: &Case) -> Layers {
    Layers {
        defaults: case.environment.defaults.clone(),
        vars: case.environment.vars.clone(),
        user: case.environment.user_vars.clone(),
    }
}

/// The name in a request, which may hold the repository and a revision as well.
pub(crate) fn name(case: &Case) -> &str {
    let name = case
        .workflow
        .split_once("/workflows/")
        .map_or(case.workflow.as_str(), |(_, name)| name);
    name.split_once('@').map_or(name, |(name, _)| name)
}

pub(crate) fn load(root: &Path, case: &Case) -> Result<Loaded, Failure> {
    let folder = root.join(&case.repo.path);
    let world = world(root, case);
    let given = given(case);
    let mut loader = Loader {
        case,
        folder: &folder,
        artefact: Artefact::default(),
        tried: BTreeSet::new(),
    };
    loader.root(name(case))?;
    loop {
        match instantiate(&loader.artefact, &given, &world) {
            Ok(instance) => {
                // What is run has always been written and read.
                let file = codec::encode(&loader.artefact).unwrap();
                assert_eq!(codec::decode(&file).unwrap(), loader.artefact, "{}", case.name);
                return Ok((loader.artefact, instance, world));
            }
            Err(errors) => loader.supply(&errors)?,
        }
    }
}

fn store(path: &Path) -> BTreeMap<String, String> {
    configuration::parse(&fs::read_to_string(path).unwrap()).unwrap()
}

struct Loader<'a> {
    case: &'a Case,
    folder: &'a Path,
    artefact: Artefact,
    tried: BTreeSet<String>,
}

impl Loader<'_> {
    fn root(&mut self, name: &str) -> Result<(), Failure> {
        let Case { repo, .. } = self.case;
        let identity = identity::workflow(&repo.id, &repo.revision, name);
        self.artefact.root.clone_from(&identity);
        self.workflow(&identity)?;
        let root = self
            .artefact
            .modules
            .get(&identity)
            .map(|module| module.root.name.source());
        if root.as_deref() == Some(name) {
            Ok(())
        } else {
            Err(Failure {
                text: format!("the name of the root is {root:?}"),
                stage: Some("load"),
            })
        }
    }

    /// Reads what is missing: workflows first, task templates once nothing else is wrong.
    fn supply(&mut self, errors: &[InstantiateError]) -> Result<(), Failure> {
        let (mut modules, mut classes) = (BTreeSet::new(), BTreeSet::new());
        for error in errors.iter().filter(|error| !error.is_warning()) {
            match &error.kind {
                ErrorKind::MissingModule { identity } if !self.tried.contains(identity) => {
                    modules.insert(identity)
                }
                ErrorKind::MissingClass { identity } => classes.insert(identity),
                _ => {
                    return Err(Failure {
                        text: error.to_string(),
                        stage: Some("load"),
                    });
                }
            };
        }
        for identity in &modules {
            self.tried.insert((*identity).clone());
            self.workflow(identity)?;
        }
        if modules.is_empty() {
            for identity in classes {
                self.task(identity)?;
            }
        }
        Ok(())
    }

    fn workflow(&mut self, identity: &str) -> Result<(), Failure> {
        let text = self.read(identity, "workflows", "load")?;
        let mut module = decoded(identity, "load", decode::workflow(&text, 0, Edition::Aliecs))?;
        module.repository.clone_from(&self.case.repo.id);
        module.revision.clone_from(&self.case.repo.revision);
        self.artefact.modules.insert(identity.to_owned(), module);
        Ok(())
    }

    fn task(&mut self, identity: &str) -> Result<(), Failure> {
        let text = self.read(identity, "tasks", "classes")?;
        let class = decoded(identity, "classes", decode::task_class(&text, 0, Edition::Aliecs))?;
        let stem = identity
            .split_once("/tasks/")
            .and_then(|(_, rest)| rest.split_once('@'))
            .map(|(stem, _)| stem);
        if stem != Some(&class.name) {
            let text = format!("{identity} holds the task template {}", class.name);
            return Err(Failure {
                text,
                stage: Some("classes"),
            });
        }
        self.artefact.classes.insert(identity.to_owned(), class);
        Ok(())
    }

    fn read(&self, identity: &str, folder: &str, stage: &'static str) -> Result<String, Failure> {
        let failure = |text: String| Failure {
            text,
            stage: Some(stage),
        };
        let (repository, rest) = identity
            .split_once(&format!("/{folder}/"))
            .ok_or_else(|| failure(format!("{identity} is not in {folder}")))?;
        if repository != self.case.repo.id {
            return Err(failure(format!("repository {repository} is not known")));
        }
        let name = rest.split_once('@').map_or(rest, |(name, _)| name);
        let name = name.strip_suffix(".yaml").unwrap_or(name);
        let path = self.folder.join(folder).join(format!("{name}.yaml"));
        fs::read_to_string(&path).map_err(|error| failure(format!("{}: {error}", path.display())))
    }
}

fn decoded<T>(identity: &str, stage: &'static str, decoded: Decoded<T>) -> Result<T, Failure> {
    decoded.value.ok_or_else(|| {
        let first = decoded
            .diagnostics
            .first()
            .map(|diagnostic| diagnostic.message.clone());
        Failure {
            text: format!("{identity}: {}", first.unwrap_or_default()),
            stage: Some(stage),
        }
    })
}
