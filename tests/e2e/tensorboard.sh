#!/usr/bin/env bash
# Trains a small run, kills it, goes on with it and compares its event file, read by stock TensorBoard, with its CSV files.
#   tensorboard.sh ENGINE VENV
# VENV is made if it is not there. Exit code 77 (skipped) where TensorBoard cannot be installed.
set -euo pipefail
engine=$1 venv=$2
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

if ! "$venv/bin/python" -c 'import tensorboard' 2>/dev/null; then
    if ! { python3 -m venv "$venv" && timeout 300 "$venv/bin/pip" install -q tensorboard; }; then
        echo "skipped: TensorBoard cannot be installed in $venv (python3-venv and a package index are needed)"
        exit 77
    fi
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
run=("$engine" run "$source/configs/sick/signal_dominates.toml" --quiet --resume --output-dir "$work"
    --experiment-name x --set data.synthetic.patients=60 --set training.epochs=6)
# Killed after two epochs and gone on with: no point may be lost or stand twice.
"${run[@]}" 2>"$work/err" &
until (($(wc -l 2>/dev/null <"$work/x/epochs.csv" || echo 0) > 2)) || ! kill -0 $! 2>/dev/null; do sleep 0.02; done
kill -9 $! && wait $! 2>/dev/null || true
"${run[@]}" 2>"$work/err" || { cat "$work/err"; exit 1; }
"$venv/bin/python" "$source/tests/e2e/read_tensorboard.py" "$work/x"
