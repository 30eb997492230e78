// Chromium over the pages, as a lead and an auditor use them. Started by tests/scenario/browser_test.py with a JSON
// object on the command line: url, password, people: {role: {name, key}}, pictures (a folder, or empty).
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const given = JSON.parse(process.argv[2]);
const axe = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const problems = [];
const check = (fact, what) => {
  if (!fact) problems.push(what);
};
const began = Date.now();
const say = (what) => console.error(`${((Date.now() - began) / 1000).toFixed(1)} s ${what}`);

function codeOf(key) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  let bits = "";
  for (const c of key.replaceAll(" ", "")) bits += letters.indexOf(c).toString(2).padStart(5, "0");
  const secret = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000)));
  const digest = crypto.createHmac("sha1", secret).update(step).digest();
  const at = digest[19] & 15;
  return String((digest.readUInt32BE(at) & 0x7fffffff) % 1e6).padStart(6, "0");
}

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

// axe-core is put in by the test, past the pages' own rule against scripts; the pages themselves have none.
async function look(page, name) {
  say(name);
  const html = await page.content();
  check(html.includes("SIMULATION"), `${name} does not say SIMULATION`);
  await page.evaluate(axe);
  const found = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  for (const each of found.violations)
    problems.push(`${name}: ${each.id}: ${each.help}: ${each.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(" | ")}`);
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  check(wider <= 0, `${name} is ${wider} pixels wider than the window`);
  if (given.pictures) await page.screenshot({ path: path.join(given.pictures, `${name}.png`), fullPage: true });
}

async function enter(role, options = {}) {
  const context = await browser.newContext({ bypassCSP: true, ...options });
  const page = await context.newPage();
  page.on("pageerror", (e) => problems.push(`an error on the page: ${e}`));
  page.on("request", (r) => check(r.url().startsWith(given.url), `asked for ${r.url()}`));
  await page.goto(`${given.url}/login`);
  return page;
}

// Presses what leads to another page, and waits until that page is whole: a click alone may be over before the form
// has left, and what is looked at next would be the page from before.
async function press(page, what) {
  await Promise.all([page.waitForEvent("load"), typeof what === "string" ? page.click(what) : what.click()]);
}

async function logIn(page, role) {
  await page.fill("#name", given.people[role].name);
  await page.fill("#password", given.password);
  await page.fill("#code", codeOf(given.people[role].key));
  await press(page, "main button");
  check(!page.url().includes("login"), `${role} could not log in`);
}

