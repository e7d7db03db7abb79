"use strict";
// The studies as one list of rows, values as typed columns; numbers with their units.

const scales = {
  s: [[1e-9, "ns"], [1e-6, "us"], [1e-3, "ms"], [1, "s"]],
  J: [[1e-9, "nJ"], [1e-6, "uJ"], [1e-3, "mJ"], [1, "J"]],
  B: [[1, "B"], [1024, "KiB"], [1024 ** 2, "MiB"], [1024 ** 3, "GiB"]],
  count: [[1, ""], [1e3, "k"], [1e6, "M"], [1e9, "G"]],
};

// The factor and the name of the unit that fits the value.
function scaleOf(value, unit) {
  if (unit === "share") return [0.01, "%"];
  const steps = scales[unit];
  if (!steps) return [1, ""];
  let best = steps[0];
  for (const step of steps) if (Math.abs(value) >= step[0] * 0.9995) best = step;
  return best;
}

function digits(value, significant = 3) {
  if (value === 0) return "0";
  const places = significant - 1 - Math.floor(Math.log10(Math.abs(value)));
  return value.toFixed(Math.max(0, Math.min(12, places)));
}

function format(value, unit, stddev) {
  if (value === null || value === undefined || Number.isNaN(value)) return "-";
  if (unit === "USD") return "$" + value.toPrecision(3);
  const [factor, name] = scaleOf(value, unit);
  const end = name === "" ? "" : "\u00a0" + name;
  if (!stddev) return digits(value / factor) + end;
  const error = stddev / factor;
  const places = Math.max(0, (/^[0.]*[12]/.test(error.toPrecision(2)) ? 1 : 0) - Math.floor(Math.log10(error)));
  return (value / factor).toFixed(places) + " \u00b1 " + error.toFixed(places) + end;
}

// "20 ms" -> 0.02; NaN where it is no such number.
function parseQuantity(text, unit) {
  const parts = /^\s*([-+]?[\d.]+(?:e[-+]?\d+)?)\s*(%|[a-zA-Z]*)\s*$/.exec(text);
  if (!parts) return NaN;
  const number = Number(parts[1]);
  if (parts[2] === "") return number;
  if (unit === "share") return parts[2] === "%" ? number / 100 : NaN;
  const known = [...(scales[unit] || []), ...(unit === "B" ? [[1000, "kB"], [1e6, "MB"], [1e9, "GB"]] : [])];
  const step = known.find((s) => s[1] === parts[2]);
  return step ? number * step[0] : NaN;
}

const at = (column, i) => (Array.isArray(column) ? column[i] : column);

// Rows of all studies, in one place: what views, filters and the table read.
function join(studies) {
  const rows = { study: [], index: [], front: [], sure: [], state: [] };
  const metrics = new Map(), genes = new Map();
  studies.forEach((study, s) => {
    study.first = rows.study.length;
    study.rowOf = new Map(study.id.map((id, i) => [id, study.first + i]));
    const sure = new Map(study.front.map((f) => [f.trial, f.sure]));
    study.id.forEach((id, i) => {
      rows.study.push(s);
      rows.index.push(i);
      rows.front.push(sure.has(id));
      rows.sure.push(sure.get(id) ?? null);
      rows.state.push(at(study.state, i));
    });
    for (const metric of study.metrics) if (!metrics.has(metric.key)) metrics.set(metric.key, metric);
    for (const gene of study.genes) if (!genes.has(gene.name)) genes.set(gene.name, gene);
  });
  const n = rows.study.length;
  const values = new Map();
  for (const key of metrics.keys()) {
    const column = new Float64Array(n).fill(NaN);
    for (const study of studies) {
      const metric = study.metrics.find((m) => m.key === key);
      if (metric) metric.value.forEach((v, i) => { if (v !== null) column[study.first + i] = v; });
    }
    values.set(key, column);
  }
  values.set("trial", Float64Array.from(rows.index, (i, r) => studies[rows.study[r]].id[i]));
  const objectives = [];
  for (const study of studies) {
    for (const o of study.objectives) if (!objectives.some((p) => p.key === o.key)) objectives.push(o);
  }
  return { studies, rows, n, metrics, genes, values, objectives };
}

