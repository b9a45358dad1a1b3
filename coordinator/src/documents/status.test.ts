import assert from "node:assert/strict";
import { test } from "node:test";
import { ResourceId, StateWord, StatusDocument } from "@davit/protocol";
import { addSchedule } from "../desk/schedules.ts";
import { archive, attic, backupResult, nas, operator, Stage } from "../testing/stage.ts";
import { statusDocument } from "./status.ts";

const broker = { name: "test", protocol: "5", connected: true } as const;
const hourMs = 3_600_000;
const noFailure = { message: "it broke", hint: "h", retryable: false };

/** How to bring one resource into a state, told apart from how the coordinator judges it. */
const makers: Readonly<Record<string, (stage: Stage, volume: string) => void>> = {
	safe: (stage, volume) => good(stage, volume, hourMs),
	unprotected: (stage, volume) => {
		stage.core.parts.schedules.remove(volume);
	},
	// Good archives alone do not make it safe when nothing is scheduled.
	"unprotected, once backed up": (stage, volume) => {
		good(stage, volume, hourMs);
		stage.core.parts.schedules.remove(volume);
	},
	overdue: (stage, volume) => good(stage, volume, 40 * hourMs),
	failed: (stage, volume) => {
		good(stage, volume, hourMs);
		end(stage, volume, "failed");
	},
	"failed, never begun": (stage, volume) => {
		good(stage, volume, hourMs);
		end(stage, volume, "rejected");
	},
	"failed, as it waits": (stage, volume) => {
		good(stage, volume, hourMs);
		begin(stage, volume);
		const progress = { step: "quiesce", bytes: 0, waitingFor: "no Docker engine answers" };
		stage.report(stage.lastCommand().id, { state: "running", sequence: 1, progress });
	},
	partial: (stage, volume) => {
		good(stage, volume, hourMs);
		end(stage, volume, "partial");
	},
	running: (stage, volume) => {
		good(stage, volume, hourMs);
		begin(stage, volume);
	},
	inconsistent: (stage, volume) => {
		good(stage, volume, hourMs);
		end(stage, volume, "inconsistent");
	},
	unknown: (stage, volume) => {
		good(stage, volume, hourMs);
		begin(stage, volume);
		stage.pass(125);
	},
};

function good(stage: Stage, volume: string, ageMs: number): void {
	stage.archives(nas, ResourceId.parse(`volume:${volume}`), [archive(stage.nowMs - ageMs)]);
}

function begin(stage: Stage, volume: string): void {
	assert.equal(stage.ask({ params: { volume } }).outcome, "accepted");
}

function end(stage: Stage, volume: string, state: "failed" | "rejected" | "partial" | "inconsistent"): void {
	begin(stage, volume);
	const { id } = stage.lastCommand();
	const failure = { ...noFailure, code: "docker-refused" as const };
	const said = state === "partial" ? { result: backupResult("0123456789", stage.nowMs) } : { failure };
	stage.report(id, { state, sequence: 1, ...said });
}

/** The oracle: nothing but the words and their order. */
function expected(
	words: readonly string[],
	isSilent: boolean,
): { state: StateWord; counts: Map<string, number> } {
	const states = words.map((word) => {
		const state = word.split(",")[0] ?? "";
		return isSilent && state !== "inconsistent" ? "unknown" : state;
	});
	const order = ["inconsistent", "unknown", "failed", "overdue", "partial", "running", "unprotected", "safe"];
	const worst = order.find((word) => states.includes(word)) ?? "unprotected";
	const counts = new Map<string, number>();
	for (const state of states) counts.set(state, (counts.get(state) ?? 0) + 1);
	return { state: StateWord.parse(worst), counts };
}

function numbersIn(sentence: string): number[] {
	return [...sentence.matchAll(/\d+/g)].map(([digits]) => Number(digits));
}

/** The same for each test run, and unlike each other. */
function fleets(): { words: string[]; isSilent: boolean }[] {
	const names = Object.keys(makers);
	let seed = 20_261_122;
	const random = (below: number) => {
		seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
		return Math.floor((seed / 2_147_483_648) * below);
	};
	const mixed = Array.from({ length: 50 }, () => ({
		words: Array.from({ length: 1 + random(7) }, () => names[random(names.length)] ?? "safe"),
		isSilent: random(6) === 0,
	}));
	return [...names.map((name) => ({ words: [name], isSilent: false })), ...mixed];
}