// The lead: log-in, today, an alert, its evidence to the entry, and back in time.
const page = await enter("lead", { viewport: { width: 1280, height: 800 } });
await look(page, "login");
await logIn(page, "lead");
await look(page, "today");
const state = await page.context().storageState();
const firstAlert = async () => {
  await page.goto(`${given.url}/alerts`);
  if ((await page.locator("table.alerts tbody tr").count()) === 0) await page.goto(`${given.url}/baseline`);
  return page.locator("table.alerts tbody tr a[href^='/alerts/']").first();
};
await press(page, await firstAlert());
check(/\/alerts\/\d+$/.test(page.url()), "the alert did not open");
const alert = page.url();
await look(page, "alert");
await press(page, page.locator("table a[href^='/entries/']").first());
check(/\/entries\/\d+$/.test(page.url()), "the evidence did not lead to its entry");
await look(page, "entry");
await page.goto(alert);
await press(page, page.locator("dl a[href^='/pupils/']"));
const pupil = page.url();
await look(page, "pupil");
for (const name of ["calls", "reports", "alerts", "baseline", "pupils", "groups", "findings", "statements", "sources", "ledger", "rules"]) {
  await page.goto(`${given.url}/${name}`);
  await look(page, name);
}
// A rule: how a pupil stands to it, and what other thresholds would have raised.
await page.goto(pupil);
await press(page, page.locator("a[href^='/rules/why']"));
check((await page.locator("section.rule").count()) > 3, "the pupil's standing to the rules is not shown");
await look(page, "why");
await page.goto(`${given.url}/rules`);
await press(page, page.locator("a[href^='/rules/backtest?rule=penalty-notice']").first());
await page.locator("input[name^='stage_']").first().fill("2");
await press(page, page.locator("form.filter button"));
check((await page.content()).includes("met on the first day already"), "the backtest says nothing");
await look(page, "backtest");
// Reports: from the list to one of them, and one about the pupil.
await page.goto(`${given.url}/reports`);
await press(page, page.locator("dt a", { hasText: "Weekly attendance meeting" }));
await page.fill("#from", "2025-09-01");
await press(page, page.locator("form.filter button"));
check((await page.locator("main table tbody tr").count()) > 0, "the weekly meeting lists nothing");
const behind = page.locator("details.unnamed").first();
check(!(await behind.locator("a").isVisible()), "a name is shown before anybody asked");
await behind.locator("summary").click();
check(await behind.locator("a").isVisible(), "a press on a reference does not show the name");
await look(page, "report-weekly-meeting");
await page.selectOption("select[name='alert']", { index: 1 });
await page.fill("#decide textarea >> nth=0", "The tutor rings home.");
await page.fill("#decide input[name='owner']", "ann");
await page.fill("#decide input[name='due']", "2025-12-01");
await press(page, page.locator("#decide button").first());
check((await page.locator("main").innerText()).includes("The tutor rings home."), "what was decided is not an action");
await page.fill("#decide input[name='on']", "2025-11-14");
await press(page, "#decide button:has-text('Record the meeting')");
check((await page.locator("main").innerText()).includes("The last meeting was on 14 November 2025."), "the meeting is not recorded");
await look(page, "report-weekly-meeting-decided");
const meeting = page.url();
await page.goto(pupil);
await press(page, page.locator("a", { hasText: "evidence for a penalty notice" }));
await look(page, "report-penalty-evidence");
for (const name of ["targeting-support", "governors", "processing", "case-file"]) {
  await page.goto(`${given.url}/reports/${name}`);
  await look(page, `report-${name}`);
}
await page.goto(pupil);
await page.fill("#known-at", given.known_at);
await press(page, ".known button");
check((await page.locator(".past").innerText()).includes("As known at"), "known-at is not said");
check(new URL(page.url()).searchParams.get("known_at") !== null, "known-at is not in the address");
await look(page, "pupil-past");

// The lead decides: takes up, records what was done, closes with an outcome, and finds it in the ledger.
await page.goto(alert);
for (const step of ["take-up", "acknowledge"]) {
  const button = page.locator(`button[value='${step}']`);
  if ((await button.count()) > 0) await press(page, button);
}
check((await page.locator("dl .tag").first().innerText()) === "acknowledged", "the alert was not acknowledged");
await page.selectOption("select[name='action']", "call");
await page.locator("form:has(select) textarea").fill("Rang home; on the way.");
await press(page, page.locator("form:has(select) button"));
check((await page.locator(".deed").last().innerText()).includes("Rang home"), "the action is not on the page");
await look(page, "alert-decided");
await page.locator(".deed").last().locator("input[name='outcome']").fill("reached");
await press(page, page.locator(".deed").last().locator("button"));
check((await page.locator(".deed").last().innerText()).includes("reached"), "the action did not end");
await page.locator("form:has(h3:text-is('Close')) textarea").fill("Agreed with the tutor.");
await press(page, page.locator("form:has(h3:text-is('Close')) button"));
check((await page.locator("dl .tag").first().innerText()) === "resolved", "the alert was not closed");
await press(page, page.locator(".story li a").last());
check((await page.content()).includes("Agreed with the tutor."), "the decision is not in the ledger");

// First-day calling: a press of the next row's key is an attempt, and the page comes back at the row after it.
await page.goto(`${given.url}/calls`);
const called = await page.locator("#next .child a").first().innerText();
const waiting = await page.locator(".calls > li").count();
await press(page, page.locator("#next button[accesskey='1']"));
check(page.url().endsWith("/calls#next"), "the page of calls did not come back at the next row");
check((await page.locator("#next .child a").first().innerText()) !== called, "the same row is next again");
check((await page.locator(".calls > li").count()) === waiting, "who could not be reached is off the list");
await page.locator("#next input[name='text']").fill("At the dentist's.");
await press(page, page.locator("#next button[value='reached-explained']"));
check((await page.locator(".story").last().innerText()).includes("At the dentist's."), "what was found out is not shown");
await look(page, "calls-made");

