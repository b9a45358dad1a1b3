import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { HostName, PrincipalName } from "@davit/protocol";
import type { Page } from "puppeteer-core";
import { browserSkip, type OpenBrowser, openBrowser } from "./open-browser.ts";
import { type OpenPage, openPage } from "./open-page.ts";

/** A person knows a control by what it is called; so does this. */
async function press(tab: Page, name: string): Promise<void> {
	const control = await tab.waitForSelector(`main ::-p-aria(${name})`);
	assert.ok(control, name);
	await Promise.all([tab.waitForNavigation({ waitUntil: "load" }), control.click()]);
}

async function follow(tab: Page, name: string): Promise<void> {
	const link = await tab.waitForSelector(`::-p-aria([name="${name}"][role="link"])`);
	assert.ok(link, name);
	await Promise.all([tab.waitForNavigation({ waitUntil: "load" }), link.click()]);
}

const verdict = (tab: Page) =>
	tab.$eval("h1", ({ textContent }) => textContent?.trim().replaceAll(/\s+/g, " ") ?? "");

/** Waits until an element says so; a morph keeps the element. */
async function untilSays(tab: Page, selector: string, words: string): Promise<void> {
	const element = await tab.waitForSelector(selector);
	assert.ok(element, selector);
	await tab.waitForFunction((one, text) => one.textContent?.includes(text) === true, {}, element, words);
}

