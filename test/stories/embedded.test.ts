import assert from "node:assert/strict";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openHome, runDavit } from "@davit/cli/testing/run-davit.ts";
import { AccountDocument } from "@davit/protocol";
import type { Page } from "puppeteer-core";
import { labAvailability } from "../lab/availability.ts";
import { openLaboratory } from "../lab/laboratory.ts";
import { pollUntil } from "../lab/process/poll.ts";
import { browserSkip, openBrowser } from "../page/open-browser.ts";
import { environment, startEverything } from "./start-everything.ts";

// Nothing but `davit start` on one machine: the embedded broker under a real Home Assistant, and the page in a real browser.

const availability = await labAvailability();
/** Of the one folder that is backed up. */
const folderEntity = /_path-.*-[0-9a-f]{8}_(.*)$/;

async function openFolder(parent: string): Promise<string> {
	const folder = join(parent, "photos");
	await mkdir(folder);
	await writeFile(join(folder, "one.jpg"), Buffer.alloc(2_000_000, "davit"));
	return folder;
}

test("the newest Home Assistant is served by the embedded broker over MQTT 5: discovery, press, event, removal", {
	skip: availability.homeAssistant ?? false,
}, async ({ signal }) => {
	await using home = await openHome();
	await using parent = await openHome();
	await using _davit = await startEverything(home.path, ["--folder", await openFolder(parent.path)]);
	await using lab = await openLaboratory({ homeAssistant: [{ version: "2026.11.0" }] }, signal);
	const homeAssistant = lab.homeAssistant();
	const account = await runDavit(home.path, ["account", "ha", "--json"], environment);
	const { address, port, username, password } = AccountDocument.parse(account.lines[0]);
	await homeAssistant.mark();
	await homeAssistant.setBroker({ host: address, port, username, password });
	const entity = (suffix: string) =>
		pollUntil(
			async () => {
				const entities = await homeAssistant.registryEntities();
				// The folder's: the host has such entities, too.
				const found = entities.find((its) => folderEntity.exec(String(its["unique_id"]))?.[1] === suffix);
				return found === undefined ? undefined : String(found["entity_id"]);
			},
			{ what: suffix, timeoutMs: 20_000, signal },
		);
	const state = await entity("backup_state");
	await homeAssistant.waitForState(state, (its) => its.state === "idle");
	await homeAssistant.callService("button", "press", { entity_id: await entity("back_up") });
	await homeAssistant.waitForState(state, (its) => its.state === "succeeded");
	const job = await homeAssistant.waitForState(
		await entity("job"),
		(its) => its.attributes["event_type"] !== null,
	);
	assert.equal(job.attributes["event_type"], "backup_completed");
	assert.equal(job.attributes["asked_by"], "home-assistant");
	await homeAssistant.waitForState(await entity("last_good_backup"), (its) => its.state !== "unknown");
	await homeAssistant.restart();
	await homeAssistant.waitForState(state, (its) => its.state === "succeeded", 30_000);
	const complaints = (await homeAssistant.complaints()).filter((line) =>
		/davit|Schema|discovery|protocol/i.test(line),
	);
	assert.deepEqual(complaints, []);
});

/** The first button that says so. */
async function press(tab: Page, words: string): Promise<void> {
	const control = await tab.waitForSelector(`main button ::-p-text(${words})`);
	assert.ok(control, words);
	await Promise.all([tab.waitForNavigation({ waitUntil: "load" }), control.click()]);
}

async function untilVerdict(tab: Page, words: string): Promise<void> {
	const verdict = await tab.waitForSelector("h1");
	await tab.waitForFunction((one, text) => one?.textContent?.includes(text) === true, {}, verdict, words);
}

test("in a browser, with nothing but davit start, a folder is backed up, restored by name and the restore undone", {
	skip: browserSkip,
}, async () => {
	await using home = await openHome();
	await using parent = await openHome();
	const folder = await openFolder(parent.path);
	const photo = join(folder, "one.jpg");
	const before = await readFile(photo);
	await using davit = await startEverything(home.path, ["--folder", folder]);
	await using chrome = await openBrowser();
	const tab = await chrome.newTab();
	await tab.goto(String(davit.welcome["link"]));
	const resources = await tab.waitForSelector('::-p-aria([name="Resources"][role="link"])');
	await Promise.all([tab.waitForNavigation(), resources?.click()]);
	const row = await tab.waitForSelector("main table a");
	await Promise.all([tab.waitForNavigation(), row?.click()]);
	const resourceUrl = tab.url();
	await press(tab, "Back up");
	await untilVerdict(tab, "done");
	await rm(photo);
	await writeFile(join(folder, "stranger"), "x");
	await tab.goto(resourceUrl);
	const restore = await tab.waitForSelector("main button ::-p-text(Restore)");
	await Promise.all([tab.waitForNavigation(), restore?.click()]);
	assert.match(await tab.$eval("#plan", ({ textContent }) => textContent ?? ""), /1/);
	await tab.type("input[name=confirm]", folder);
	await press(tab, "Restore");
	await untilVerdict(tab, "done");
	assert.ok(before.equals(await readFile(photo)));
	await assert.rejects(readFile(join(folder, "stranger")), { code: "ENOENT" });
	await press(tab, "Undo…");
	await tab.type("input[name=confirm]", folder);
	await press(tab, "Undo");
	await untilVerdict(tab, "done");
	await assert.rejects(readFile(photo), { code: "ENOENT" });
	assert.equal(await readFile(join(folder, "stranger"), "utf8"), "x");
});
