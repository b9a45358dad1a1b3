import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { chooseKept, instantOf, type Keepable, type RetentionPolicy } from "@davit/protocol";
import { z } from "zod";
import { labAvailability } from "../../lab/availability.ts";
import { askRestic } from "./ask-restic.ts";
import { type History, makeHistories, wishes } from "./histories.ts";

// Davit's chooser beside the real `restic forget`, over the same histories: golden.json holds restic's answers, main.ts asks for them.

const Golden = z.object({ restic: z.string(), kept: z.record(z.string(), z.array(z.array(z.int()))) });
const golden = Golden.parse(JSON.parse(readFileSync(new URL("./golden.json", import.meta.url), "utf8")));
const { restic: unavailable } = await labAvailability();

const verified: Pick<Keepable, "proof" | "outcome"> = { proof: ["taken", "verified"], outcome: "succeeded" };

/** Places in the history, rising. */
function keptByDavit({ times, zone }: History, policy: RetentionPolicy): readonly number[] {
	const archives = times.map((time, place) => ({
		...{ id: String(place).padStart(10, "0"), sequence: place + 1, place },
		...{ takenAt: instantOf(Date.parse(time)), damaged: false },
		...verified,
	}));
	const nowMs = Date.parse(times.at(-1) ?? "");
	const decisions = chooseKept(archives, { ...policy, timeZone: zone }, { nowMs });
	return decisions
		.filter(({ isKept }) => isKept)
		.map(({ archive }) => archive.place)
		.toSorted((one, other) => one - other);
}

for (const history of makeHistories()) {
	const { name, times, hasPause } = history;
	test(`what restic forget keeps of ${times.length} snapshots, Davit keeps too: ${name}`, () => {
		const answers = golden.kept[name];
		assert.equal(answers?.length, wishes.length);
		for (const [at, { policy, flags }] of wishes.entries()) {
			const restic: readonly number[] = answers[at] ?? [];
			const davit = keptByDavit(history, policy);
			const what = flags.join(" ");
			if (policy.withinSeconds === undefined) assert.deepEqual(davit, restic, what);
			// More may stay after a pause, never less.
			else
				assert.deepEqual(
					restic.filter((place) => !davit.includes(place)),
					[],
					what,
				);
			if (policy.withinSeconds !== undefined && hasPause !== true) assert.deepEqual(davit, restic, what);
		}
	});
}

test("after a long pause Davit keeps more within a time than restic does, by intent", () => {
	const history = makeHistories().find(({ name }) => name === "pause");
	assert.ok(history !== undefined);
	const at = wishes.findIndex(({ flags }) => flags.join(" ") === "--keep-within 720h");
	const restic = golden.kept["pause"]?.[at] ?? [];
	const davit = keptByDavit(history, wishes[at]?.policy ?? {});
	assert.ok(davit.length > restic.length, `${davit.length} of Davit, ${restic.length} of restic`);
});

test("the restic of today still answers as it is written down", {
	skip: unavailable ?? false,
	timeout: 120_000,
}, async () => {
	const few = makeHistories().filter(({ name }) => name === "few");
	const some = wishes.map((wish, at) => ({ wish, at })).filter(({ at }) => at % 5 === 0);
	for (const history of few) {
		const answers = await askRestic(
			history,
			some.map(({ wish }) => wish),
			AbortSignal.timeout(110_000),
		);
		assert.deepEqual(
			answers,
			some.map(({ at }) => golden.kept[history.name]?.[at]),
		);
	}
});
