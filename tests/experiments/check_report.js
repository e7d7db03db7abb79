// Uses report pages as a reader does, in headless Chromium (playwright-core). Arguments: pairs of a
// page and what it holds: one, two (studies), hostile (names), empty, any, many (trials, timed), or live
// (an address that `hwnas serve` printed, of a study that grows).
// With SHOTS=FOLDER pictures are kept. Prints what is wrong; exit code 1 then.
const { chromium } = require("playwright-core");
const path = require("path");
const fs = require("fs");

let wrong = 0;
function expect(ok, what) {
  if (ok) return;
  wrong = 1;
  console.log("wrong: " + what);
}

async function check(browser, file, kind) {
  const page = await browser.newPage({ viewport: { width: 1400, height: 1000 }, acceptDownloads: true });
  const errors = [];
  page.on("console", (m) => { if (["error", "warning"].includes(m.type())) errors.push(m.text()); });
  page.on("pageerror", (e) => errors.push(String(e)));
  const live = kind === "live", home = live ? file : "file:";
  page.on("request", (r) => { if (!/^(blob|data):/.test(r.url()) && !r.url().startsWith(home)) errors.push("asks the network: " + r.url()); });
  const shot = async (name) => {
    if (process.env.SHOTS) await page.screenshot({ path: path.join(process.env.SHOTS, path.basename(file, ".html") + "-" + name + ".png"), fullPage: true });
  };
  await page.goto(live ? file : "file://" + path.resolve(file));
  await page.waitForSelector("#count:not(:empty)");
  if (kind === "many") console.log("drawn after " + Math.round(await page.evaluate(() => performance.getEntriesByName("drawn")[0].startTime)) + " ms");
  await shot("light");
  const count = async () => (await page.textContent("#count")).match(/(\d+) of (\d+)/).slice(1).map(Number);
  const rows = () => page.locator("#table tbody tr").count();
  if (kind === "empty") {
    expect(await page.isVisible("#empty"), file + ": says why it is empty");
    expect((await page.textContent("#empty")).includes("no trial is complete yet"), file + ": and in which words");
  } else {
    expect(!(await page.isVisible("#empty")), file + ": nothing to excuse");
    expect((await page.textContent("#h-detail")).includes("trial "), file + ": the knee is chosen");
    expect(await page.locator("#detail .drawing rect").count() > 2, file + ": its network is drawn");
    expect(await page.locator("#detail canvas").count() > 0, file + ": with bars of its layers");
    expect(await rows() > 0, file + ": the table has rows");
  }
  if (live) {
    const [, before] = await count();
    console.log("open");  // the test lets the study grow now
    await page.waitForFunction((n) => Number(document.getElementById("count").textContent.match(/of (\d+)/)[1]) > n, before, { timeout: 60000 });
    expect((await page.textContent("#live")) === "live", file + ": says that it is live");
    expect((await page.textContent("#h-detail")).includes("trial "), file + ": what was chosen stays");
    await page.locator("#table tbody tr").last().click();
    await page.waitForTimeout(500);
    expect(await page.locator("#detail .drawing rect").count() > 2, file + ": asks for a trial's depth");
  }
  if (kind === "hostile") {
    expect((await page.textContent("#title")).includes("<script>alert(1)</script>"), file + ": the name is text");
    expect((await page.title()).includes("</style>"), file + ": the title is text");
  }
  if (["one", "two", "many"].includes(kind)) await use(page, file, kind, { count, rows, shot });
  expect(errors.length === 0, file + ": " + errors.join("; "));
  await page.close();
}

// The middle of a point of the front on the plane.
async function pointOfFront(page, place) {
  return page.evaluate((k) => {
    const chart = echarts.getInstanceByDom(document.getElementById("plane"));
    const s = chart.getOption().series.findIndex((one) => one.name === "front" && one.symbolSize === 11);
    const data = chart.getOption().series[s].data;
    const at = chart.convertToPixel({ seriesIndex: s }, data[Math.min(k, data.length - 1)]);
    const box = chart.getDom().getBoundingClientRect();
    return [box.x + at[0], box.y + at[1]];
  }, place);
}

