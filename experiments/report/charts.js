"use strict";
// The three charts of all trials: two objectives, all metrics, the growth of the hypervolume.

// Okabe and Ito's colours, told apart by all eyes (jfly.uni-koeln.de/color); then viridis in eight steps.
const kinds = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#8a8a00", "#7a52a5"];
const shades = ["#440154", "#46327e", "#365c8d", "#277f8e", "#1fa187", "#4ac16d", "#a0da39", "#fde725"];
const manyPoints = 2000, mostLines = 800;

const styleOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function makeChart(id) {
  return echarts.init(document.getElementById(id), null, { renderer: "canvas" });
}

function axisName(all, key) {
  return key === "trial" ? "trial" : key;
}

function axisOf(all, key, log) {
  const unit = unitOf(all, key), ink = styleOf("--faint"), line = styleOf("--line");
  return {
    type: log ? "log" : "value", scale: true, name: axisName(all, key), nameLocation: "middle", nameGap: 34,
    nameTextStyle: { color: ink },
    axisLabel: { color: ink, hideOverlap: true, formatter: (v) => format(v, unit) },
    axisLine: { lineStyle: { color: line } }, splitLine: { lineStyle: { color: line, opacity: 0.6 } },
  };
}

// Rows in groups of one colour: [{name, color, rows}].
function grouped(all, rows, key) {
  const groups = new Map();
  const put = (name, row) => (groups.get(name) ?? groups.set(name, []).get(name)).push(row);
  if (all.metrics.has(key) || key === "trial") {
    const column = all.values.get(key), unit = unitOf(all, key);
    const sorted = Float64Array.from(rows.filter((r) => !Number.isNaN(column[r])), (r) => column[r]).sort();
    const edges = [...new Set(shades.map((_, k) => sorted[Math.floor((k * sorted.length) / shades.length)]))];
    const names = edges.map((e) => "from " + format(e, unit));
    names.forEach((name) => groups.set(name, []));
    for (const row of rows) {
      let k = edges.length - 1;
      while (k > 0 && column[row] < edges[k]) --k;
      put(Number.isNaN(column[row]) ? "unknown" : names[k], row);
    }
    return [...groups].map(([name, list], k) => (
      { name, color: shades[Math.min(7, Math.round((k * 7) / Math.max(1, edges.length - 1)))], rows: list }));
  }
  for (const row of rows) {
    if (key === "study") put(studyOf(all, row).label, row);
    else if (key === "state") put(all.rows.front[row] ? "front" : all.rows.state[row], row);
    else if (key === "origin") put(at(studyOf(all, row).origin, all.rows.index[row]), row);
    else put(geneOf(all, row, key) ?? "absent", row);
  }
  const order = key === "study" || key === "state" || key === "origin"
    ? [...groups] : [...groups].sort((a, b) => a[0].localeCompare(b[0], undefined, { numeric: true }));
  return order.map(([name, list], k) => ({ name, color: kinds[k % kinds.length], rows: list }));
}

// The rows that nothing else among them beats in these two, from left to right. Of many only those are
// sorted that beat all to their left by strips.
function staircase(all, rows, x, y) {
  const a = all.values.get(x), b = all.values.get(y), strips = 256;
  const sign = (key) => (all.metrics.get(key)?.maximised ? -1 : 1), sx = sign(x), sy = sign(y);
  const whole = rows.filter((r) => all.rows.state[r] === "complete");
  let low = Infinity, high = -Infinity;
  for (const r of whole) { low = Math.min(low, sx * a[r]); high = Math.max(high, sx * a[r]); }
  const stripOf = (r) => Math.floor(((sx * a[r] - low) / (high - low || 1)) * (strips - 1));
  const best = new Float64Array(strips + 1).fill(Infinity);  // of the strips to the left
  for (const r of whole) best[stripOf(r) + 1] = Math.min(best[stripOf(r) + 1], sy * b[r]);
  for (let k = 1; k <= strips; ++k) best[k] = Math.min(best[k], best[k - 1]);
  const sorted = whole.filter((r) => sy * b[r] < best[stripOf(r)]).sort((p, q) => sx * (a[p] - a[q]) || sy * (b[p] - b[q]));
  let least = Infinity;
  return sorted.filter((r) => {
    if (sy * b[r] >= least) return false;
    least = sy * b[r];
    return true;
  });
}

function tooltip(all, row) {
  const box = document.createElement("div");
  box.className = "tip";
  const head = document.createElement("strong");
  head.textContent = nameOf(all, row) + (all.rows.front[row] ? ", on the front" : ", " + all.rows.state[row]);
  box.append(head);
  for (const key of all.metrics.keys()) {
    const m = measured(all, row, key);
    if (!m) continue;
    const line = document.createElement("div");
    line.textContent = key + ": " + format(m.value, m.unit, m.stddev) + " (" + m.source + ")";
    box.append(line);
  }
  return box;
}