for (const [index, { words, isSilent }] of fleets().entries()) {
	test(`the verdict on fleet ${index} is that of the oracle: ${words.join("; ")}${isSilent ? "; silent" : ""}`, () => {
		using stage = new Stage();
		const volumes = words.map((_, number) => `v${number}`);
		const ids = volumes.map((volume) => ResourceId.parse(`volume:${volume}`));
		stage.host(nas, ids);
		const wanted = { cron: "0 10 * * *", timeZone: "UTC", jitterSeconds: 0 };
		for (const name of volumes) {
			addSchedule(stage.core.parts, { ...wanted, name, target: `nas/${name}` }, operator);
		}
		// The due time passes while the host is away, so that nothing is begun by itself.
		for (const { record } of stage.core.parts.schedules.all()) {
			const addedAt = new Date(stage.nowMs - 90 * hourMs).toISOString();
			stage.core.parts.schedules.save({ ...record, addedAt: addedAt as typeof record.addedAt });
		}
		for (const entry of stage.core.parts.fleet.find(nas)?.resources.values() ?? []) {
			Object.assign(entry, { firstSeenAt: new Date(stage.nowMs - 90 * hourMs).toISOString() });
		}
		// Those that wait for an answer come last, because time passes for them.
		const order = [...words.keys()].sort((one, other) => rank(words[one]) - rank(words[other]));
		for (const number of order) makers[words[number] ?? ""]?.(stage, volumes[number] ?? "");
		for (const number of order) if (words[number] === "running") checkBegun(stage, ids[number]);
		if (isSilent) {
			stage.presence(nas, "offline");
			stage.pass(6);
		}
		const document = statusDocument(stage.core.parts, broker);
		StatusDocument.parse(document);
		const { state, counts } = expected(words, isSilent);
		for (const [word, number] of counts) {
			assert.equal(
				document.counts[StateWord.parse(word)],
				number,
				`${word} in ${JSON.stringify(document.counts)}`,
			);
		}
		assert.equal(document.verdict.state, state);
		const safe = counts.get("safe") ?? 0;
		if (safe < words.length) {
			const bad = [...counts].filter(([word]) => word !== "safe");
			for (const [word, number] of bad)
				assert.match(document.verdict.sentence, new RegExp(`\\b${number} ${word}\\b`));
			assert.ok(numbersIn(document.verdict.sentence).includes(words.length), document.verdict.sentence);
			assert.doesNotMatch(document.verdict.sentence, /^All/);
		}
		const needy = words.some((word) => !["safe", "running"].includes(word));
		assert.equal(document.needs.length > 0, isSilent || needy);
	});
}

function rank(word: string | undefined): number {
	return word === "unknown" ? 1 : word === "running" ? 2 : 0;
}

/** It began after time had passed for the others. */
function checkBegun(stage: Stage, resource: ResourceId | undefined): void {
	const run = resource === undefined ? undefined : stage.core.parts.runs.openOn(nas, resource);
	assert.equal(run?.run.state, "requested");
}

test("nothing heard, an empty host, and a silent host without resources are never safe", () => {
	using stage = new Stage();
	assert.equal(statusDocument(stage.core.parts, broker).verdict.state, "unprotected");
	stage.host(nas, []);
	assert.equal(statusDocument(stage.core.parts, broker).verdict.state, "unprotected");
	stage.host(attic, []);
	stage.presence(attic, "offline");
	stage.pass(6);
	assert.equal(statusDocument(stage.core.parts, broker).verdict.state, "unknown");
});

test("two agents with one name make the verdict inconsistent", () => {
	using stage = new Stage();
	stage.host(nas, []);
	for (const journal of ["j1", "j2", "j1"]) stage.sync(nas, { journal });
	const { verdict, needs } = statusDocument(stage.core.parts, broker);
	assert.equal(verdict.state, "inconsistent");
	assert.match(needs[0]?.sentence ?? "", /two agents answer to the name nas/);
});

test("a sentence for a fleet that is all safe says for how long", () => {
	using stage = new Stage();
	stage.host(nas, [ResourceId.parse("volume:a"), ResourceId.parse("volume:b")]);
	const nightly = { name: "nightly", target: "nas/*", cron: "0 10 * * *", timeZone: "UTC", jitterSeconds: 0 };
	addSchedule(stage.core.parts, nightly, operator);
	for (const [volume, age] of [
		["a", 2],
		["b", 26],
	] as const) {
		good(stage, volume, age * hourMs);
	}
	const { verdict } = statusDocument(stage.core.parts, broker);
	assert.equal(
		verdict.sentence,
		"All 2 are safe: backed up in the last 26 h, none of them restored in a drill this month.",
	);
});

test("a host whose engine is away forgets no volume, is never safe, and says why; one of folders alone needs none", () => {
	using stage = new Stage();
	const [volume, folder] = [ResourceId.parse("volume:a"), ResourceId.parse("path:/srv/b")];
	const nightly = { target: "nas/*", cron: "0 10 * * *", timeZone: "UTC", jitterSeconds: 0 };
	stage.host(nas, [volume, folder]);
	addSchedule(stage.core.parts, { ...nightly, name: "nightly" }, operator);
	for (const id of [volume, folder]) stage.archives(nas, id, [archive(stage.nowMs - hourMs)]);
	assert.equal(statusDocument(stage.core.parts, broker).verdict.state, "safe");
	const engineAway = "could not reach the Docker engine: no Docker engine answers at /run/docker.sock";
	const left = { id: folder, anonymous: false, consistency: "paused", users: [] };
	const inventory = {
		version: 1,
		host: nas,
		containers: [],
		truncated: false,
		engineAway,
		resources: [left],
	};
	stage.receive(stage.topics.inventory(nas), { ...inventory, at: new Date(stage.nowMs).toISOString() });
	const { verdict, needs, total } = statusDocument(stage.core.parts, broker);
	assert.deepEqual([verdict.state, needs.length, total], ["unknown", 1, 2]);
	for (const sentence of [verdict.sentence, needs[0]?.sentence ?? ""]) {
		assert.match(sentence, /no Docker engine answers.*1 resource of the engine as last known/);
	}
	using other = new Stage();
	other.host(nas, [folder]);
	other.receive(other.topics.inventory(nas), { ...inventory, at: new Date(other.nowMs).toISOString() });
	assert.notEqual(statusDocument(other.core.parts, broker).verdict.state, "unknown");
});
