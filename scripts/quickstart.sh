#!/usr/bin/env bash
# Sets up, builds, and trains on the synthetic cohort: the first thing to run. Can be repeated.
# Arguments are passed on, e.g. scripts/quickstart.sh --set run.seed=7
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
"$root/scripts/setup.sh"

echo "== training: abr_engine run configs/quickstart.toml"
cd "$root"
"./${BUILD_DIR:-build}/abr_engine" run configs/quickstart.toml "$@"

cat <<'EOT'

Where to look (in the run folder named above):
  epochs.csv                 losses, weights and every metric, epoch by epoch; opens in a spreadsheet
  classification_report.csv  precision, recall and F1 of each class
  predictions_val.csv        what the best network says of each validation recording
  diagnostics.md             what is wrong with the run, if anything, and what to change
  summary.json               the best epoch's figures beside the baselines
  checkpoints/               best_f1, best_loss and last
EOT
