#!/usr/bin/env bash
# What few measured rows of an unseen device teach, on the published tables beside the checkout: Spearman on
# all rows not seen, mean and sd over seeds, the ridge on operation counts beside it.
#   tests/bench/few_shot_bench.sh BUILD_FOLDER [SEEDS]
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
hwnas=$1/bin/hwnas
seeds=${2:-10}
data=${HWNAS_SHARED_DATA:-$here/../shared/data}

# SPACE CSV TARGET SOURCES SAMPLES SEEDS
row() {
  "$hwnas" devices fit --space "$1" --csv "$2" --target "$3" ${4:+--source-columns "$4"} --samples "$5" --seeds "$6" --json |
    python3 -c '
import json, sys
j = json.load(sys.stdin)
m, r = j["metrics"], j["op_count_ridge"]
of = lambda d, k: "%.3f ± %.3f" % (d[k]["mean"], d[k]["sd"])
print("%-26s %4d rows %2d sources  Spearman %s  ridge %s  tau %.3f  error %4.1f %%  within 10 %% %4.1f %%  in 90 %% %4.1f %%  adapts %.0f ms" % (
    j["target"], j["samples"], len(j["sources"]), of(m, "spearman"), of(r, "spearman"), m["kendall"]["mean"], 100 * m["mape"]["mean"],
    100 * m["within_10_percent"]["mean"], 100 * m["coverage_90"]["mean"], 1e3 * j["adapt_s"]["mean"]))'
}

cells=$data/nb201_cifar10_devices.csv.gz
chains=$data/fbnet_cifar100_devices.csv.gz
columns() { zcat "$1" | head -1 | tr ',' '\n' | grep -E '_(ms|mJ)$'; }
hard="c10_raspi4_latency_ms c10_pixel3_latency_ms c10_edgegpu_latency_ms essential_ph_1_latency_ms samsung_a50_latency_ms"

echo "NAS-Bench-201, other devices known"
for samples in 10 20; do
  for target in $(columns "$cells"); do row nasbench201 "$cells" "$target" all $samples "$seeds"; done
done
echo "the hard ones from 900 rows"
for target in $hard; do row nasbench201 "$cells" "$target" all 900 2; done
echo "no other device known"
for target in c10_raspi4_latency_ms c10_edgegpu_latency_ms; do row nasbench201 "$cells" "$target" "" 50 "$seeds"; done
echo "FBNet, other devices known"
for samples in 10 20; do
  for target in $(columns "$chains"); do row fbnet "$chains" "$target" all $samples "$seeds"; done
done
