"use strict";
// One trial: why it is where it is, its numbers, its network drawn, where its costs lie, whence it comes.

function element(name, text, attributes = {}) {
  const node = document.createElement(name);
  if (text !== undefined && text !== null) node.textContent = text;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

function tableOf(head, rows) {
  const table = element("table"), top = element("tr");
  head.forEach((h, k) => top.append(element("th", h, k === 0 ? { class: "text", scope: "col" } : { scope: "col" })));
  table.append(element("thead"));
  table.tHead.append(top);
  const body = element("tbody");
  for (const cells of rows) {
    const line = element("tr");
    cells.forEach((c, k) => line.append(element("td", c, k === 0 ? { class: "text" } : {})));
    body.append(line);
  }
  table.append(body);
  const scroll = element("div", null, { class: "scroll" });
  scroll.append(table);
  return scroll;
}

const link = (all, row, choose) => {
  const button = element("button", nameOf(all, row), { type: "button" });
  button.addEventListener("click", () => choose(row));
  return button;
};

// Sentences on its place, and its neighbours on the front.
function placeOf(all, row, choose) {
  const box = element("div"), study = studyOf(all, row), line = element("p");
  const reason = study.reasons[idOf(all, row)];
  box.append(line);
  if (all.rows.front[row]) {
    const sure = all.rows.sure[row];
    line.textContent = "On the front: no other trial is better in every objective" +
      (sure === null ? "." : "; allowing for the errors of the numbers that is " +
                             (sure < 1 && sure > 0.995 ? "> 99" : Math.round(100 * sure)) + "\u00a0% sure.");
    if (study.knee === idOf(all, row)) line.append(" It is the knee, the best compromise.");
    box.append(neighbours(all, row, choose));
  } else if (all.rows.state[row] === "complete") {
    const better = dominators(all, row);
    line.textContent = better.length ? "Not on the front: better in every objective " + (better.length > 1 ? "are " : "is ") : "Not on the front.";
    better.slice(0, 5).forEach((b) => line.append(link(all, b, choose), " "));
    if (better.length > 5) line.append("and " + (better.length - 5) + " more.");
  } else {
    line.textContent = all.rows.state[row] + (reason ? ": " + reason : "");
  }
  return box;
}

function neighbours(all, row, choose) {
  const study = studyOf(all, row), axis = study.objectives.find((o) => o.optimised).key;
  const column = all.values.get(axis);
  const front = study.front.map((f) => study.rowOf.get(f.trial)).sort((p, q) => column[p] - column[q]);
  const place = front.indexOf(row), box = element("div");
  for (const other of [front[place - 1], front[place + 1]]) {
    if (other === undefined) continue;
    const line = element("p", "Beside ");
    line.append(link(all, other, choose), ": ");
    const parts = study.objectives.filter((o) => o.optimised).map((o) => {
      const mine = all.values.get(o.key)[row], theirs = all.values.get(o.key)[other], unit = unitOf(all, o.key);
      if (mine === theirs) return o.key + " the same";
      const more = mine > theirs ? "+" : "\u2212";
      return o.key + " " + more + (unit === "share" ? digits(100 * Math.abs(mine - theirs)) + " points" :
        format(Math.abs(mine - theirs), unit));
    });
    line.append(parts.join(", ") + "; genes from there: " + (changes(all, other, row).join(", ") || "the same"));
    box.append(line);
  }
  return box;
}

function numbersOf(all, row) {
  const lines = [];
  for (const key of all.metrics.keys()) {
    const m = measured(all, row, key);
    if (!m) continue;
    const epochs = m.source === "trained" && m.fidelity ? ", " + m.fidelity + (m.fidelity === 1 ? " epoch" : " epochs") : "";
    const interval = m.stddev ? format(m.value - 1.96 * m.stddev, m.unit) + " to " + format(m.value + 1.96 * m.stddev, m.unit) : "-";
    lines.push([key, format(m.value, m.unit, m.stddev), interval, m.source + epochs]);
  }
  return tableOf(["number", "value", "95 % interval", "source"], lines);
}

// The layers that compute, as boxes: as high as their image, as wide as their channels.
const opColors = { conv: "#0072b2", linear: "#d55e00", attention: "#cc79a7", max_pool: "#8a8a00", avg_pool: "#8a8a00",
                   global_avg_pool: "#8a8a00", embedding: "#009e73", position_embedding: "#009e73", input: "#777" };

function drawingOf(layers) {
  const boxes = [], boxOf = [];
  layers.forEach((layer, i) => {
    const shown = opColors[layer.op] !== undefined;
    if (shown) boxes.push({ layer, i });
    boxOf[i] = shown ? boxes.length - 1 : Math.max(0, ...layer.inputs.map((j) => boxOf[j] ?? 0));
  });
  let x = 8;
  const middle = 86, svgns = "http://www.w3.org/2000/svg";
  const make = (name, attributes) => {
    const node = document.createElementNS(svgns, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return node;
  };
  const svg = make("svg", { role: "img", "aria-label": "The network, " + boxes.length + " layers that compute" });
  for (const box of boxes) {
    const [channels, height, width] = box.layer.out;
    box.width = 5 + 3.5 * Math.log2(1 + channels);
    box.height = 10 + 15 * Math.log2(1 + Math.max(height, width)) * 0.9;
    box.x = x;
    x += box.width + 12;
    const rect = make("rect", { x: box.x, y: middle - box.height / 2, width: box.width, height: box.height, rx: 2,
                                fill: opColors[box.layer.op], opacity: box.layer.what.startsWith("depthwise") ? 0.55 : 0.9 });
    const title = make("title", {});
    title.textContent = box.layer.name + ": " + box.layer.what + ", gives " + box.layer.out.join("\u00d7") + ", " +
      format(box.layer.parameters, "count") + " parameters, " + format(box.layer.macs, "count") + " MACs" +
      (box.layer.weight_bits ? ", " + box.layer.weight_bits + " bits" : "") +
      (box.layer.density ? ", " + format(box.layer.density, "share") + " of the weights" : "");
    rect.append(title);
    svg.append(rect);
    const text = make("text", { x: box.x + box.width / 2, y: middle + 92, "text-anchor": "middle" });
    text.textContent = channels;
    svg.append(text);
  }
  const right = (k) => boxes[k].x + boxes[k].width, arcs = new Set();
  layers.forEach((layer, i) => {
    for (const input of layer.inputs) {
      const from = boxOf[input], to = boxOf[i];
      const joins = layer.op === "add" || layer.op === "concat" || layer.op === "multiply";
      if (opColors[layer.op] !== undefined) {
        if (from + 1 === to) svg.append(make("path", { d: `M${right(from)} ${middle}H${boxes[to].x}` }));
        else if (from < to) arcs.add(from + "-" + to);
      } else if (joins && from < to) {
        arcs.add(from + "-" + (to + 0.5));
      }
    }
  });
  for (const arc of arcs) {
    const [from, to] = arc.split("-").map(Number), a = right(from) + 3;
    const b = Number.isInteger(to) ? boxes[to].x : right(Math.floor(to)) + 6;
    const rise = Math.min(75, 22 + (b - a) / 6);
    svg.append(make("path", { d: `M${a} ${middle}C${a} ${middle - 2 * rise} ${b} ${middle - 2 * rise} ${b} ${middle}`, "stroke-dasharray": "3 2" }));
  }
  svg.setAttribute("width", x + 6);
  svg.setAttribute("height", 188);
  const box = element("div", null, { class: "drawing", tabindex: "0" });
  box.append(svg);
  return box;
}

const costsOfLayers = [["latency_s", "latency", "s"], ["energy_j", "energy", "J"], ["live_bytes", "memory", "B"]];

function barsOf(depth, device, charts) {
  const box = element("div");
  box.append(element("h3", device.name + (device.confidence ? ", confidence class " + device.confidence : "")));
  if (device.reason) box.append(element("p", device.reason));
  if (!device.layers) return box;
  const total = [format(device.latency_s, "s") + (device.batch > 1 ? " a batch of " + device.batch : ""),
                 format(device.energy_j, "J"), format(device.peak_memory_bytes, "B") + " at most alive",
                 format(device.storage_bytes, "B") + " of weights and code"];
  box.append(element("p", total.join(", ")));
  for (const line of device.extrapolated) box.append(element("p", line));
  if (!device.layers.length) {
    box.append(element("p", "known of the whole network only"));
    return box;
  }
  const select = element("select", null, { "aria-label": "What the bars are" });
  for (const [key, name] of costsOfLayers) select.append(element("option", name + " of each layer", { value: key }));
  const place = element("div", null, { class: "chart bars", role: "img", "aria-label": "Bars of each layer" });
  box.append(select, place);
  const draw = (chart) => {
    const [key, , unit] = costsOfLayers.find((c) => c[0] === select.value), ink = styleOf("--faint");
    chart.setOption({
      animation: false, grid: { left: 8, right: 60, top: 6, bottom: 22, containLabel: true },
      tooltip: { ...tooltipStyle(), trigger: "axis", axisPointer: { type: "shadow" }, formatter: (list) => {
        const cost = device.layers[list[0].dataIndex], tip = element("div", null, { class: "tip" });
        tip.append(element("strong", depth.layers[cost.layer].name + ": " + depth.layers[cost.layer].what));
        for (const [k, n, u] of costsOfLayers) tip.append(element("div", n + " " + format(cost[k], u)));
        tip.append(element("div", "bound by " + cost.bound));
        return tip;
      } },
      xAxis: { type: "value", axisLabel: { color: ink, hideOverlap: true, formatter: (v) => format(v, unit) },
               splitLine: { lineStyle: { color: styleOf("--line") } } },
      yAxis: { type: "category", inverse: true, data: device.layers.map((l) => depth.layers[l.layer].name),
               axisLabel: { color: ink, fontSize: 10, width: 110, overflow: "truncate" } },
      series: [{ type: "bar", data: device.layers.map((l) => l[key]), itemStyle: { color: kinds[0] }, barMaxWidth: 12 }],
    });
  };
  place.style.height = Math.min(900, 46 + 15 * device.layers.length) + "px";
  charts.push({ place, draw });
  select.addEventListener("change", () => draw(echarts.getInstanceByDom(place)));
  return box;
}

function curveOf(curves, charts) {
  const box = element("div");
  const place = element("div", null, { class: "chart small", role: "img", "aria-label": "Learning curve" });
  box.append(element("h3", "Learning curve"), place);
  for (const c of curves) if (c.environment) box.append(element("p", c.stage + " ran on " + c.environment, { class: "hint" }));
  charts.push({ place, draw: (chart) => {
    const ink = styleOf("--faint");
    const axis = { type: "value", scale: true, axisLabel: { color: ink }, nameTextStyle: { color: ink }, splitLine: { show: false } };
    const series = [];
    for (const c of curves) {
      series.push({ type: "line", name: c.stage + " loss", data: c.points.map((p) => [p[0], p[1]]) });
      if (c.points.some((p) => p[2] !== null))
        series.push({ type: "line", name: c.stage + " accuracy", yAxisIndex: 1, data: c.points.map((p) => [p[0], p[2]]) });
    }
    chart.setOption({ animation: false, color: kinds, grid: { left: 50, right: 56, top: 30, bottom: 30 },
                      legend: { top: 0, textStyle: { color: styleOf("--ink") } }, tooltip: { ...tooltipStyle(), trigger: "axis" },
                      xAxis: { ...axis, name: "epoch", minInterval: 1 }, yAxis: [{ ...axis, name: "loss" },
                      { ...axis, axisLabel: { color: ink, formatter: (v) => format(v, "share") } }], series });
  } });
  return box;
}

// Ancestors, and the genes in which each child differs from them.
function lineageOf(all, row, choose, depth = 0, seen = new Set()) {
  const study = studyOf(all, row), list = element("ul", null, { class: "tree" });
  seen.add(row);
  for (const parent of study.parents[all.rows.index[row]]) {
    const from = study.rowOf.get(parent);
    if (from === undefined) continue;
    const item = element("li");
    item.append(link(all, from, choose), " " + (changes(all, from, row).join(", ") || "the same genes"));
    if (!seen.has(from) && depth < 3) item.append(lineageOf(all, from, choose, depth + 1, seen));
    list.append(item);
  }
  return list;
}

function finalsOf(finals) {
  return tableOf(["trained in full", "test", "files"], finals.map((f) => [
    f.epochs + " epochs of " + f.images + " images",
    f.test_perplexity !== undefined ? "perplexity " + format(f.test_perplexity, "", f.test_perplexity_stddev)
      : format(f.test_accuracy, "share", Math.sqrt(f.test_accuracy * (1 - f.test_accuracy) / f.test_images)) + " of " + f.test_images,
    f.folder]));
}

// Shown in `body`; `depth`: what trial_json() gave, or null where the report does not hold it.
function showDetail(all, row, depth, body, choose) {
  const study = studyOf(all, row), id = idOf(all, row), charts = [];
  for (const old of body.querySelectorAll(".chart")) echarts.getInstanceByDom(old)?.dispose();
  body.replaceChildren(placeOf(all, row, choose), element("h3", "Numbers"), numbersOf(all, row));
  if (depth?.finals.length) body.append(finalsOf(depth.finals));
  body.append(element("h3", "Genes"));
  const genes = element("div", null, { class: "genes" });
  for (const gene of study.genes) {
    const value = geneOf(all, row, gene.name);
    if (value !== null) genes.append(element("span", gene.name + " " + value));
  }
  body.append(genes);
  if (depth) {
    if (depth.layers.length) body.append(element("h3", "Network"), drawingOf(depth.layers));
    for (const device of depth.devices) body.append(barsOf(depth, device, charts));
    if (depth.curves.length) body.append(curveOf(depth.curves, charts));
  } else {
    body.append(element("p", "Layers and curves of this trial are not in this file; " +
                             "hwnas serve shows those of every trial.", { class: "hint" }));
  }
  body.append(element("h3", "Lineage"), element("p", study.origin_words[at(study.origin, all.rows.index[row])]), lineageOf(all, row, choose));
  body.append(element("h3", "Take it"));
  body.append(element("pre", ["show", "train", "export"].map((command) => "hwnas " + command + " " + study.file + " " + id +
    (command === "train" ? " --epochs 60" : command === "export" ? " -o model" : "")).join("\n")));
  for (const { place, draw } of charts) draw(echarts.init(place));
}
