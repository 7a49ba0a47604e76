//! The production workflow repository, from outside the project: its current head runs here, unedited.

mod support;

use support::{Home, examples, production, stderr, stdout};

#[test]
fn the_current_workflow_runs_with_stand_ins() {
    let home = Home::new();
    let Some(clone) = production(home.path()) else {
        return;
    };
    let output = home
        .command(examples().join("production/run.sh"))
        .env("PARTITA", env!("CARGO_BIN_EXE_partita"))
        .arg(&clone)
        .arg("1")
        .output()
        .unwrap();
    let told = stderr(&output);
    stdout(&output);
    for line in [
        "RUNNING, run 1",
        "stfb",
        "stfs",
        "answered by the test service",
        "dcs.sor",
    ] {
        assert!(told.contains(line), "no `{line}` in:\n{told}");
    }
    assert_eq!(home.survivors(), Vec::<String>::new());
}

#[test]
fn two_clones_give_one_hash() {
    let hashes: Vec<String> = (0..2)
        .filter_map(|_| {
            let home = Home::new();
            let clone = production(home.path())?;
            let output = home
                .partita()
                .args([
                    "compile",
                    "readout-dataflow",
                    "--set",
                    r#"hosts=["localhost"]"#,
                    "--repo",
                ])
                .arg(clone)
                .output()
                .unwrap();
            Some(stdout(&output))
        })
        .collect();
    assert!(hashes.windows(2).all(|pair| pair[0] == pair[1]), "{hashes:?}");
}
