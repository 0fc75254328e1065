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
      const drawn = one.querySelectorAll(".band, .rest, .cross").length;
      return box.width < 100 || box.height < 40 || drawn < 2 || !one.getAttribute("aria-label");
    }).length,
  );
  if (bare > 0) found.push(`${bare} pictures show nothing`);
  found.push(...(await page.evaluate(layout)));
  found.push(...(await page.evaluate(unexplained)));
  const dim = await page.evaluate(contrasts);
  found.push(...dim);
  await page.screenshot({ path: join(out, `${basename(file, ".html")}-${scheme}-${width}.png`), fullPage: true });
  await page.close();
  looked += 1;
  faults.push(...found.map((fault) => `${file} (${scheme}, ${width}): ${fault}`));
}

/** Numbers without a word on how they are made. */
function unexplained() {
  const cells = [...document.querySelectorAll("td.r, dl.facts dd, .cards b")];
  const bare = cells.filter((cell) => /\d/.test(cell.textContent) && !cell.querySelector("[title], code") && !cell.closest("[title]"));
  return bare.map((cell) => `nothing explains "${cell.textContent.trim()}" in <${cell.tagName}>`);
}

/** The page as it is printed: on white, and no table or picture wider than the paper. */
async function print(context, file) {
  const page = await context.newPage();
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  await page.setViewportSize({ width: 794, height: 1123 });
  await page.goto(pathToFileURL(resolve(file)).href, { waitUntil: "load" });
  const ground = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  faults.push(...(await page.evaluate(layout)).map((fault) => `${file} (print): ${fault}`));
  if (ground !== "rgb(255, 255, 255)") faults.push(`${file} (print): the ground is ${ground}`);
  await page.screenshot({ path: join(out, `${basename(file, ".html")}-print.png`), fullPage: true });
  await page.pdf({ path: join(out, `${basename(file, ".html")}.pdf`), format: "A4" });
  await page.close();
  looked += 1;
}

/** What does not fit: the page, a picture, a table that nobody can reach or name. */
function layout() {
  const found = [];
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) found.push(`the page is ${scrollWidth} wide in a window of ${clientWidth}`);
  for (const element of document.querySelectorAll("body *")) {
    const style = getComputedStyle(element);
    const scrolls = /auto|scroll/.test(style.overflowX);
    if (scrolls && (element.tabIndex !== 0 || !element.getAttribute("aria-label"))) {
      found.push(`<${element.tagName} class="${element.className}"> scrolls, and has no label or cannot be reached by keyboard`);
    }
    if (scrolls && element.querySelector("svg")) found.push("a picture scrolls");
  }
  for (const text of document.querySelectorAll("figure > svg text")) {
    const box = text.getBoundingClientRect();
    const shown = box.width > 0;
    if (shown && (box.left < 0 || box.right > clientWidth)) found.push(`"${text.textContent}" of a picture is cut off`);
    if (shown && box.height < 9) found.push(`"${text.textContent}" of a picture is ${box.height} high`);
  }
  return found;
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
    for (const scheme of ["light", "dark"]) await look(context, file, count, scheme, 390);
    await print(context, file);
  }
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
}
for (const fault of faults) console.error(fault);
console.log(`${looked} views of ${pages.length} pages, ${faults.length} faults; screenshots in ${out}`);
process.exit(faults.length === 0 ? 0 : 1);
