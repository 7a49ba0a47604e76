#!/bin/sh
# Runs the production workflow `readout-dataflow` of a clone of ControlWorkflows on this machine, unedited, with stand-ins for
# the detector's programs:
#
#     examples/production/run.sh REPO [SECONDS]
#
# The workflow's own variables choose the programs; services that are not here are answered by the test service, or disabled,
# and the output says which.
set -eu

if [ $# -lt 1 ] || [ $# -gt 2 ]; then
    echo "usage: $0 REPO [SECONDS]" >&2
    exit 2
fi
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
repository=$(CDPATH='' cd -- "$1" && pwd)
seconds=${2:-10}

# The built command, or the one to build.
if [ -z "${PARTITA:-}" ]; then
    cargo build --quiet --release --manifest-path "$here/../../Cargo.toml"
    PARTITA=$here/../../target/release/partita
    [ -z "${CARGO_TARGET_DIR:-}" ] || PARTITA=$CARGO_TARGET_DIR/release/partita
fi
# numactl: the machine's own where there is one, else the stand-in.
command -v numactl >/dev/null || PATH=$PATH:$here/o2/bin

echo "disabled by variables: odc and dd-scheduler (epn_enabled), remote QC (qc_remote_enabled), shared memory clean-up (fmq_…)" >&2
exec "$PARTITA" run readout-dataflow \
    --repo "$repository" \
    --config "$here/configuration.yaml" \
    --services bookkeeping,ccdb,dcs,kafka,lhc,trg \
    --for "${seconds}s" \
    --set hosts='["localhost"]' \
    --set detectors='["TST"]' \
    --set o2_install_path="$here/o2" \
    --set modulepath= \
    --set user="$(id -un)" \
    --set consul_endpoint=127.0.0.1:8500 \
    --set infologger_mode=stdout \
    --set bookkeeping_enabled=true \
    --set ccdb_enabled=true \
    --set dcs_enabled=true \
    --set kafka_enabled=true \
    --set lhc_enabled=true \
    --set trg_enabled=true \
    --set roc_cleanup_enabled=true \
    --set fmq_initial_shm_cleanup_enabled=false \
    --set fmq_cleanup_enabled=false
