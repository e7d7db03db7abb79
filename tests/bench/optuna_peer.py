#!/usr/bin/python3
"""Optuna's NSGA-II and multi-objective TPE (multivariate) on the tables of a bench, beside hwnas.

    hwnas bench search nb201.toml --algorithms nsga2,surrogate --seeds 20 --json > bench.json
    /usr/bin/python3 tests/bench/optuna_peer.py bench.json --seeds 20

Tables, objectives, references, budgets, the true hypervolume and what is no evaluation (an
architecture asked before, or without a path) are those of the bench. Debian: python3-optuna.
"""
import argparse
import csv
import gzip
import json
import os
import re
import statistics
import sys
import time

import optuna


def parse_architecture(text, choices):
    """The indices of a genotype: '3-0-2', '3_0_2', or the names of the options (nodes after '~')."""
    parts = [p.split("~")[0] for p in re.split(r"[|+,;\[\]() \t]+", text) if p]
    if len(parts) == 1:
        parts = [p for p in re.split(r"[-_]+", text) if p]
    if len(parts) != len(choices):
        sys.exit(f"'{text}' has {len(parts)} parts, the space has {len(choices)} choices")
    if all(p.isdigit() for p in parts):
        return tuple(int(p) for p in parts)
    return tuple(c["options"].index(p) for c, p in zip(choices, parts))


def read_values(bench, folder):
    """Genotype -> minimised objectives, of the rows that have them all."""
    axes = []
    for objective in bench["objectives"]:
        columns = [(m["fidelity"], t, m) for t in bench["tables"] for m in t["metrics"]
                   if m["metric"] == objective["metric"]]
        if not columns:
            sys.exit(f"{objective['metric']} is in no table; this peer reads tables only")
        axes.append(max(columns, key=lambda c: c[0])[1:])
    values = {}
    for axis, (table, metric) in enumerate(axes):
        path = os.path.join(folder, os.path.basename(table["file"])) if folder else table["file"]
        with (gzip.open if path.endswith(".gz") else open)(path, "rt", newline="") as lines:
            for row in csv.DictReader(line for line in lines if not line.startswith("#")):
                genotype = parse_architecture(row[table["architecture"]], bench["choices"])
                try:
                    cell = float(row[metric["column"]])
                except ValueError:
                    continue
                value = minimised(bench["objectives"][axis], metric["offset"] + metric["factor"] * cell)
                values.setdefault(genotype, [None] * len(axes))[axis] = value
    return {g: v for g, v in values.items() if None not in v}


def minimised(objective, value):
    if objective["metric"] == "accuracy":
        return 1 - value
    return -value if objective["maximised"] else value


def hypervolume(points, reference):
    """Exact, by slicing; smaller is better."""
    points = sorted({tuple(p) for p in points if all(x < r for x, r in zip(p, reference))})
    if not points:
        return 0.0
    if len(reference) == 1:
        return reference[0] - points[0][0]
    volume, slab = 0.0, []
    for i, point in enumerate(points):
        slab.append(point[1:])
        end = points[i + 1][0] if i + 1 < len(points) else reference[0]
        if end > point[0]:
            volume += (end - point[0]) * hypervolume(slab, reference[1:])
    return volume


def non_dominated(points):
    return [p for p in set(points)
            if not any(q != p and all(a <= b for a, b in zip(q, p)) for q in points)]


def trace(sampler, bench, values, impossible, reference, evaluations):
    """Ratio after each evaluation, and CPU seconds that an ask took in the mean."""
    names = [f"g{i}" for i in range(len(bench["choices"]))]
    study = optuna.create_study(directions=["minimize"] * len(reference), sampler=sampler)
    seen, front, ratios, ratio = {}, [], [], 0.0
    spent, asks = 0.0, 0
    while len(ratios) < evaluations and asks < 50 * evaluations:
        start = time.process_time()
        trial = study.ask()
        genotype = tuple(trial.suggest_categorical(n, list(range(len(c["options"]))))
                         for n, c in zip(names, bench["choices"]))
        spent, asks = spent + time.process_time() - start, asks + 1
        if genotype in impossible:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            continue
        point = tuple(values[genotype])
        start = time.process_time()
        study.tell(trial, list(point))
        spent += time.process_time() - start
        if genotype in seen:
            continue
        seen[genotype] = point
        grown = non_dominated(front + [point])
        if set(grown) != set(front):
            front = grown
            ratio = hypervolume(front, reference) / bench["truth"]["hypervolume"]
        ratios.append(ratio)
    return ratios, spent / max(1, asks)


def after(ratios, n):
    return ratios[min(len(ratios), n) - 1]


def row(name, samples, proposal_s):
    cells = []
    for values in samples:
        text = f"{statistics.mean(values):.4f}"
        if len(values) > 1:
            text += f" ({statistics.stdev(values):.4f})"
        cells.append(f"{text:>18}")
    print(f"{name:<42}{''.join(cells)}  {1e3 * proposal_s:9.3f}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("bench", help="what 'hwnas bench search --json' printed")
    arguments.add_argument("--seeds", type=int, help="runs of each (the bench's)")
    arguments.add_argument("--samplers", default="nsga2,tpe", help="nsga2, tpe")
    arguments.add_argument("--tables", help="folder of the CSV files, where it is not the config's")
    options = arguments.parse_args()
    with open(options.bench) as text:
        bench = json.load(text)
    if bench["bounds"]:
        sys.exit("this peer knows no bounds")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    import warnings
    warnings.simplefilter("ignore")  # TPE multivariate is "experimental"
    reference = [minimised(o, o["reference"]) for o in bench["objectives"]]
    impossible = {tuple(map(int, g.split("-"))) for g in bench["truth"]["impossible"]}
    values = read_values(bench, options.tables)
    seeds = options.seeds or bench["seeds"]
    samplers = {
        "nsga2": lambda s: optuna.samplers.NSGAIISampler(population_size=bench["population"], seed=s),
        "tpe": lambda s: optuna.samplers.TPESampler(multivariate=True, seed=s),
    }
    titles = {"nsga2": "Optuna NSGA-II", "tpe": "Optuna TPE multivariate"}
    print(f"{bench['name']}: {', '.join(o['metric'] for o in bench['objectives'])}; "
          f"hypervolume over that of the true front, mean (sd)\n")
    head = "".join(f"{'at ' + str(b):>18}" for b in bench["budgets"])
    print(f"{'':<42}{head}  CPU ms/proposal")
    for algorithm in bench["algorithms"]:
        row(f"hwnas {algorithm['algorithm']}, {bench['seeds']} seeds",
            [r["values"] for r in algorithm["ratio"]], algorithm["proposal_cpu_s"]["mean"])
    for name in options.samplers.split(","):
        if name not in samplers:
            sys.exit(f"--samplers: '{name}' is not known here; known: {', '.join(samplers)}")
        runs = [trace(samplers[name](bench["first_seed"] + s), bench, values, impossible, reference,
                      bench["budgets"][-1]) for s in range(seeds)]
        row(f"{titles[name]} {optuna.__version__}, {seeds} seeds",
            [[after(r, b) for r, _ in runs] for b in bench["budgets"]],
            statistics.mean(s for _, s in runs))


if __name__ == "__main__":
    main()