const tooltipStyle = () => ({ backgroundColor: styleOf("--card"), borderColor: styleOf("--line"),
                              textStyle: { color: styleOf("--ink"), fontSize: 12 }, confine: true });

// Bars of one standard error, in x and in y.
function errorBars(all, rows, x, y) {
  const data = rows.map((r) => {
    const a = measured(all, r, x), b = measured(all, r, y);
    return [a?.value ?? idOf(all, r), b?.value ?? idOf(all, r), a?.stddev ?? 0, b?.stddev ?? 0];
  }).filter((d) => d[2] || d[3]);
  return {
    type: "custom", silent: true, data, z: 1, zlevel: 0, clip: true,
    renderItem: (params, api) => {
      const [vx, vy, ex, ey] = [0, 1, 2, 3].map((d) => api.value(d));
      const line = (p, q) => ({ type: "line", shape: { x1: p[0], y1: p[1], x2: q[0], y2: q[1] },
                                style: { stroke: styleOf("--faint"), lineWidth: 1 } });
      const children = [];
      if (ex) children.push(line(api.coord([vx - ex, vy]), api.coord([vx + ex, vy])));
      if (ey) children.push(line(api.coord([vx, vy - ey]), api.coord([vx, vy + ey])));
      return { type: "group", children };
    },
  };
}

function boundLines(all, x, y) {
  const lines = [];
  for (const o of all.objectives) {
    if (o.bound === null) continue;
    if (o.key === x) lines.push({ xAxis: o.bound });
    if (o.key === y) lines.push({ yAxis: o.bound });
  }
  return { silent: true, symbol: "none", data: lines, lineStyle: { color: styleOf("--bad"), type: "dashed" },
           label: { formatter: "bound", color: styleOf("--bad") } };
}

// A ring around the trial that is chosen.
function chosenSeries(all, state, drawn) {
  const at = (key) => all.values.get(key)[state.chosen];
  return { id: "chosen", type: "scatter", data: drawn ? [[at(state.x), at(state.y)]] : [], symbolSize: 18, z: 5, silent: true,
           itemStyle: { color: "transparent", borderColor: styleOf("--bad"), borderWidth: 3 } };
}

function markChosen(chart, all, state, rows) {
  const drawn = rows.includes(state.chosen) && !Number.isNaN(all.values.get(state.x)[state.chosen] + all.values.get(state.y)[state.chosen]);
  chart.setOption({ series: [chosenSeries(all, state, drawn)] });
}

function drawPlane(chart, all, state, rows) {
  const { x, y } = state, a = all.values.get(x), b = all.values.get(y);
  const drawn = rows.filter((r) => !Number.isNaN(a[r]) && !Number.isNaN(b[r]) &&
                                   !(state.logX && a[r] <= 0) && !(state.logY && b[r] <= 0));
  const large = drawn.length > manyPoints;
  const groups = grouped(all, drawn, state.color);
  const front = drawn.filter((r) => all.rows.front[r]);
  const series = groups.map((g) => {
    const data = new Float64Array(2 * g.rows.length);
    g.rows.forEach((r, i) => { data[2 * i] = a[r]; data[2 * i + 1] = b[r]; });
    return { type: "scatter", name: g.name, rows: g.rows, dimensions: ["x", "y"], data, large, largeThreshold: 0,
             progressive: 0, symbolSize: large ? 3 : 7, itemStyle: { color: g.color, opacity: large ? 0.6 : 0.75 },
             z: 2 };
  });
  series.push(errorBars(all, front.length <= 300 ? front : [], x, y));
  series.push({ type: "line", name: "best of these two", silent: true, showSymbol: false, step: "end", z: 1,
                data: staircase(all, drawn, x, y).map((r) => [a[r], b[r]]),
                lineStyle: { color: styleOf("--faint"), width: 1, type: "dotted" }, markLine: boundLines(all, x, y) });
  series.push({ type: "scatter", name: "front", rows: front, symbolSize: 11, z: 4, data: front.map((r) => [a[r], b[r]]),
                itemStyle: { color: "transparent", borderColor: styleOf("--ink"), borderWidth: 1.4 } });
  series.push(chosenSeries(all, state, drawn.includes(state.chosen)));
  chart.rowsOf = series.map((s) => s.rows ?? []);
  for (const s of series) delete s.rows;
  chart.setOption({
    animation: false, aria: { enabled: false },
    grid: { left: 80, right: 24, top: 56, bottom: 52 },
    legend: { type: "scroll", top: 4, left: 8, right: 170, textStyle: { color: styleOf("--ink") },
              data: groups.map((g) => g.name).filter((name) => name !== "front") },
    toolbox: { right: 8, top: 2, iconStyle: { borderColor: styleOf("--faint") },
               feature: { brush: { type: ["rect", "clear"], title: { rect: "select", clear: "clear" } },
                          dataZoom: { title: { zoom: "zoom", back: "zoom back" } },
                          saveAsImage: { title: "PNG", pixelRatio: 2, name: "hwnas" } } },
    brush: { xAxisIndex: 0, z: 100, throttleType: "debounce", throttleDelay: 100, transformable: false,
             outOfBrush: { colorAlpha: 1 },
             brushStyle: { borderColor: styleOf("--accent"), color: "rgba(11,98,184,0.10)" } },
    tooltip: { ...tooltipStyle(), trigger: "item",
               formatter: (p) => (chart.rowsOf[p.seriesIndex]?.length
                 ? tooltip(all, chart.rowsOf[p.seriesIndex][p.dataIndex]) : "") },
    xAxis: axisOf(all, x, state.logX), yAxis: { ...axisOf(all, y, state.logY), nameGap: 62 }, series,
  }, { replaceMerge: ["series"] });
  chart.getDom().setAttribute("aria-label", "Scatter plot of " + drawn.length + " trials, " + x + " against " + y +
                              "; " + front.length + " on the front. The table below holds the same trials.");
}

