import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { test } from "node:test";
import {
	AccountDocument,
	AddressDocument,
	ArchiveDocument,
	ArchivesDocument,
	ErrorDocument,
	HostDocument,
	HostsDocument,
	JoinDocument,
	OperationError,
	PlanDocument,
	ResourceDocument,
	ResourcesDocument,
	RunDocument,
	RunsDocument,
	ScheduleDocument,
	SchedulesDocument,
	StartedDocument,
	StatusDocument,
} from "@davit/protocol";
import { ask } from "./ask.ts";
import { type OpenPage, openPage } from "./open-page.ts";

const press = { version: 1, host: "nas", operation: "volume.backup", params: { volume: "grafana-data" } };

async function plan(page: OpenPage): Promise<PlanDocument> {
	const archive = page.desk.fleet.archives[0]?.id;
	const body = { host: "nas", resource: "volume:grafana-data", action: { action: "restore", archive } };
	return PlanDocument.parse((await ask(page, "/plans", { body })).document);
}

test("every address answers its document over the socket", async () => {
	await using page = await openPage();
	const { archives, runs } = page.desk.fleet;
	const looks = [
		["/", StatusDocument],
		["/hosts", HostsDocument],
		["/hosts/nas", HostDocument],
		["/resources?host=nas&state=safe", ResourcesDocument],
		["/resources/nas/volume%3Agrafana-data", ResourceDocument],
		[`/resources/nas/${encodeURIComponent("path:/srv/photos")}`, ResourceDocument],
		["/archives", ArchivesDocument],
		[`/archives/${archives[0]?.short}`, ArchiveDocument],
		["/runs?state=failed", RunsDocument],
		[`/runs/${runs[0]?.run}`, RunDocument],
		["/schedules", SchedulesDocument],
		["/schedules/nightly", ScheduleDocument],
		[`/plans/${(await plan(page)).plan}`, PlanDocument],
		["/resolve?address=nas%2Fgrafana-data", AddressDocument],
	] as const;
	for (const [path, schema] of looks) {
		const { status, headers, document } = await ask(page, path);
		assert.equal(status, 200, path);
		assert.equal(headers["content-type"], "application/json; charset=utf-8", path);
		assert.deepEqual(schema.parse(document), document, path);
	}
});

test("what is asked over the socket is asked by the command, and answered with the run", async () => {
	await using page = await openPage();
	const first = await ask(page, "/requests", { body: press });
	assert.equal(first.status, 202);
	const started = StartedDocument.parse(first.document);
	assert.equal(started.joined, false);
	assert.deepEqual(page.desk.asked, [press]);
	const second = StartedDocument.parse((await ask(page, "/requests", { body: press })).document);
	assert.deepEqual([second.run, second.joined], [started.run, true]);
	const cancelled = RunDocument.parse(
		(await ask(page, `/runs/${started.run}/cancel`, { body: {} })).document,
	);
	assert.equal(cancelled.run.state, "cancelled");
});

test("a plan is made, refused without its name, and applied with it", async () => {
	await using page = await openPage();
	const made = await plan(page);
	const refused = await ask(page, `/plans/${made.plan}/apply`, { body: {} });
	assert.equal(refused.status, 400);
	assert.equal(ErrorDocument.parse(refused.document).code, "confirmation-missing");
	const applied = await ask(page, `/plans/${made.plan}/apply`, { body: { confirm: "grafana-data" } });
	assert.equal(applied.status, 202);
	assert.equal(PlanDocument.parse((await ask(page, `/plans/${made.plan}`)).document).state, "applied");
});

test("schedules are added and removed", async () => {
	await using page = await openPage();
	const wanted = {
		name: "hourly",
		target: "pi/*",
		cron: "0 * * * *",
		timeZone: "UTC",
		jitterSeconds: 60,
		keepLast: 3,
	};
	const added = await ask(page, "/schedules", { body: wanted });
	assert.equal(added.status, 201);
	const { row } = ScheduleDocument.parse(added.document);
	assert.deepEqual([row.name, row.target, row.jitterSeconds, row.keepLast], ["hourly", "pi/*", 60, 3]);
	const left = SchedulesDocument.parse((await ask(page, "/schedules/hourly/remove", { body: {} })).document);
	assert.deepEqual(
		left.items.map(({ name }) => name),
		["nightly"],
	);
});

test("hosts are let in, accounts and links made on the socket only", async () => {
	await using page = await openPage();
	const admitted = await ask(page, "/hosts", { body: { host: "attic", publicKey: "key" } });
	assert.deepEqual([admitted.status, admitted.document["host"]], [201, "attic"]);
	AccountDocument.parse((await ask(page, "/accounts/ha", { body: {} })).document);
	JoinDocument.parse((await ask(page, "/invitations", { body: { host: "attic" } })).document);
	const link = await ask(page, "/page-link", { body: {} });
	assert.match(String(link.document["url"]), /^http:\/\/127\.0\.0\.1:\d+\/door\?key=[\w-]{32}$/);
});

