import assert from "node:assert/strict";
import { test } from "node:test";
import {
	ResultLine,
	type Run,
	type RunDocument,
	type RunState,
	RunDocument as runDocument,
} from "@davit/protocol";
import * as documents from "../testing/documents.ts";
import { openFakeCoordinator } from "../testing/fake-coordinator.ts";
import { openHome, startDavit } from "../testing/run-davit.ts";

const failure = {
	code: "disk-full",
	message: "the disk is full",
	hint: "free some",
	retryable: true,
} as const;

/** `run: null` = never begun; all else is the part's run's own. */
interface More {
	readonly run?: null;
	readonly failure?: object;
	readonly archive?: string;
	readonly result?: object;
}

type End = readonly [resource: string, state: RunState, more?: More];

/** A backup of everything on nas, whose parts stand as said; one that was never begun has no run. */
function whole(state: RunState, parts: readonly End[], more: object = {}): RunDocument {
	const of = { operation: "host.backup", resource: "host:nas" };
	return runDocument.parse({
		...documents.runDocument(state, { ...of, ...more }),
		downtimeSeconds: null,
		parts: parts.map(([resource, partState, given = {}], index) => ({
			...{ resource, state: partState, failure: given.failure ?? null },
			run:
				given.run === null
					? null
					: partRun(resource, partState, { ...given, run: `rpart${"abc"[index]}aaa` }),
		})),
	});
}

function partRun(resource: string, state: RunState, more: object): Run {
	return documents.run(state, { ...more, resource, operation: `${resource.split(":")[0]}.backup` });
}

const media = "stack:media";
const photos = "path:/srv/photos";
const lonely = "volume:lonely";

async function openNas() {
	const home = await openHome();
	const coordinator = await openFakeCoordinator(home.path);
	const nas = { schema: "davit/address/1", host: "nas", resource: null, archive: null, run: null };
	coordinator.answerWith("/resolve", nas);
	return {
		...{ path: home.path, coordinator },
		[Symbol.asyncDispose]: async () => {
			await coordinator[Symbol.asyncDispose]();
			await home[Symbol.asyncDispose]();
		},
	};
}

test("a host is asked for as one run, whose parts are told one by one, each once", async () => {
	await using nas = await openNas();
	nas.coordinator.tellRun(
		whole("running", [
			[media, "running"],
			[photos, "requested", { run: null }],
		]),
	);
	const running = startDavit(nas.path, ["backup", "nas", "--consistency", "stopped", "--images"]);
	await running.says("nas  running  copy");
	nas.coordinator.tellRun(
		whole("running", [
			[media, "succeeded", { archive: "7f3a0c11d2", result: { bytes: 1000, downtimeMs: 1500 } }],
			[photos, "running"],
		]),
	);
	nas.coordinator.tellRun(
		whole(
			"succeeded",
			[
				[media, "succeeded", { archive: "7f3a0c11d2", result: { bytes: 1000, downtimeMs: 1500 } }],
				[photos, "succeeded", { archive: "0123456789" }],
			],
			{ result: { parts: 2, succeeded: 2, bytes: 1000 } },
		),
	);
	const { stdout, exitCode } = await running.ended;
	assert.equal(exitCode, 0);
	assert.deepEqual(stdout.trimEnd().split("\n"), [
		"✔ 7f3a0c11d2  nas/stack:media  backup succeeded  1.00 kB, down 1.5 s",
		"✔ 0123456789  nas/path:/srv/photos  backup succeeded",
		"✔ rabcdefgh  nas  backup succeeded  2 of 2 succeeded, 1.00 kB",
	]);
	const request = nas.coordinator.asked.find(({ path }) => path === "/requests")?.body;
	assert.deepEqual(request, {
		version: 1,
		host: "nas",
		operation: "host.backup",
		params: { host: "nas", consistency: "stopped", images: true },
	});
});

