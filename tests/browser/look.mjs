// Opens pages in headless Chromium: no error on the console, no request leaves the page, one picture for each leg.
//
//   node look.mjs CHROMIUM OUT_DIR PAGE.html=LEGS …

import { mkdtempSync, mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [executablePath, out, ...pages] = process.argv.slice(2);
if (!executablePath || !out || pages.length === 0) {
  console.error("usage: node look.mjs CHROMIUM OUT_DIR PAGE.html=LEGS …");
  process.exit(2);
}

const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const faults = [];
let looked = 0;

/** One page in one colour scheme; what is wrong with it. */
async function look(context, file, legs, scheme, width) {
  const page = await context.newPage();
  const found = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) found.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => found.push(`error: ${error.message}`));
  const url = pathToFileURL(resolve(file)).href;
  page.on("request", (request) => {
    const to = request.url();
    if (to !== url && !to.startsWith("data:")) found.push(`a request leaves the page: ${to}`);
  });
  await page.emulateMedia({ colorScheme: scheme });
  await page.setViewportSize({ width, height: 900 });
  await page.goto(url, { waitUntil: "load" });
  const charts = await page.locator("svg.chart").count();
  if (legs !== null && charts !== legs) found.push(`expected ${legs} pictures of legs, found ${charts}`);
  // A picture without a band, a line or a label shows nothing.
  const bare = await page.locator("svg.chart").evaluateAll((all) =>
    all.filter((one) => {
      const box = one.getBoundingClientRect();
      const drawn = one.querySelectorAll("path.band, path.rest, path.cross").length;
      return box.width < 100 || box.height < 40 || drawn < 2 || !one.getAttribute("aria-label");
    }).length,
  );
  if (bare > 0) found.push(`${bare} pictures show nothing`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  if (wide) found.push(`the page is wider than a window of ${width}`);
  const dim = await page.evaluate(contrasts);
  found.push(...dim);
  await page.screenshot({ path: join(out, `${basename(file, ".html")}-${scheme}-${width}.png`), fullPage: true });
  await page.close();
  looked += 1;
  faults.push(...found.map((fault) => `${file} (${scheme}, ${width}): ${fault}`));
}

/** Texts whose contrast to the page's ground is below 4.5 (WCAG AA). */
function contrasts() {
  const light = (colour) => {
    const parts = colour.match(/[\d.]+/g).slice(0, 3).map((part) => {
      const share = Number(part) / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!/rgba\(0, 0, 0, 0\)|transparent/.test(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const seen = new Set();
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== "");
    if (!own || element.tagName === "title" || element.closest(".hidden")) continue;
    const style = getComputedStyle(element);
    const colour = element instanceof SVGElement ? style.fill : style.color;
    if (!/^rgb/.test(colour)) continue;
    const [one, other] = [light(colour), light(ground(element))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) seen.add(`contrast ${ratio.toFixed(2)} of ${colour} in <${element.tagName} class="${element.getAttribute("class")}">`);
  }
  return [...seen];
}

mkdirSync(out, { recursive: true });
const profile = mkdtempSync(join(tmpdir(), "alchemiser-browser-"));
const context = await chromium.launchPersistentContext(profile, { executablePath, headless: true, args });
try {
  for (const word of pages) {
    const [file, legs] = word.split("=");
    const count = legs === undefined ? null : Number(legs);
    for (const scheme of ["light", "dark"]) await look(context, file, count, scheme, 1100);
    await look(context, file, count, "light", 400);
  }
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
}
for (const fault of faults) console.error(fault);
console.log(`${looked} views of ${pages.length} pages, ${faults.length} faults; screenshots in ${out}`);
process.exit(faults.length === 0 ? 0 : 1);