test("the socket is the operator's alone", async () => {
	await using page = await openPage();
	assert.equal((await stat(page.socketPath)).mode & 0o777, 0o600);
	await assert.rejects(openPage({ socketPath: page.socketPath }), { code: "port-taken" });
	assert.equal((await ask(page, "/healthz")).status, 200);
});

test("a refusal has the failure's code, exit code and hint, and a fitting status", async () => {
	await using page = await openPage();
	const missing = await ask(page, "/resources/nas/volume%3Anone");
	assert.equal(missing.status, 404);
	const document = ErrorDocument.parse(missing.document);
	assert.deepEqual([document.code, document.exitCode], ["resource-not-found", 10]);
	page.desk.refusal = new OperationError("resource-busy", "another operation holds grafana-data");
	const busy = await ask(page, "/requests", { body: press });
	assert.deepEqual([busy.status, busy.document["code"]], [409, "resource-busy"]);
	const guessed = await ask(page, "/resolve?address=grafana-dta");
	assert.deepEqual(guessed.document["candidates"], ["nas/volume:grafana-data"]);
});

test("bad input is refused with a sentence, and nothing is asked of anybody", async () => {
	await using page = await openPage();
	const json = { "content-type": "application/json" };
	const cases = [
		["/requests", { body: "{not json", headers: json }, 400],
		["/requests", { body: '"\\ud800"', headers: json }, 400],
		["/requests", { body: Buffer.from([0x7b, 0xff, 0x7d]), headers: json }, 400],
		["/requests", { body: "x".repeat(70_000), headers: json }, 413],
		["/requests", { body: "<x/>", headers: { "content-type": "text/xml" } }, 415],
		["/requests", { body: { ...press, host: "na\ns" } }, 400],
		["/requests", { body: { ...press, host: "../etc" } }, 400],
		["/requests", { body: { ...press, version: 2 } }, 400],
		["/requests", { body: [] }, 400],
		["/plans", { body: { host: "nas", resource: "volume:../x", action: { action: "undo" } } }, 400],
		["/plans", { body: { host: "nas", resource: "volume:x", action: { action: "erase" } } }, 400],
		["/plans/zzz/apply", { body: { confirm: "x" } }, 404],
		["/runs/..%2f..%2fetc/cancel", { body: {} }, 404],
		["/schedules", { body: { name: "x", target: "nas/*", cron: "0 3 * * *", keepLast: 0 } }, 400],
		["/nothing", { body: {} }, 404],
		["/__proto__", { body: {} }, 404],
		["/constructor", {}, 404],
		["/runs?page=0", {}, 400],
		["/hosts/%ff", {}, 400],
		["/hosts/nas", { method: "DELETE" }, 405],
	] as const;
	for (const [path, asked, status] of cases) {
		const answer = await ask(page, path, asked);
		assert.equal(answer.status, status, `${path} ${JSON.stringify(asked).slice(0, 80)}`);
		assert.ok(ErrorDocument.parse(answer.document).message.length > 10, path);
	}
	assert.deepEqual([page.desk.asked, page.defects], [[], []]);
});

test("a defect is answered with 500, logged, and shows nothing of itself", async () => {
	await using page = await openPage();
	page.desk.status = () => {
		throw new TypeError("secret detail");
	};
	const { status, document, text } = await ask(page, "/");
	assert.deepEqual([status, document["code"]], [500, "internal-error"]);
	assert.doesNotMatch(text, /secret detail/);
	assert.equal(page.defects.length, 1);
});

test("health is good only while the broker is connected and the history can be written", async () => {
	await using page = await openPage();
	assert.deepEqual((await ask(page, "/healthz", { on: "tcp" })).document, {
		ok: true,
		broker: true,
		history: true,
	});
	page.desk.isBrokerConnected = false;
	const cut = await ask(page, "/healthz", { on: "tcp" });
	assert.deepEqual([cut.status, cut.document], [503, { ok: false, broker: false, history: true }]);
	await using full = await openPage({ isHistoryWritable: () => false });
	assert.equal((await ask(full, "/healthz", { on: "tcp" })).status, 503);
});

test("the metrics are in Prometheus' format, labels escaped", async () => {
	const metrics = () => [
		{ name: "outbox", help: "Commands not yet accepted.", type: "gauge" as const, samples: [{ value: 2 }] },
	];
	await using page = await openPage({ metrics });
	const { status, headers, text } = await ask(page, "/metrics", { on: "tcp" });
	assert.equal(status, 200);
	assert.equal(headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
	assert.match(text, /^davit_host_online\{host="attic"\} 0$/m);
	assert.match(text, /^davit_resources\{state="overdue"\} 1$/m);
	assert.match(text, /^davit_runs\{state="running"\} 1$/m);
	assert.match(text, /^davit_outbox 2$/m);
	assert.match(text, /resource="path:\/srv\/<b>\u202Efdp\.\\"x\\"&'y'"\} 28800$/m);
	for (const line of text.trimEnd().split("\n")) {
		assert.match(line, /^(# (HELP|TYPE) davit_\w+ .+|davit_\w+(\{.+\})? [\d.]+)$/);
	}
});
