"use strict";
// The page: its state, what the reader does, and which views that changes.

(() => {
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  let all, rows = [], sorted = [], later = 0;
  const state = { x: "", y: "", color: "state", logX: false, logY: false, axes: [], ranges: new Map(), chosen: -1,
                  sort: { key: "", descending: false }, page: 0 };
  const charts = {};

  function load(studies) {
    const names = studies.map((s) => s.name);
    for (const study of studies)
      study.label = names.filter((n) => n === study.name).length > 1 ? study.name + " (" + study.file + ")" : study.name;
    all = join(studies);
  }

  function fill(select, groups, chosen) {
    select.replaceChildren();
    for (const [label, options] of groups) {
      const group = element("optgroup", null, { label });
      for (const key of options) group.append(element("option", key, { value: key }));
      if (options.length) select.append(group);
    }
    select.value = chosen;
  }

  function fillControls() {
    const metrics = [...all.metrics.keys()].filter((k) => all.values.get(k).some((v) => !Number.isNaN(v)));
    fill($("x"), [["metrics", metrics], ["order", ["trial"]]], state.x);
    fill($("y"), [["metrics", metrics], ["order", ["trial"]]], state.y);
    const several = all.studies.length > 1 ? ["study"] : [];
    fill($("color"), [["trial", ["state", "origin", ...several]], ["metrics", [...metrics, "trial"]], ["genes", [...all.genes.keys()]]], state.color);
  }

  // Two objectives; the wider spread ones on a logarithmic scale.
  function chooseAxes() {
    const optimised = all.objectives.filter((o) => o.optimised).map((o) => o.key);
    state.y = optimised[0] ?? "trial";
    state.x = optimised[1] ?? "trial";
    const known = [...all.metrics.keys()].filter((k) => all.values.get(k).some((v) => !Number.isNaN(v)));
    const wished = all.objectives.map((o) => o.key);
    state.axes = [...wished, ...known.filter((k) => !wished.includes(k))].filter((k) => known.includes(k)).slice(0, 8);
    state.logX = spread(state.x);
    state.logY = spread(state.y);
    if (all.studies.length > 1) state.color = "study";
    state.sort = { key: state.y, descending: all.metrics.get(state.y)?.maximised ?? false };
  }

  function spread(key) {
    const column = all.values.get(key).filter((v, r) => !Number.isNaN(v) && all.rows.state[r] === "complete");
    const low = column.reduce((m, v) => Math.min(m, v), Infinity), high = column.reduce((m, v) => Math.max(m, v), -Infinity);
    return key !== "trial" && low > 0 && high > 30 * low;
  }

  function filter() {
    let tests = [];
    $("problem").textContent = "";
    try {
      tests = parseQuery(all, $("query").value);
    } catch (error) {
      $("problem").textContent = error.message;
    }
    const onlyFront = $("front").checked, too = $("incomplete").checked;
    const ranges = [...state.ranges].map(([key, intervals]) => [all.values.get(key), intervals]);
    rows = [];
    for (let r = 0; r < all.n; ++r) {
      if (onlyFront && !all.rows.front[r]) continue;
      if (!too && all.rows.state[r] !== "complete") continue;
      if (!ranges.every(([column, list]) => list.some(([low, high]) => column[r] >= low && column[r] <= high))) continue;
      if (tests.every((test) => test(r))) rows.push(r);
    }
    $("count").textContent = rows.length + " of " + all.n + " trials";
  }

  // `but`: a view that the reader is brushing in, which stays as it is.
  function update(but) {
    filter();
    drawPlane(charts.plane, all, state, rows);
    sorted = sortRows(all, rows, state.sort);
    drawTable(all, state, sorted, actions);
    if (but === "parallel") return;
    clearTimeout(later);  // after the plane is on the screen
    later = setTimeout(() => drawParallel(charts.parallel, all, state, rows), 60);
  }

  const actions = {
    choose: async (row) => {
      state.chosen = row;
      markChosen(charts.plane, all, state, rows);
      const place = sorted.indexOf(row);
      if (place >= 0) state.page = Math.floor(place / pageRows);
      drawTable(all, state, sorted, actions);
      $("h-detail").textContent = nameOf(all, row);
      const depth = await depthOf(row);
      if (state.chosen === row) showDetail(all, row, depth, $("detail-body"), actions.choose);
    },
    sort: (key) => {
      const same = state.sort.key === key;
      state.sort = { key, descending: same ? !state.sort.descending : all.metrics.get(key)?.maximised ?? false };
      state.page = 0;
      sorted = sortRows(all, rows, state.sort);
      drawTable(all, state, sorted, actions);
    },
  };

  async function depthOf(row) {
    const study = studyOf(all, row), id = idOf(all, row);
    if (study.depth?.[id]) return study.depth[id];
    if (!data.live) return null;
    try {
      const answer = await fetch(`study/${all.rows.study[row]}/trial/${id}`);
      return answer.ok ? await answer.json() : null;
    } catch { return null; }
  }

  function walkFront(step) {
    const column = all.values.get(state.x);
    const front = rows.filter((r) => all.rows.front[r] && !Number.isNaN(column[r])).sort((p, q) => column[p] - column[q]);
    if (!front.length) return;
    const place = front.indexOf(state.chosen);
    actions.choose(front[place < 0 ? 0 : Math.min(front.length - 1, Math.max(0, place + step))]);
  }

  function head() {
    $("title").textContent = all.studies.map((s) => s.label).join(" and ");
    document.title = $("title").textContent + " \u2013 hwnas";
    $("summary").textContent = all.studies.map((s) => {
      const states = new Map();
      s.id.forEach((_, i) => states.set(at(s.state, i), (states.get(at(s.state, i)) ?? 0) + 1));
      return (all.studies.length > 1 ? s.label + ": " : "") + s.id.length + " trials by " + s.algorithm + ", " +
        [...states].map(([name, n]) => n + " " + name).join(", ") + "; " + s.front.length + " on the front" +
        (s.front.length ? ", hypervolume " + digits(s.hypervolume ?? 0) : "");
    }).join(" \u00b7 ");
    const why = all.studies.filter((s) => !s.front.length).map((s) => s.label + ": " + s.why_empty);
    $("empty").hidden = !why.length;
    $("empty").textContent = why.join("\n");
    $("footer").textContent = "hwnas " + data.version + ". " + all.studies.map((s) =>
      s.file + ": seed " + s.seed + ", made by hwnas " + s.version).join("; ") +
      ". \u00b1 one standard error. sure: how probable it is that no other trial is better in every objective.";
    $("growth").hidden = all.studies.every((s) => !s.hypervolume_steps.length);
  }

  function redrawAll() {
    head();
    fillControls();
    update();
    if (!$("growth").hidden) drawGrowth(charts.hypervolume, all);
    if (state.chosen >= 0) actions.choose(state.chosen);
  }

  function setTheme(dark) {
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    $("theme").setAttribute("aria-pressed", String(dark));
    redrawAll();
  }

  function listen() {
    for (const [id, key] of [["x", "x"], ["y", "y"], ["color", "color"]]) {
      $(id).addEventListener("change", () => {
        state[key] = $(id).value;
        if (id !== "color") {
          state[id === "x" ? "logX" : "logY"] = $(id === "x" ? "logx" : "logy").checked = spread(state[key]);
          charts.plane.dispatchAction({ type: "brush", areas: [] });
        }
        update();
      });
    }
    $("logx").addEventListener("change", () => { state.logX = $("logx").checked; update(); });
    $("logy").addEventListener("change", () => { state.logY = $("logy").checked; update(); });
    for (const id of ["front", "incomplete"]) $(id).addEventListener("change", () => update());
    let waiting = 0;
    $("query").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(update, 120); });
    $("controls").addEventListener("submit", (event) => event.preventDefault());
    $("clear").addEventListener("click", () => {
      state.ranges.clear();
      $("query").value = "";
      $("front").checked = $("incomplete").checked = false;
      charts.plane.dispatchAction({ type: "brush", areas: [] });
      update();
    });
    $("previous").addEventListener("click", () => { --state.page; drawTable(all, state, sorted, actions); });
    $("next").addEventListener("click", () => { ++state.page; drawTable(all, state, sorted, actions); });
    $("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme !== "dark"));
    $("print").addEventListener("click", () => window.print());
    $("export").addEventListener("click", () => {
      const file = URL.createObjectURL(new Blob([csvOf(all, sorted)], { type: "text/csv" }));
      element("a", "", { href: file, download: all.studies[0].name.replace(/[^\w.-]+/g, "_") + ".csv" }).click();
      setTimeout(() => URL.revokeObjectURL(file), 1000);
    });
    $("plane").addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      walkFront(step);
    });
    charts.plane.on("click", (p) => {
      const row = charts.plane.rowsOf[p.seriesIndex]?.[p.dataIndex];
      if (row !== undefined) actions.choose(row);
    });
    charts.plane.on("brushEnd", (p) => {
      for (const key of [state.x, state.y]) state.ranges.delete(key);
      for (const area of p.areas) {
        state.ranges.set(state.x, [area.coordRange[0]]);
        state.ranges.set(state.y, [area.coordRange[1]]);
      }
      update();
    });
    charts.parallel.on("axisareaselected", (p) => {
      const id = p.parallelAxisId, key = state.axes.includes(id) ? id : null;
      if (key === null) return;
      if (p.intervals?.length) state.ranges.set(key, p.intervals);
      else state.ranges.delete(key);
      update("parallel");
    });
    charts.parallel.on("click", (p) => { if (p.data?.row !== undefined) actions.choose(p.data.row); });
    window.addEventListener("resize", () => {
      for (const chart of document.querySelectorAll(".chart")) echarts.getInstanceByDom(chart)?.resize();
    });
    window.addEventListener("beforeprint", () => {
      for (const chart of document.querySelectorAll(".chart")) echarts.getInstanceByDom(chart)?.resize();
    });
  }

  // Over a study that grows: what is chosen stays chosen.
  async function follow() {
    const tags = all.studies.map(() => "");
    for (;;) {
      await new Promise((done) => setTimeout(done, 2000));
      let changed = false, studies = all.studies;
      try {
        for (let s = 0; s < tags.length; ++s) {
          const answer = await fetch(`study/${s}`, { cache: "no-store", headers: tags[s] ? { "If-None-Match": tags[s] } : {} });
          if (answer.status !== 200) continue;
          tags[s] = answer.headers.get("ETag") ?? "";
          const fresh = await answer.json();
          studies = studies.map((old, k) => (k === s ? fresh : old));
          changed = true;
        }
        $("live").textContent = "live";
      } catch {
        $("live").textContent = "the server has stopped; this is what it last said";
      }
      if (!changed) continue;
      const chosen = state.chosen >= 0 ? [all.rows.study[state.chosen], idOf(all, state.chosen)] : null;
      const first = all.n === 0 || !state.axes.length;
      load(studies);
      if (first) chooseAxes();
      state.chosen = chosen ? studies[chosen[0]].rowOf.get(chosen[1]) ?? -1 : -1;
      head();
      fillControls();
      update();
      if (!$("growth").hidden) drawGrowth(charts.hypervolume, all);
    }
  }

  load(data.studies);
  chooseAxes();
  $("logx").checked = state.logX;
  $("logy").checked = state.logY;
  if (all.studies.every((s) => !s.front.length)) $("incomplete").checked = true;
  for (const id of ["plane", "parallel", "hypervolume"]) charts[id] = makeChart(id);
  listen();
  setTheme(window.matchMedia("(prefers-color-scheme: dark)").matches);
  performance.mark("drawn");  // check_report.js reads it
  const knee = all.studies[0]?.rowOf.get(all.studies[0].knee);
  if (knee !== undefined) actions.choose(knee);
  if (data.live) follow();
})();