// A line for each trial; of many the front and a fixed sample.
function drawParallel(chart, all, state, rows) {
  const keys = [...all.metrics.keys()].filter((key) => state.axes.includes(key));
  const whole = rows.filter((r) => keys.every((key) => !Number.isNaN(all.values.get(key)[r])));
  const stride = Math.max(1, Math.ceil(whole.length / mostLines));
  const drawn = whole.filter((r, i) => i % stride === 0 || all.rows.front[r]);
  const data = [];
  for (const group of grouped(all, drawn, state.color)) {
    for (const r of group.rows) {
      const front = all.rows.front[r];
      data.push({ row: r, value: keys.map((key) => all.values.get(key)[r]),
                  lineStyle: { color: group.color, opacity: front ? 0.95 : 0.22, width: front ? 1.8 : 0.8 } });
    }
  }
  const ink = styleOf("--ink"), faint = styleOf("--faint");
  chart.clear();
  chart.setOption({
    animation: false,
    parallel: { left: 70, right: 90, top: 46, bottom: 20,
                parallelAxisDefault: { scale: true, nameTextStyle: { color: ink }, nameGap: 18,
                                       areaSelectStyle: { color: styleOf("--accent"), borderColor: styleOf("--accent") } } },
    parallelAxis: keys.map((key, dim) => {
      const unit = unitOf(all, key), column = all.values.get(key);
      const low = whole.reduce((m, r) => Math.min(m, column[r]), Infinity);
      const high = whole.reduce((m, r) => Math.max(m, column[r]), -Infinity);
      return { id: key, dim, name: key, type: low > 0 && high > 30 * low ? "log" : "value",
               axisLabel: { color: faint, hideOverlap: true, formatter: (v) => format(v, unit) },
               axisLine: { lineStyle: { color: faint } } };
    }),
    series: [{ type: "parallel", data, progressive: 0, silent: data.length > 400, smooth: false,
               inactiveOpacity: 0.03, activeOpacity: 0.9 }],
  });
  document.getElementById("parallel-hint").textContent =
    (drawn.length < whole.length ? drawn.length + " of " + whole.length + " trials are drawn, all of the front among them. " : "") +
    "Drag along an axis to filter every view; click it to let go.";
  chart.getDom().setAttribute("aria-label", "Parallel coordinates of " + drawn.length + " trials over " + keys.join(", "));
}

function drawGrowth(chart, all) {
  const ink = styleOf("--faint"), line = styleOf("--line");
  chart.setOption({
    animation: false, grid: { left: 80, right: 24, top: 34, bottom: 44 },
    legend: { top: 2, textStyle: { color: styleOf("--ink") } },
    tooltip: { ...tooltipStyle(), trigger: "axis", formatter: (list) => {
      const box = document.createElement("div");
      box.textContent = list.map((p) => p.seriesName + ": " + digits(p.value[1]) + " after " + p.value[0] + " trials").join("; ");
      return box;
    } },
    xAxis: { type: "value", name: "trials", nameLocation: "middle", nameGap: 26, nameTextStyle: { color: ink },
             axisLabel: { color: ink }, splitLine: { show: false }, max: "dataMax" },
    yAxis: { type: "value", scale: true, name: "share of the box", nameTextStyle: { color: ink }, axisLabel: { color: ink },
             splitLine: { lineStyle: { color: line } } },
    series: all.studies.map((study, s) => ({
      type: "line", step: "end", name: study.label, showSymbol: false,
      data: study.hypervolume_steps, lineStyle: { color: kinds[s % kinds.length] }, itemStyle: { color: kinds[s % kinds.length] } })),
  }, { replaceMerge: ["series"] });
  chart.getDom().setAttribute("aria-label", all.studies.map(
    (s) => s.label + ": hypervolume " + (s.hypervolume ?? 0).toPrecision(3)).join("; "));
}