// Several of the baseline at once.
await page.goto(`${given.url}/baseline`);
const group = page.locator("section form").first();
await group.locator("input[name^='alert_']").first().check();
await press(page, group.locator("button[value='park']"));
check((await page.locator(".tag:text-is('parked')").count()) > 0, "nothing of the baseline was parked");
await look(page, "baseline-parked");

// The same without JavaScript, at a phone's width, and in the dark.
for (const [suffix, options] of [
  ["phone", { viewport: { width: 375, height: 740 }, deviceScaleFactor: 2 }],
  ["dark", { viewport: { width: 1280, height: 800 }, colorScheme: "dark" }],
]) {
  const context = await browser.newContext({ bypassCSP: true, storageState: state, ...options });
  const other = await context.newPage();
  for (const [name, url] of [["today", `${given.url}/today`], ["alert", alert], ["pupil", pupil], ["calls", `${given.url}/calls`], ["baseline", `${given.url}/baseline`],
    ["groups", `${given.url}/groups`], ["governors", `${given.url}/reports/governors`], ["weekly-meeting", meeting]]) {
    await other.goto(url);
    await look(other, `${name}-${suffix}`);
  }
  await context.close();
}
{
  const context = await browser.newContext({ javaScriptEnabled: false, storageState: state });
  const other = await context.newPage();
  await other.goto(alert);
  await press(other, other.locator("table a[href^='/entries/']").first());
  check(/\/entries\/\d+$/.test(other.url()), "without JavaScript the evidence does not lead to its entry");
  // Every page says the same with and without it.
  for (const url of [alert, pupil, meeting, ...["today", "calls", "alerts", "baseline", "pupils", "groups", "findings", "statements",
    "sources", "ledger", "rules", "rules/why", "rules/backtest", "reports", "reports/governors"].map((p) => `${given.url}/${p}`)]) {
    const texts = [];
    for (const each of [page, other]) {
      await each.goto(url);
      texts.push(await each.locator("main").innerText());
    }
    check(texts[0].length > 40 && texts[0] === texts[1], `without JavaScript ${new URL(url).pathname} says something else`);
  }
  await context.close();
}
{
  if (given.pictures) {
    await page.goto(pupil);
    await page.pdf({ path: path.join(given.pictures, "pupil.pdf") });
  }
  await page.emulateMedia({ media: "print" });
  // A4 at 96 dots an inch, less a margin of 1 cm; a table of many columns prints across.
  const [narrow, broad] = [794 - 76, 1123 - 76];
  for (const [name, url] of [["pupil", pupil], ["alert", alert], ["weekly-meeting", meeting],
    ...["today", "calls", "groups", "findings", "statements", "ledger", "rules", "reports/governors", "reports/targeting-support"].map((p) => [p.replace("/", "-"), `${given.url}/${p}`])]) {
    await page.setViewportSize({ width: narrow, height: 1000 });
    await page.goto(url);
    if ((await page.locator("table.many").count()) > 0) await page.setViewportSize({ width: broad, height: 700 });
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    check(over <= 0, `${name} is ${over} pixels wider than the sheet`);
    if (given.pictures) await page.screenshot({ path: path.join(given.pictures, `${name}-print.png`), fullPage: true });
  }
  await page.emulateMedia({ media: "screen" });
  await page.setViewportSize({ width: 1280, height: 800 });
}

