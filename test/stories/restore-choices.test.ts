import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { openHome } from "@davit/cli/testing/run-davit.ts";
import type { Page } from "puppeteer-core";
import { browserSkip, type OpenBrowser, openBrowser } from "../page/open-browser.ts";
import { type Started, startEverything } from "./start-everything.ts";

// The form of a restore in a real browser, over a real `davit start`: some paths, a merge, something new; each by its plan.

type Files = Readonly<Record<string, string>>;

const good: Files = { "one.jpg": "a photo", "notes/a.txt": "a", "notes/b.txt": "b" };
const damaged: Files = { "one.jpg": "encrypted", "notes/a.txt": "changed", stranger: "pay here" };

describe("in a browser, with nothing but davit start", { skip: browserSkip, timeout: 180_000 }, () => {
	const opened = new AsyncDisposableStack();
	let chrome: OpenBrowser;
	let davit: Started;
	let tab: Page;
	let photos: string;
	let elsewhere: string;
	let archiveUrl: string;

	before(async () => {
		const home = opened.use(await openHome());
		const parent = opened.use(await openHome());
		[photos, elsewhere] = [join(parent.path, "photos"), join(parent.path, "elsewhere")];
		await mkdir(join(photos, "notes"), { recursive: true });
		await mkdir(elsewhere);
		await write(good);
		davit = opened.use(await startEverything(home.path, ["--folder", photos, "--folder", elsewhere]));
		chrome = opened.use(await openBrowser());
		tab = await chrome.newTab();
		await tab.goto(String(davit.welcome["link"]));
		await tab.goto(addressOf(photos));
		await press("Back up");
		await untilDone();
		await tab.goto(addressOf(photos));
		const archive = await tab.waitForSelector("#archives tbody th a");
		await Promise.all([tab.waitForNavigation(), archive?.click()]);
		archiveUrl = tab.url();
	});
	after(() => opened.disposeAsync());

	test("one file out of what an archive holds is restored alone, and the restore undone", async () => {
		await damage();
		await tab.goto(archiveUrl);
		await follow("See what it holds");
		await follow("Restore… one.jpg");
		assert.equal(await tab.$eval("textarea[name=paths]", ({ value }) => value), "one.jpg");
		assert.equal(await tab.$eval("input[name=what][value=chosen]", ({ checked }) => checked), true);
		const plan = await showPlan();
		assert.match(plan, /Only\s*one\.jpg/);
		assert.match(plan, /Replaces\s*1 entry.*Adds\s*0 entries.*Removes\s*0 entries/s);
		await confirm("Restore");
		assert.deepEqual(await read(photos), { ...damaged, "one.jpg": "a photo" });
		await press("Undo…");
		await confirm("Undo");
		assert.deepEqual(await read(photos), damaged);
	});

	test("an archive is merged over what is there and removes nothing, and the merge is undone", async () => {
		await damage();
		await tab.goto(archiveUrl);
		await tab.click("input[name=where][value=merge]");
		const plan = await showPlan();
		assert.match(plan, /Replaces\s*2 entries.*Adds\s*1 entry.*Removes\s*0 entries/s);
		await confirm("Restore");
		assert.deepEqual(await read(photos), { ...good, stranger: "pay here" });
		await press("Undo…");
		await confirm("Undo");
		assert.deepEqual(await read(photos), damaged);
	});

	test("an archive is restored as something new, and what is there is not touched", async () => {
		await damage();
		await tab.goto(archiveUrl);
		await tab.click("input[name=where][value=beside]");
		const then = join(elsewhere, "then");
		await tab.$eval("input[name=as]", (input) => {
			input.value = "";
		});
		await tab.type("input[name=as]", then);
		const plan = await showPlan();
		assert.match(plan, /Removes\s*0 entries.*Keeps\s*everything that is there/s);
		await confirm("Restore");
		assert.deepEqual(await read(then), good);
		assert.deepEqual(await read(photos), damaged);
	});

	function addressOf(folder: string): string {
		const resources = davit.welcome["resources"] as string[]; // davit/start/1 has a list of addresses
		const address = resources.find((one) => one.endsWith(folder)) ?? "";
		const slash = address.indexOf("/");
		const path = `resources/${address.slice(0, slash)}/${encodeURIComponent(address.slice(slash + 1))}`;
		return new URL(path, new URL("/", String(davit.welcome["link"]))).href;
	}

	async function write(files: Files): Promise<void> {
		for (const [name, text] of Object.entries(files)) await writeFile(join(photos, name), text);
	}

	/** As `damaged` says, whatever was there before. */
	async function damage(): Promise<void> {
		for (const name of Object.keys(await read(photos))) await rm(join(photos, name));
		await write(damaged);
	}

	/** Every file of a folder. */
	async function read(folder: string): Promise<Files> {
		const entries = await readdir(folder, { recursive: true, withFileTypes: true });
		const files = entries.filter((entry) => entry.isFile());
		const texts = files.map(async (entry) => {
			const path = join(entry.parentPath, entry.name);
			return [path.slice(folder.length + 1), await readFile(path, "utf8")] as const;
		});
		return Object.fromEntries(await Promise.all(texts));
	}

	async function press(words: string): Promise<void> {
		const control = await tab.waitForSelector(`main button ::-p-text(${words})`);
		assert.ok(control, words);
		await Promise.all([tab.waitForNavigation({ waitUntil: "load" }), control.click()]);
	}

	async function follow(name: string): Promise<void> {
		const link = await tab.waitForSelector(`::-p-aria([name="${name}"][role="link"])`);
		assert.ok(link, name);
		await Promise.all([tab.waitForNavigation({ waitUntil: "load" }), link.click()]);
	}

	async function showPlan(): Promise<string> {
		await press("3 Show the plan");
		return tab.$eval("#plan", ({ textContent }) => textContent ?? "");
	}

	/** Types the name that the plan asks for, and waits until it was carried out. */
	async function confirm(verb: string): Promise<void> {
		const name = await tab.$eval("#act h2 code", ({ textContent }) => textContent ?? "");
		await tab.type("input[name=confirm]", name);
		await press(verb);
		await untilDone();
	}

	async function untilDone(): Promise<void> {
		const verdict = await tab.waitForSelector("h1");
		await tab.waitForFunction((one) => one?.textContent?.includes("done") === true, {}, verdict);
	}
});
