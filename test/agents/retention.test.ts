import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseRemovals, isGood } from "@davit/agents/resource/choose-removals.ts";
import { ArchiveId, type ArchiveSummary, Bytes, instantOf, Sha256 } from "@davit/protocol";
import fc from "fast-check";

const summary: fc.Arbitrary<Omit<ArchiveSummary, "id">> = fc.record({
	// Few instants, so that several archives share one.
	takenAt: fc.integer({ min: 0, max: 20 }).map((day) => instantOf(Date.UTC(2026, 0, 1 + day))),
	bytes: fc.constant(Bytes.parse(1)),
	contentBytes: fc.constant(Bytes.parse(1)),
	entries: fc.constant(1),
	proof: fc.constantFrom<ArchiveSummary["proof"]>(["taken"], ["taken", "verified"]),
	consistency: fc.constantFrom("stopped", "paused", "live"),
	outcome: fc.constantFrom("succeeded", "partial"),
	damaged: fc.boolean(),
	fidelity: fc.constantFrom("full", "reduced"),
	manifestSha256: fc.constant(Sha256.parse("0".repeat(64))),
	durationMs: fc.constant(1),
});

const archives = fc
	.array(summary, { maxLength: 25 })
	.map((all) =>
		all.map((one, index) => ({ ...one, id: ArchiveId.parse(index.toString(16).padStart(10, "0")) })),
	);

test("whatever archives there are, the newest good one is never removed and each is removed at most once", () => {
	fc.assert(
		fc.property(archives, fc.integer({ min: 1, max: 30 }), (all, keepLast) => {
			const removals = chooseRemovals(all, keepLast);
			assert.equal(new Set(removals).size, removals.length);
			const left = all.filter(({ id }) => !removals.includes(id));
			const good = all.filter(isGood).map(({ takenAt }) => takenAt);
			const goodLeft = left.filter(isGood).map(({ takenAt }) => takenAt);
			assert.equal(goodLeft.toSorted().at(-1), good.toSorted().at(-1));
			const readable = all.filter(({ damaged }) => !damaged);
			const readableLeft = left.filter(({ damaged }) => !damaged);
			assert.ok(readableLeft.length >= Math.min(keepLast, readable.length));
			assert.ok(readableLeft.length <= Math.max(keepLast + 1, 1));
		}),
		{ numRuns: 2_000 },
	);
});

test("choosing again among what is left removes nothing, in whatever order it is listed", () => {
	fc.assert(
		fc.property(archives, fc.integer({ min: 1, max: 10 }), (all, keepLast) => {
			const removals = new Set(chooseRemovals(all, keepLast));
			const left = all.filter(({ id }) => !removals.has(id));
			assert.deepEqual(chooseRemovals(left, keepLast), []);
			assert.deepEqual(new Set(chooseRemovals(all.toReversed(), keepLast)), removals);
		}),
		{ numRuns: 2_000 },
	);
});