test("what becomes of a host follows from its parts alone, in the words and numbers of several runs", async () => {
	const ends: readonly (readonly [RunState, readonly End[], number])[] = [
		["succeeded", [[media, "succeeded"]], 0],
		[
			"partial",
			[
				[media, "succeeded"],
				[photos, "failed", { failure }],
			],
			3,
		],
		[
			"partial",
			[
				[media, "succeeded"],
				[photos, "cancelled", { run: null }],
			],
			3,
		],
		[
			"failed",
			[
				[media, "failed", { failure }],
				[photos, "expired", { run: null, failure }],
			],
			1,
		],
		[
			"cancelled",
			[
				[media, "cancelled"],
				[photos, "cancelled", { run: null }],
			],
			130,
		],
		[
			"inconsistent",
			[
				[media, "succeeded"],
				[photos, "inconsistent"],
			],
			6,
		],
	];
	for (const [state, parts, expected] of ends) {
		await using nas = await openNas();
		const code = { ...failure, code: "part-failed" };
		nas.coordinator.tellRun(whole(state, parts, state === "succeeded" ? {} : { failure: code }));
		const { lines, exitCode } = await startDavit(nas.path, ["backup", "nas/*", "--json"]).ended;
		const result = ResultLine.parse(lines.at(-1));
		assert.deepEqual(
			[exitCode, result.exitCode, result.outcome, result.run],
			[expected, expected, state, "rabcdefgh"],
		);
		assert.deepEqual(
			result.parts?.map(({ outcome }) => outcome),
			parts.map(([, partState]) => partState),
		);
	}
});

test("a part that failed, or was never begun, is told with its reason while the others go on", async () => {
	await using nas = await openNas();
	const bad: readonly End[] = [
		[media, "failed", { failure }],
		[photos, "rejected", { run: null, failure: { ...failure, message: "nas has no such folder" } }],
	];
	nas.coordinator.tellRun(whole("running", [...bad, [lonely, "running"]]));
	const running = startDavit(nas.path, ["backup", "nas"]);
	await running.says("error: the disk is full");
	await running.says("error: nas has no such folder");
	nas.coordinator.tellRun(whole("partial", [...bad, [lonely, "succeeded", { archive: "7f3a0c11d2" }]]));
	const { stdout, exitCode } = await running.ended;
	assert.equal(exitCode, 3);
	assert.match(stdout, /✖ nas\/path:\/srv\/photos {2}never begun, rejected\n/);
	assert.match(stdout, /backup partial {2}1 of 3 succeeded\n$/);
});

test("a second Ctrl-C cancels the host's run and ends with 130, whatever had ended before", async () => {
	await using nas = await openNas();
	nas.coordinator.tellRun(
		whole("running", [
			[media, "succeeded"],
			[photos, "running"],
		]),
	);
	const running = startDavit(nas.path, ["backup", "nas"]);
	await running.says("nas  running  copy");
	running.process.kill("SIGINT");
	await running.says("Ctrl-C again within 3 s cancels it");
	running.process.kill("SIGINT");
	assert.equal((await running.ended).exitCode, 130);
	assert.ok(nas.coordinator.asked.some(({ path }) => path === "/runs/rabcdefgh/cancel"));
});

test("of several runs of which some had ended a second Ctrl-C ends with 130 too", async () => {
	await using home = await openHome();
	await using coordinator = await openFakeCoordinator(home.path);
	const running = (more: object) => documents.runDocument("running", more);
	coordinator.answerWith("/runs/raaaaaaaa", documents.runDocument("succeeded", { run: "raaaaaaaa" }));
	coordinator.answerWith("/", {
		...documents.status(),
		now: [running({}).run, { ...running({}).run, run: "raaaaaaaa" }],
	});
	coordinator.tellRun(running({}));
	const watching = startDavit(home.path, ["watch", "--json"]);
	await new Promise((resolve) => watching.process.stdout?.once("data", resolve));
	await coordinator.until("/runs/raaaaaaaa");
	watching.process.kill("SIGINT");
	await watching.says("Ctrl-C again within 3 s cancels it");
	watching.process.kill("SIGINT");
	const { exitCode, lines } = await watching.ended;
	const result = ResultLine.parse(lines.at(-1));
	assert.deepEqual([exitCode, result.exitCode], [130, 130]);
	assert.deepEqual(result.parts?.map(({ outcome }) => outcome).sort(), ["cancelled", "succeeded"]);
});
