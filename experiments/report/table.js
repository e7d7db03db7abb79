"use strict";
// The table of the trials that the filters leave: sorted, in pages, and as CSV.

const pageRows = 50;

function tableColumns(all, rows) {
  const columns = [];
  if (all.studies.length > 1)
    columns.push({ key: "study", name: "study", text: true, of: (r) => studyOf(all, r).label });
  columns.push({ key: "trial", name: "trial", of: (r) => String(idOf(all, r)), value: (r) => idOf(all, r) });
  columns.push({ key: "state", name: "state", text: true,
                 of: (r) => (all.rows.front[r] ? (studyOf(all, r).knee === idOf(all, r) ? "front, knee" : "front") : all.rows.state[r]) });
  for (const key of all.metrics.keys()) {
    columns.push({ key, name: key, value: (r) => all.values.get(key)[r], of: (r) => {
      const m = measured(all, r, key);
      return m ? format(m.value, m.unit, m.stddev) : "-";
    } });
  }
  if (all.rows.sure.some((s) => s !== null))
    columns.push({ key: "sure", name: "sure", value: (r) => all.rows.sure[r] ?? NaN, of: (r) => {
      const s = all.rows.sure[r];
      return s === null ? "" : s < 1 && s > 0.995 ? "> 99\u00a0%" : Math.round(100 * s) + "\u00a0%";
    } });
  if (rows.some((r) => studyOf(all, r).reasons[idOf(all, r)] !== undefined))
    columns.push({ key: "reason", name: "reason", text: true, long: true, of: (r) => studyOf(all, r).reasons[idOf(all, r)] ?? "" });
  return columns;
}

// NaN last, whichever way.
function sortRows(all, rows, sort) {
  const column = tableColumns(all, rows).find((c) => c.key === sort.key);
  if (!column) return rows;
  const sign = sort.descending ? -1 : 1;
  const keyed = rows.map((r) => [column.value ? column.value(r) : column.of(r), r]);
  if (column.value) {
    keyed.sort((p, q) => (Number.isNaN(p[0]) ? (Number.isNaN(q[0]) ? 0 : 1) : Number.isNaN(q[0]) ? -1 : sign * (p[0] - q[0])));
  } else {
    keyed.sort((p, q) => sign * (p[0] < q[0] ? -1 : p[0] > q[0] ? 1 : 0));
  }
  return keyed.map((k) => k[1]);
}

function drawTable(all, state, sorted, actions) {
  const table = document.getElementById("table"), columns = tableColumns(all, sorted);
  const head = element("tr");
  for (const c of columns) {
    const cell = element("th", null, { scope: "col", ...(c.text ? { class: "text" } : {}) });
    const button = element("button", c.name + (state.sort.key === c.key ? (state.sort.descending ? " \u25be" : " \u25b4") : ""), { type: "button" });
    if (state.sort.key === c.key) cell.setAttribute("aria-sort", state.sort.descending ? "descending" : "ascending");
    button.addEventListener("click", () => actions.sort(c.key));
    cell.append(button);
    head.append(cell);
  }
  table.tHead.replaceChildren(head);
  const pages = Math.max(1, Math.ceil(sorted.length / pageRows));
  state.page = Math.min(Math.max(0, state.page), pages - 1);
  const first = state.page * pageRows, shown = sorted.slice(first, first + pageRows);
  table.tBodies[0].replaceChildren(...shown.map((r, k) => {
    const line = element("tr", null, { tabindex: r === state.chosen || (k === 0 && !shown.includes(state.chosen)) ? "0" : "-1",
                                       "aria-selected": r === state.chosen ? "true" : "false" });
    for (const c of columns) line.append(element("td", c.of(r), c.text ? { class: c.long ? "text long" : "text" } : {}));
    line.addEventListener("click", () => actions.choose(r));
    line.addEventListener("keydown", (event) => {
      const step = { ArrowDown: line.nextSibling, ArrowUp: line.previousSibling }[event.key];
      if (event.key === "Enter" || event.key === " ") actions.choose(r);
      else if (!step) return;
      else step.focus();
      event.preventDefault();
    });
    return line;
  }));
  document.getElementById("where").textContent = sorted.length
    ? `${first + 1} to ${first + shown.length} of ${sorted.length}` : "no trial is left by the filters";
  document.getElementById("previous").disabled = state.page === 0;
  document.getElementById("next").disabled = state.page >= pages - 1;
}

// RFC 4180; values in SI, and of each its error and source.
function csvOf(all, rows) {
  const quote = (v) => { const text = String(v ?? ""); return /[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text; };
  const keys = [...all.metrics.keys()], genes = [...all.genes.keys()];
  const lines = [["study", "trial", "state", "front", ...keys.flatMap((k) => [k, k + " stddev", k + " source"]), ...genes]];
  for (const r of rows) {
    lines.push([studyOf(all, r).name, idOf(all, r), all.rows.state[r], all.rows.front[r] ? 1 : 0,
                ...keys.flatMap((k) => { const m = measured(all, r, k); return m ? [m.value, m.stddev, m.source] : ["", "", ""]; }),
                ...genes.map((g) => geneOf(all, r, g))]);
  }
  return lines.map((line) => line.map(quote).join(",")).join("\r\n") + "\r\n";
}
