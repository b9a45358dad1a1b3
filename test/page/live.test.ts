import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import { PrincipalName, RunDocument, StatusDocument } from "@davit/protocol";
import { ask, browserOf, open } from "./ask.ts";
import { type OpenPage, openPage } from "./open-page.ts";

interface SentEvent {
	readonly name: string;
	readonly id: string;
	readonly data: string;
}

/** The events of a stream as they come; it ends when the server ends it. */
async function* eventsOf(response: IncomingMessage): AsyncGenerator<SentEvent> {
	let rest = "";
	for await (const chunk of response.setEncoding("utf8")) {
		const parts = `${rest}${chunk}`.split("\n\n");
		rest = parts.pop() ?? "";
		for (const part of parts) {
			const field = (name: string) => new RegExp(`^${name}: ?(.*)$`, "m").exec(part)?.[1] ?? "";
			if (/^data/m.test(part)) yield { name: field("event"), id: field("id"), data: field("data") };
		}
	}
}

async function next(events: AsyncGenerator<SentEvent>): Promise<SentEvent> {
	const { value, done } = await events.next();
	assert.equal(done ?? false, false, "the stream ended");
	return value;
}

/** The ids of the parts that an event carries. */
function partsOf({ name, data }: SentEvent): { id: string; html: string }[] {
	assert.equal(name, "fragments");
	return JSON.parse(data);
}

async function follow(page: OpenPage, view: string, headers: Readonly<Record<string, string>> = {}) {
	const browser = await browserOf(page);
	const response = await open(page, `/live?view=${encodeURIComponent(view)}`, {
		on: "tcp",
		headers: { ...browser.headers, accept: "text/event-stream", ...headers },
	});
	return { browser, response, events: eventsOf(response) };
}

test("a run's document is sent at each change, and the stream ends with its last state", async () => {
	await using page = await openPage();
	const run = page.desk.fleet.runs[0]?.run ?? "";
	const response = await open(page, `/runs/${run}`, { headers: { accept: "text/event-stream" } });
	assert.equal(response.headers["content-type"], "text/event-stream; charset=utf-8");
	const events = eventsOf(response);
	assert.equal(RunDocument.parse(JSON.parse((await next(events)).data)).run.state, "running");
	page.desk.endRun(run, "succeeded");
	assert.equal(RunDocument.parse(JSON.parse((await next(events)).data)).run.state, "succeeded");
	assert.equal((await events.next()).done, true);
});

test("a run that ended already is sent once", async () => {
	await using page = await openPage();
	const run = page.desk.fleet.runs[1]?.run ?? "";
	const { text } = await ask(page, `/runs/${run}`, { headers: { accept: "text/event-stream" } });
	assert.equal(text.match(/^data: /gm)?.length, 1);
});

test("the live form of what does not exist is refused like its document", async () => {
	await using page = await openPage();
	const browser = await browserOf(page);
	const headers = { accept: "text/event-stream" };
	assert.equal((await ask(page, "/runs/raaaaaaaz", { headers })).status, 404);
	assert.equal((await browser.get("/live?view=%2Fnothing", headers)).status, 404);
	assert.equal((await browser.get("/live?view=%2Fhosts%2Fnone", headers)).status, 404);
});

test("who comes right after a change is never sent what stood before it", async () => {
	await using page = await openPage();
	const first = await follow(page, "/schedules");
	await next(first.events);
	const target = "nas/volume:gitea";
	const schedule = { name: "weekly", target, cron: "0 3 * * 0", timeZone: "UTC", jitterSeconds: 0 };
	page.desk.addSchedule({ schedule, confirm: "" }, PrincipalName.parse("page"));
	const second = await follow(page, "/schedules");
	const [verdict] = partsOf(await next(second.events)).filter(({ id }) => id === "verdict");
	assert.match(String(verdict?.html), /2 schedules/);
});

test("the status follows changes, and is not sent again when only its time moved", async () => {
	await using page = await openPage();
	const events = eventsOf(await open(page, "/", { headers: { accept: "text/event-stream" } }));
	StatusDocument.parse(JSON.parse((await next(events)).data));
	page.pass(5_000);
	page.desk.change("host:nas");
	const run = page.desk.fleet.runs[0]?.run ?? "";
	page.desk.endRun(run, "failed");
	const second = StatusDocument.parse(JSON.parse((await next(events)).data));
	assert.equal(second.now.length, 0);
});

test("only the parts of a page that changed are sent, with the viewer's own token", async () => {
	await using page = await openPage();
	const { events, browser, response } = await follow(page, "/");
	const first = partsOf(await next(events));
	assert.deepEqual(
		first.map(({ id }) => id),
		["verdict", "needs", "now", "next", "hosts", "as-of"],
	);
	const token = first.map(({ html }) => /name="token" value="([^"]+)"/.exec(html)?.[1]).find(Boolean);
	assert.equal(token, browser.token);
	page.desk.endRun(page.desk.fleet.runs[0]?.run ?? "", "succeeded");
	const second = partsOf(await next(events)).map(({ id }) => id);
	assert.ok(second.includes("now"), second.join());
	assert.ok(!second.includes("next"), second.join());
	response.destroy();
});

test("many changes within a quarter of a second are sent as one", async () => {
	await using page = await openPage();
	const { events, response } = await follow(page, "/");
	await next(events);
	let reads = 0;
	const status = page.desk.status;
	page.desk.status = () => {
		reads += 1;
		return status();
	};
	for (let count = 0; count < 100; count += 1) page.desk.change("host:nas");
	await next(events);
	assert.equal(reads, 1);
	response.destroy();
});

test("viewers of one page share one rendering", async () => {
	await using page = await openPage();
	const viewers = await Promise.all(Array.from({ length: 5 }, () => follow(page, "/runs")));
	for (const { events } of viewers) await next(events);
	let reads = 0;
	const runs = page.desk.runs;
	page.desk.runs = (filter) => {
		reads += 1;
		return runs(filter);
	};
	page.desk.endRun(page.desk.fleet.runs[0]?.run ?? "", "succeeded");
	for (const { events } of viewers) await next(events);
	assert.equal(reads, 1);
	for (const { response } of viewers) response.destroy();
});

test("who comes back with the last event's id is sent nothing that it has already", async () => {
	await using page = await openPage();
	const first = await follow(page, "/hosts");
	const { id } = await next(first.events);
	first.response.destroy();
	const second = await follow(page, "/hosts", { "last-event-id": id });
	assert.deepEqual(
		partsOf(await next(second.events)).map((part) => part.id),
		["as-of"],
	);
	second.response.destroy();
});

test("a page of an older Davit is told to load itself again", async () => {
	await using page = await openPage();
	const browser = await browserOf(page);
	const answer = await browser.get("/live?view=%2F&build=older", { accept: "text/event-stream" });
	assert.match(answer.text, /^event: reload$/m);
});

test("streams end when the server closes", async () => {
	const page = await openPage();
	const { events } = await follow(page, "/");
	await next(events);
	const ended = events.next();
	await page[Symbol.asyncDispose]();
	assert.equal((await ended).done, true);
});