// The auditor verifies; no name is seen on the way.
const audit = await enter("auditor", { viewport: { width: 1280, height: 800 } });
await logIn(audit, "auditor");
check(audit.url().endsWith("/ledger"), "the auditor does not begin at the ledger");
await press(audit, "button:text-is('Verify now')");
await audit.waitForSelector(".verify .tag", { timeout: 60000 });
check((await audit.locator(".verify .tag").innerText()) === "verified", "the ledger does not verify");
await look(audit, "ledger-auditor");
// As known then, figures are those of then; what is taken away is checked outside of the browser.
await audit.goto(`${given.url}/groups`);
const figuresNow = await audit.locator("main table").first().innerText();
await audit.fill("#known-at", given.known_at);
await press(audit, ".known button");
check((await audit.locator(".past").innerText()).includes("As known at"), "known-at is not said to the auditor");
check((await audit.locator("main table").first().innerText()) !== figuresNow, "the figures as known then are those of now");
await look(audit, "groups-past");
await audit.goto(`${given.url}/ledger`);
const [bundle] = await Promise.all([audit.waitForEvent("download"), audit.click("button:text-is('Download the bundle')")]);
await bundle.saveAs(given.bundle);
await audit.goto(alert);
const words = await audit.content();
for (const name of given.names) check(!words.includes(name), "the auditor is shown a name");
await look(audit, "alert-auditor");

// The safeguarding lead opens the pupil to the auditor, who then sees the name, until it is closed again.
const dsl = await enter("dsl", { viewport: { width: 1280, height: 800 } });
await logIn(dsl, "dsl");
await dsl.goto(pupil);
const openTo = dsl.locator("form:has(input[value='open-pupil'])");
await openTo.locator("input[name='text']").fill("The plan is looked at.");
await press(dsl, openTo.locator("button"));
check((await dsl.getByText("Open to auditor since").count()) > 0, "the pupil was not opened");
await look(dsl, "pupil-opened");
const name = await dsl.locator("h1").innerText();
await audit.goto(pupil);
check((await audit.locator("h1").innerText()) === name, "the auditor is not shown who was opened");
await press(dsl, dsl.locator("form:has(input[value='close-pupil']) button"));
check((await dsl.getByText("Open to auditor since").count()) === 0, "the pupil was not closed again");
await audit.reload();
check(!(await audit.content()).includes(name), "the auditor is still shown who was closed");

// The safeguarding lead adds an export that came as a file: what it says is shown masked first.
await press(dsl, "nav a[href='/exports']");
await look(dsl, "exports");
await dsl.setInputFiles("input[type='file']", given.export);
await press(dsl, "button:text-is('Look through it')");
check((await dsl.locator("main").innerText()).includes("turned into a number"), "a spoilt row is not told");
check(!(await dsl.content()).includes("INC-"), "a value of the file is shown");
await look(dsl, "exports-waiting");
{
  const context = await browser.newContext({ bypassCSP: true, storageState: await dsl.context().storageState(), viewport: { width: 375, height: 740 }, deviceScaleFactor: 2 });
  const other = await context.newPage();
  await other.goto(`${given.url}/exports`);
  await look(other, "exports-waiting-phone");
  await context.close();
}
await press(dsl, "button:text-is('Add it')");
check((await dsl.locator("main").innerText()).includes("Added for cpoms"), "the export was not added");
await look(dsl, "exports-added");

// A pastoral account sees nobody, until the administrator gives it a scope.
const pastoral = await enter("pastoral", { viewport: { width: 1280, height: 800 } });
await logIn(pastoral, "pastoral");
await look(pastoral, "today-pastoral");
const admin = await enter("admin", { viewport: { width: 1280, height: 800 } });
await logIn(admin, "admin");
await admin.goto(`${given.url}/accounts`);
await admin.fill("input[aria-label='Scope of pastoral']", `year=${given.year}`);
await press(admin, admin.locator("tr:has(input[aria-label='Scope of pastoral']) button"));
check((await admin.inputValue("input[aria-label='Scope of pastoral']")) === `year=${given.year}`, "the scope is not kept");
await look(admin, "accounts");
await pastoral.reload();
check(pastoral.url().includes("/login"), "the session outlived the change of scope");

await browser.close();
for (const each of problems) console.log(each);
process.exit(problems.length ? 1 : 0);