async function use(page, file, kind, { count, rows, shot }) {
  // Hover and click.
  const at = await pointOfFront(page, 1);
  await page.mouse.move(...at);
  await page.waitForTimeout(200);
  expect(await page.locator(".tip:visible").count() > 0, file + ": hovering tells of a point");
  const before = await page.textContent("#h-detail");
  await page.mouse.click(...(await pointOfFront(page, 0)));
  await page.waitForTimeout(200);
  const clicked = await page.textContent("#h-detail");
  // The keyboard: along the front, then down the table.
  await page.focus("#plane");
  await page.keyboard.press("ArrowRight");
  await page.waitForTimeout(100);
  const walked = await page.textContent("#h-detail");
  const members = await page.evaluate(() => JSON.parse(document.getElementById("data").textContent).studies[0].front.length);
  expect(members < 2 || new Set([before, clicked, walked]).size > 1, file + ": clicks and keys choose trials of the front");
  await page.locator("#table tbody tr").first().focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForTimeout(100);
  expect(await page.locator('#table tbody tr[aria-selected="true"]').count() === 1, file + ": Enter chooses a row");
  const [name] = await page.locator('#table tbody tr[aria-selected="true"] td').allTextContents();
  expect((await page.textContent("#h-detail")).includes(name), file + ": and shows it");
  // Sort, both ways.
  const first = () => page.locator("#table tbody tr:first-child td").allTextContents();
  await page.locator("#table th button", { hasText: "parameters" }).click();
  const up = await first();
  await page.locator("#table th button", { hasText: "parameters" }).click();
  expect((await first()).join() !== up.join(), file + ": sorting turns round");
  expect(await page.locator("#table th[aria-sort]").count() === 1, file + ": and says so");
  // Filter by words, then by the brush; both act on the table.
  const [all] = await count();
  const timed = await page.evaluate(async () => {
    const box = document.getElementById("query");
    const median = [...document.querySelectorAll("#x option")].map((o) => o.value).includes("parameters");
    box.value = median ? "parameters < 10 k" : "";
    const begun = performance.now();
    box.dispatchEvent(new Event("input"));
    await new Promise((done) => { const o = new MutationObserver(() => { o.disconnect(); done(); }); o.observe(document.getElementById("count"), { childList: true }); });
    const counted = performance.now();
    await new Promise(requestAnimationFrame);
    return [counted - begun - 120, performance.now() - begun - 120];
  });
  if (kind === "many") console.log("filtered after " + timed.map((t) => Math.round(t)).join(" to ") + " ms");
  const [few] = await count();
  expect(few < all && few > 0, file + ": words filter (" + few + " of " + all + ")");
  await page.fill("#query", "latancy < 3");
  await page.waitForTimeout(300);
  expect((await page.textContent("#problem")).includes("neither a metric nor a gene"), file + ": and say what is wrong");
  await page.click("#clear");
  await page.evaluate(() => echarts.getInstanceByDom(document.getElementById("plane")).dispatchAction(
    { type: "takeGlobalCursor", key: "brush", brushOption: { brushType: "rect", brushMode: "single" } }));
  const box = await page.locator("#plane").boundingBox();
  await page.mouse.move(box.x + 90, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.5, box.y + box.height * 0.55, { steps: 6 });
  await page.mouse.up();
  await page.waitForTimeout(500);
  const [brushed] = await count();
  expect(brushed < all, file + ": the brush filters (" + brushed + " of " + all + ")");
  await shot("brushed");
  await page.click("#clear");
  await page.waitForTimeout(200);
  expect((await count())[0] === all, file + ": and lets go");
  // Only the front; colours; CSV; dark.
  await page.check("#front");
  expect((await count())[0] < all, file + ": only the front");
  await page.uncheck("#front");
  await page.selectOption("#color", { index: 3 });
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#export")]);
  const csv = fs.readFileSync(await download.path(), "utf8").trimEnd().split("\r\n");
  expect(csv.length === all + 1, file + ": CSV has a line a trial");
  expect(csv[0].startsWith("study,trial,state,front,"), file + ": and a head");
  await page.click("#theme");
  await page.waitForTimeout(300);
  expect(await page.evaluate(() => document.documentElement.dataset.theme) === "dark", file + ": dark");
  await shot("dark");
  if (kind === "two") expect((await page.textContent("#title")).includes(" and "), file + ": both are named");
  await page.setViewportSize({ width: 420, height: 800 });
  await page.waitForTimeout(300);
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= 430), file + ": fits a phone");
  await shot("narrow");
}

(async () => {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
                                          args: ["--no-sandbox", "--allow-file-access-from-files"] });
  const pairs = process.argv.slice(2);
  for (let i = 0; i + 1 < pairs.length; i += 2) await check(browser, pairs[i], pairs[i + 1]);
  await browser.close();
  process.exit(wrong);
})().catch((error) => { console.log(String(error)); process.exit(1); });