const idOf = (all, row) => all.studies[all.rows.study[row]].id[all.rows.index[row]];
const studyOf = (all, row) => all.studies[all.rows.study[row]];
const unitOf = (all, key) => all.metrics.get(key)?.unit ?? "";
const nameOf = (all, row) =>
  (all.studies.length > 1 ? studyOf(all, row).name + ", " : "") + "trial " + idOf(all, row);

// Value, error, source and fidelity of a row.
function measured(all, row, key) {
  const metric = studyOf(all, row).metrics.find((m) => m.key === key), i = all.rows.index[row];
  if (!metric || metric.value[i] === null) return null;
  return { value: metric.value[i], stddev: at(metric.stddev, i), source: at(metric.source, i),
           fidelity: at(metric.fidelity, i), unit: metric.unit };
}

function geneOf(all, row, name) {
  const gene = studyOf(all, row).genes.find((g) => g.name === name);
  const value = gene ? gene.value[all.rows.index[row]] : null;
  return value === null ? null : gene.options[value];
}

// "latency@x < 20 ms, stem.channels = 8" -> tests of a row. Throws Error with what is wrong.
function parseQuery(all, text) {
  const tests = [];
  for (const part of text.split(",").map((p) => p.trim()).filter((p) => p)) {
    const match = /^(.+?)\s*(<=|>=|=|<|>|\u2264|\u2265)\s*(.+)$/.exec(part);
    if (!match) throw new Error("\u201c" + part + "\u201d: expected such as latency@device < 20 ms");
    const [, name, sign, wanted] = match;
    if (all.genes.has(name) && sign === "=") {
      tests.push((row) => geneOf(all, row, name) === wanted);
    } else if (all.values.has(name)) {
      const limit = parseQuantity(wanted, unitOf(all, name)), column = all.values.get(name);
      if (Number.isNaN(limit)) throw new Error("\u201c" + wanted + "\u201d is no value of " + name);
      const ways = { "<": (v) => v < limit, ">": (v) => v > limit, "=": (v) => v === limit,
                     "<=": (v) => v <= limit, "\u2264": (v) => v <= limit,
                     ">=": (v) => v >= limit, "\u2265": (v) => v >= limit };
      tests.push((row) => ways[sign](column[row]));
    } else {
      const known = [...all.metrics.keys(), ...all.genes.keys()];
      throw new Error("\u201c" + name + "\u201d is neither a metric nor a gene of this study; there are " +
                      known.slice(0, 6).join(", ") + (known.length > 6 ? ", \u2026" : ""));
    }
  }
  return tests;
}

// Of the complete rows of its study those that are nowhere worse than this one, and somewhere better.
function dominators(all, row) {
  const study = studyOf(all, row);
  const axes = study.objectives.filter((o) => o.optimised).map((o) => o.key);
  const less = (key, a, b) => (all.metrics.get(key).maximised ? a > b : a < b);
  return study.front.map((f) => study.rowOf.get(f.trial)).filter((other) => {
    let better = false;
    for (const key of axes) {
      const mine = all.values.get(key)[row], theirs = all.values.get(key)[other];
      if (Number.isNaN(mine) || less(key, mine, theirs)) return false;
      better ||= less(key, theirs, mine);
    }
    return better;
  });
}

// "stem.channels 8 \u2192 16" of what differs between two rows of one study.
function changes(all, from, to) {
  const list = [];
  for (const gene of studyOf(all, to).genes) {
    const was = geneOf(all, from, gene.name) ?? "absent", is = geneOf(all, to, gene.name) ?? "absent";
    if (was !== is) list.push(gene.name + " " + was + " \u2192 " + is);
  }
  return list;
}
