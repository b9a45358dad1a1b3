import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { AxeResults } from "axe-core";
import type { Page } from "puppeteer-core";
import { openMemoryDesk } from "./desk.ts";
import { browserSkip, type OpenBrowser, openBrowser } from "./open-browser.ts";
import { type OpenPage, openPage } from "./open-page.ts";
import { emptyFleet, type Screen, screensOf } from "./screens.ts";

const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What axe finds on a page, each with where it found it. */
async function violations(tab: Page, axe: string, { rules }: { rules?: string[] } = {}): Promise<string[]> {
	await tab.evaluate(axe);
	const only = JSON.stringify(rules ?? tags);
	const found: unknown = await tab.evaluate(`axe.run(document, { runOnly: ${only} })`);
	// axe.run resolves to its results; they crossed the wire as JSON.
	const { violations: broken, passes } = found as AxeResults;
	assert.ok(passes.length > (rules === undefined ? 10 : 0), "axe looked at nothing");
	return broken.flatMap(({ id, nodes }) =>
		nodes.map(({ target, html }) => `${id}: ${target.join(" ")} ${html}`),
	);
}

describe("every screen", { skip: browserSkip, timeout: 240_000 }, () => {
	let chrome: OpenBrowser;
	let axe: string;
	before(async () => {
		chrome = await openBrowser();
		axe = await readFile(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");
	});
	after(() => chrome[Symbol.asyncDispose]());

	async function open(page: OpenPage): Promise<{ tab: Page; screens: Screen[] }> {
		const tab = await chrome.newTab();
		await tab.goto(page.server.makePageLink());
		await tab.waitForSelector("#needs");
		return { tab, screens: await screensOf(page) };
	}

	test("has nothing that axe finds, in light colours and in dark ones", async () => {
		await using page = await openPage();
		const { tab, screens } = await open(page);
		const found: string[] = [];
		for (const { name, path } of screens) {
			await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
			await tab.goto(`${page.server.url}${path}`);
			found.push(...(await violations(tab, axe)).map((line) => `${name}, light: ${line}`));
			await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
			const dark = await violations(tab, axe, { rules: ["color-contrast", "link-in-text-block"] });
			found.push(...dark.map((line) => `${name}, dark: ${line}`));
		}
		assert.deepEqual(found, []);
	});

	test("has nothing that axe finds when there is nothing yet, at the door, and when it is not connected", async () => {
		const page = await openPage({ desk: openMemoryDesk(emptyFleet()) });
		const tab = await chrome.newTab();
		await tab.goto(page.server.url);
		const found = await violations(tab, axe);
		await tab.goto(page.server.makePageLink());
		await tab.waitForSelector("#needs");
		for (const path of ["resources", "archives", "runs", "schedules", "hosts", ""]) {
			await tab.goto(`${page.server.url}${path}`);
			found.push(...(await violations(tab, axe)).map((line) => `${path}: ${line}`));
		}
		await page[Symbol.asyncDispose]();
		await tab.waitForSelector("#stale:not([hidden])");
		found.push(...(await violations(tab, axe)));
		assert.deepEqual(found, []);
	});

	test("has nothing that axe finds on Recovery with a kit and with one that is out of date, nor after a rescan", async () => {
		await using page = await openPage();
		const { tab } = await open(page);
		const found: string[] = [];
		for (const state of ["saved", "stale"] as const) {
			page.desk.recoveryState = state;
			await tab.goto(`${page.server.url}recovery`);
			assert.match(await tab.$eval("h1", ({ textContent }) => textContent ?? ""), /recovery kit/);
			found.push(...(await violations(tab, axe)).map((line) => `recovery, ${state}: ${line}`));
		}
		await tab.goto(`${page.server.url}hosts/nas`);
		await Promise.all([tab.waitForNavigation(), tab.click("#rescan button")]);
		await tab.waitForSelector("#rescanned");
		found.push(...(await violations(tab, axe)).map((line) => `rescanned: ${line}`));
		assert.deepEqual(found, []);
	});

	test("is read at 320 pixels without moving sideways, has one h1, and no control under 24 pixels", async () => {
		await using page = await openPage();
		const { tab, screens } = await open(page);
		await tab.setViewport({ width: 320, height: 640 });
		for (const { name, path } of screens) {
			await tab.goto(`${page.server.url}${path}`);
			const width = await tab.$eval("html", ({ scrollWidth }) => scrollWidth);
			assert.ok(width <= 320, `${name} is ${width} pixels wide`);
			assert.equal(await tab.$$eval("h1", ({ length }) => length), 1, name);
			const controls = "main button, main select, main input:not([type=hidden])";
			const heights = await tab.$$eval(controls, (found) =>
				found.map((one) => one.getBoundingClientRect().height),
			);
			assert.ok(
				heights.every((height) => height >= 24),
				`${name}: ${heights.join()}`,
			);
		}
	});
});