describe("a browser", { skip: browserSkip, timeout: 120_000 }, () => {
	let chrome: OpenBrowser;
	before(async () => {
		chrome = await openBrowser();
	});
	after(() => chrome[Symbol.asyncDispose]());

	async function enter(page: OpenPage, { scripts = true } = {}): Promise<Page> {
		const tab = await chrome.newTab();
		await tab.setJavaScriptEnabled(scripts);
		await tab.goto(page.server.makePageLink());
		await tab.waitForSelector("#needs");
		return tab;
	}

	for (const scripts of [true, false]) {
		const how = scripts ? "with JavaScript" : "without JavaScript";

		test(`backs up, cancels, restores by name and undoes, ${how}`, async () => {
			await using page = await openPage();
			const tab = await enter(page, { scripts });
			assert.match(await verdict(tab), /6 need you/);
			await press(tab, "Back up pi/volume:zigbee2mqtt");
			assert.match(await verdict(tab), /^Back up pi \/ zigbee2mqtt: running$/);
			const [run] = page.desk.fleet.runs;
			await press(tab, `Cancel ${run?.run}`);
			assert.match(await verdict(tab), /: cancelled$/);

			await follow(tab, "Resources");
			await follow(tab, "nas / grafana-data");
			const archive = page.desk.fleet.archives[0]?.id;
			await press(tab, `Restore… archive ${archive}: show the plan`);
			assert.match(await verdict(tab), /^Restore nas \/ grafana-data$/);
			const plan = await tab.$eval("#plan", ({ textContent }) => textContent ?? "");
			assert.match(plan, /1,204 entries/);
			await tab.type("input[name=confirm]", "grafana");
			await press(tab, "Restore");
			assert.match(await tab.$eval("#refusal", ({ textContent }) => textContent ?? ""), /not grafana-data/);
			await tab.type("input[name=confirm]", "grafana-data");
			await press(tab, "Restore");
			assert.match(await verdict(tab), /^Restore nas \/ grafana-data: running$/);

			page.desk.endRun(page.desk.fleet.runs[0]?.run ?? "", "succeeded");
			if (scripts) await untilSays(tab, "h1", "done");
			else await tab.reload();
			await press(tab, "Undo… show the plan");
			assert.match(await verdict(tab), /^Undo a restore of nas \/ grafana-data$/);
			await tab.type("input[name=confirm]", "grafana-data");
			await press(tab, "Undo");
			assert.match(await verdict(tab), /^Undo nas \/ grafana-data: running$/);
			assert.deepEqual(page.defects, []);
		});

		test(`backs up everything on a host, sees each part come to its end, and is not answered twice, ${how}`, async () => {
			await using page = await openPage();
			const tab = await enter(page, { scripts });
			await follow(tab, "Hosts");
			await follow(tab, "nas");
			await press(tab, "Back up everything");
			assert.match(await verdict(tab), /^Back up everything on nas: running$/);
			const [whole] = page.desk.fleet.runs;
			assert.deepEqual(page.desk.asked.at(-1)?.params, { host: "nas" });
			const rows = () =>
				tab.$$eval("#parts tbody tr", (found) =>
					found.map((row) => row.textContent?.trim().replaceAll(/\s+/g, " ") ?? ""),
				);
			assert.equal(
				(await rows()).length,
				page.desk.fleet.resources.filter(({ host }) => host === "nas").length,
			);
			assert.match((await rows()).join("\n"), /nas \/ gitea running copy 61 %/);
			assert.match((await rows()).join("\n"), /nas \/ paperless failed the backup .* code disk-full/);
			assert.match((await rows()).join("\n"), /nas \/ scratch waits for its turn/);

			const gitea = page.desk.fleet.runs.find(({ resource }) => resource === "volume:gitea");
			page.desk.endRun(String(gitea?.run), "succeeded");
			page.desk.change(`run:${whole?.run}`);
			if (scripts) await untilSays(tab, "#parts", "nas / gitea done");
			else await tab.reload();
			assert.match((await rows()).join("\n"), /nas \/ gitea done/);

			await follow(tab, "Hosts");
			await follow(tab, "nas");
			await press(tab, "Back up everything");
			assert.match(await tab.$eval("#verdict", ({ textContent }) => textContent ?? ""), /nothing runs twice/);
			assert.equal(page.desk.fleet.runs.filter(({ operation }) => operation === "host.backup").length, 1);
			assert.deepEqual(page.defects, []);
		});

		test(`says what a backup would do, copies a volume and rescans a host, ${how}`, async () => {
			await using page = await openPage();
			const tab = await enter(page, { scripts });
			await follow(tab, "Resources");
			await follow(tab, "nas / grafana-data");
			await follow(tab, "What would a backup do?");
			assert.match(await verdict(tab), /^What a backup of nas \/ grafana-data would do$/);
			const told = await tab.$eval("#preview", ({ textContent }) => textContent ?? "");
			for (const words of [/grafana, paused/, /about 1\.9 s/, /812 MB in 1,204 entries/, /412 GB are free/]) {
				assert.match(told, words);
			}
			assert.deepEqual(page.desk.asked, [], "nothing is done for it");
			await follow(tab, "nas / grafana-data");
			await tab.type("input[name=as]", "grafana-copy");
			await press(tab, "Copy it");
			assert.deepEqual(
				page.desk.asked.map(({ operation, params }) => [operation, params]),
				[["volume.copy", { volume: "grafana-data", as: "grafana-copy" }]],
			);

			await follow(tab, "Resources");
			await follow(tab, "nas / /srv/photos");
			assert.equal(await tab.$("input[name=as]"), null, "folders are not copied");
			await follow(tab, "What would a backup do?");
			assert.match(await verdict(tab), /: it cannot be done now$/);
			assert.notEqual(await tab.$("#act button[disabled]"), null);

			await tab.goto(`${page.server.url}hosts/nas`);
			await press(tab, "Rescan the archives of nas");
			const found = await tab.$eval("#rescanned", ({ textContent }) => textContent ?? "");
			assert.match(found, /8 archives of 4 resources, 4\.1 GB.* 1 archive damaged/);
			assert.match(found, /repository b2 could not be looked into: it does not answer/);
			assert.deepEqual(page.defects, []);
		});

		test(`invites a host and greets it, adds a schedule and removes it, ${how}`, async () => {
			await using page = await openPage();
			const tab = await enter(page, { scripts });
			await follow(tab, "Hosts");
			await tab.type("input[name=host]", "shed");
			await press(tab, "Make a one-time command");
			assert.match(
				await tab.$eval("#invitation pre", ({ textContent }) => textContent ?? ""),
				/davit host join /,
			);
			const nas = page.desk.fleet.hosts[0];
			assert.ok(nas);
			page.desk.fleet.hosts.push({ ...nas, host: HostName.parse("shed") });
			page.desk.change("host:shed");
			if (scripts) {
				await untilSays(tab, "#joining", "shed joined");
				assert.ok(await tab.$("#invitation"), "the command stays in sight");
			}
			await follow(tab, "Schedules");
			await tab.$eval("input[name=name]", (input) => {
				input.value = "weekly";
			});
			await press(tab, "Add the schedule");
			assert.match(await verdict(tab), /2 schedules/);
			await press(tab, "Remove schedule weekly");
			assert.match(await verdict(tab), /1 schedule works/);
			assert.deepEqual(page.defects, []);
		});
	}

	test("keeps what a person types and has opened while the page changes under it", async () => {
		await using page = await openPage();
		const tab = await enter(page);
		const [archive] = page.desk.fleet.archives;
		assert.ok(archive);
		const { host, resource, id } = archive;
		const wanted = { host, resource, action: { action: "restore", archive: id } } as const;
		const asker = PrincipalName.parse("page");
		const made = await page.desk.makePlan(wanted, asker, AbortSignal.timeout(1000));
		await tab.goto(`${page.server.url}plans/${made.plan}`);
		await untilSays(tab, "#liveness", "live");
		await tab.click("summary");
		await tab.type("input[name=confirm]", "graf");
		made.facts.replaces = 9;
		made.confirm = "grafana";
		page.desk.change("plan");
		await untilSays(tab, "#plan", "9 entries");
		await untilSays(tab, "#act h2", "Type grafana to go on");
		assert.equal(await tab.$eval("details", ({ open }) => open), true);
		assert.equal(await tab.$eval("input[name=confirm]", ({ value }) => value), "graf");
		assert.equal(await tab.$eval("input[name=confirm]", (input) => input.matches(":focus")), true);
		await tab.focus("summary");
		made.confirm = "grafana-data";
		page.desk.change("plan");
		await untilSays(tab, "#act h2", "Type grafana-data to go on");
		assert.equal(await tab.$eval("input[name=confirm]", ({ value }) => value), "graf");
	});

	test("says when nothing is heard any more, disables what cannot work, and finds back", async () => {
		const first = await openPage({ sessionKey: Buffer.alloc(32, 1) });
		const tab = await enter(first);
		await untilSays(tab, "#liveness", "live");
		const { port } = first.server;
		await first[Symbol.asyncDispose]();
		await tab.waitForSelector("#stale:not([hidden])");
		assert.match(
			await tab.$eval("#stale", ({ textContent }) => textContent ?? ""),
			/Runs go on at their hosts/,
		);
		assert.equal(await tab.$$eval("main button:not([disabled])", ({ length }) => length), 0);
		await using second = await openPage({
			desk: first.desk,
			sessionKey: Buffer.alloc(32, 1),
			http: { host: "127.0.0.1", port },
		});
		await tab.waitForSelector("#stale", { hidden: true });
		assert.notEqual(await tab.$$eval("main button:not([disabled])", ({ length }) => length), 0);
		assert.ok(second.server.port === port);
	});

	test("asks nobody but the coordinator, and its console stays silent", async () => {
		await using page = await openPage();
		const tab = await chrome.newTab();
		const asked: string[] = [];
		const words: string[] = [];
		tab.on("request", (request) => asked.push(request.url()));
		tab.on("console", (message) => words.push(message.text()));
		tab.on("pageerror", (error) => words.push(String(error)));
		await tab.goto(page.server.makePageLink());
		await tab.waitForSelector("#needs");
		await untilSays(tab, "#liveness", "live");
		const others = asked.filter((url) => !url.startsWith(page.server.url) && !url.startsWith("data:"));
		assert.deepEqual([others, words], [[], []]);
	});

	test("reads hostile names as they are, and runs nothing of them", async () => {
		await using page = await openPage();
		const tab = await enter(page);
		let dialogs = 0;
		tab.on("dialog", (dialog) => {
			dialogs += 1;
			dialog.dismiss().catch(() => undefined);
		});
		await tab.goto(`${page.server.url}resources`);
		const names = await tab.$$eval("tbody th", (cells) => cells.map(({ textContent }) => textContent ?? ""));
		assert.ok(names.includes(`pi / /srv/<b>⟨U+202E⟩fdp."x"&'y'`), names.join("\n"));
		await follow(tab, `pi / /srv/<b>⟨U+202E⟩fdp."x"&'y'`.replaceAll('"', '\\"'));
		assert.match(await verdict(tab), /is safe$/);
		assert.equal(dialogs, 0);
	});
});
