//! The form of a case (conformance README, "case.json").

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

/// One case and its expected result.
#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) repo: Repo,
    pub(crate) workflow: String,
    pub(crate) environment: Environment,
    pub(crate) plugins: Vec<String>,
    #[serde(default)]
    pub(crate) config: Option<String>,
    #[serde(default)]
    pub(crate) dpl: Dpl,
    #[serde(skip)]
    pub(crate) expected: Value,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Repo {
    pub(crate) id: String,
    pub(crate) revision: String,
    pub(crate) path: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Environment {
    pub(crate) defaults: BTreeMap<String, String>,
    pub(crate) vars: BTreeMap<String, String>,
    pub(crate) user_vars: BTreeMap<String, String>,
}

/// What replaces running a DPL program.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Dpl {
    pub(crate) command: BTreeMap<String, String>,
    pub(crate) uri: BTreeMap<String, String>,
}

impl Case {
    pub(crate) fn read(folder: &Path) -> Self {
        let case = fs::read(folder.join("case.json")).unwrap();
        let mut case: Self = serde_json::from_slice(&case).unwrap();
        case.expected = serde_json::from_slice(&expected(folder)).unwrap();
        case
    }
}

fn expected(folder: &Path) -> Vec<u8> {
    let plain = folder.join("expected.json");
    if let Ok(bytes) = fs::read(&plain) {
        return bytes;
    }
    let packed = fs::read(folder.join("expected.json.xz")).unwrap();
    let mut bytes = Vec::new();
    lzma_rs::xz_decompress(&mut packed.as_slice(), &mut bytes).unwrap();
    bytes
}
