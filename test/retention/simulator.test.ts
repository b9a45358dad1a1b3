import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import {
	type ArchiveSummary,
	chooseKept,
	isGood,
	type RetentionPolicy,
	simulateRetention,
} from "@davit/protocol";
import { seedOf } from "@davit/protocol/testing/seed.ts";
import fc from "fast-check";
import { openExecutor } from "./executor.ts";
import { archiveOf, type Chance, chanceOf, dayMs, historyOf, policyOf, startMs } from "./histories.ts";

const perRun = 100;
const tenYearsMs = 3653 * dayMs;

/** The same histories many at a time, each by a seed that is told where one fails. */
async function forHistories(
	t: TestContext,
	count: number,
	play: (chance: Chance) => Promise<void> | void,
): Promise<void> {
	const property = fc.asyncProperty(fc.integer(), async (first) => {
		for (let index = 0; index < perRun; index += 1) {
			const seed = Math.imul(first, 1_000_003) + index;
			try {
				await play(chanceOf(seed));
			} catch (error) {
				throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
					cause: error,
				});
			}
		}
	});
	await fc.assert(property, { seed: seedOf(t), numRuns: count / perRun, endOnFailure: true });
}

test("F23 over 100,000 random histories the simulator says exactly what the agent then does", async (t) => {
	let [turns, removals] = [0, 0];
	await forHistories(t, 100_000, async (chance) => {
		const policy = policyOf(chance);
		const executor = openExecutor();
		const history = historyOf(chance, 7);
		for (const archive of history) executor.take(archive);
		const last = history.at(-1);
		executor.clock.nowMs = (last === undefined ? startMs : Date.parse(last.takenAt)) + 3_600_000;
		// Some are marked already.
		if (chance.is(0.5)) await executor.prune(policy);
		const beginMs = executor.clock.nowMs;
		const slots = Array.from({ length: chance.below(4) }, (_, index) => beginMs + (index + 1) * dayMs);
		const simulation = simulateRetention({
			archives: executor.left().map((archive) => ({ ...archive, isReal: true })),
			...{ policy, nowMs: beginMs, slots, bytes: 10 },
		});
		for (const [index, atMs] of slots.entries()) {
			executor.clock.nowMs = atMs;
			executor.clock.servedMs = atMs - beginMs;
			executor.take(archiveOf(executor.keeping.next, atMs));
			const removed = await executor.prune(policy);
			const left = executor.left();
			const waiting = left.filter(({ goesAt }) => goesAt !== undefined).length;
			const said = simulation.turns[index];
			assert.deepEqual(
				[said?.kept, said?.waiting, said?.removed.length, said?.bytes],
				[left.length - waiting, waiting, removed.length, left.length * 10],
			);
			assert.deepEqual(
				said?.removed.filter((id) => !id.startsWith("simulated")),
				removed.filter((id) => history.some((archive) => archive.id === id)),
			);
			turns += 1;
			removals += removed.length;
		}
	});
	t.diagnostic(`${turns} turns, ${removals} archives removed`);
	assert.ok(turns > 100_000 && removals > 25_000, "there was nothing to agree on");
});

test("F23 the newest good archive, the newest drilled one, pins and the floor stay, whatever the policy and the clock", async (t) => {
	await forHistories(t, 40_000, (chance) => {
		const policy = policyOf(chance);
		const history = historyOf(chance, 14);
		const nowMs = startMs + (chance.below(7_306) - 3_653) * dayMs;
		const kept = keptOf(history, policy, nowMs);
		const good = history.filter(isGood);
		const drilled = good.findLast(({ proof }) => proof.includes("drilled"));
		for (const archive of [
			good.at(-1),
			drilled,
			...history.filter(({ pinnedAt }) => pinnedAt !== undefined),
		]) {
			assert.ok(archive === undefined || kept.has(archive.id), `${archive?.id} went`);
		}
		const floor = Math.min(policy.minimumGood ?? 1, good.length);
		assert.ok(good.filter(({ id }) => kept.has(id)).length >= floor, "below the floor");
		if (good.length === 0) {
			const whole = history.filter(({ damaged }) => !damaged);
			assert.ok(whole.length === 0 || whole.some(({ id }) => kept.has(id)), "nothing is left");
		}
		assert.equal(
			chooseKept(history, policy, { nowMs, isHeld: true }).every(({ isKept }) => isKept),
			true,
		);
		// What stays stays when it is looked at again, in whatever order it is listed. Only gaps are judged anew by what is left.
		if (policy.withinSeconds !== undefined) return;
		const left = history.filter(({ id }) => kept.has(id));
		assert.deepEqual(keptOf(left.toReversed(), policy, nowMs), new Set(left.map(({ id }) => id)));
	});
});

test("F21 a clock that steps ten years, for good or for a while, lets no archive go that a right clock keeps from before it", async (t) => {
	let compared = 0;
	await forHistories(t, 40_000, (chance) => {
		const policy = policyOf(chance);
		const history = historyOf(chance, 14).map((archive) => ({ ...archive, damaged: false }));
		const from = chance.below(history.length + 1);
		const until = from + chance.below(history.length + 2 - from);
		const stepMs = chance.is(0.5) ? tenYearsMs : -tenYearsMs;
		const stepped = history.map((archive, index) =>
			index < from || index >= until ? archive : shifted(archive, stepMs),
		);
		const lastMs = Date.parse(history.at(-1)?.takenAt ?? new Date(startMs).toISOString());
		const nowMs = lastMs + dayMs;
		const isOver = until <= history.length - 1;
		const right = keptOf(history, policy, nowMs);
		const wrong = keptOf(stepped, policy, isOver ? nowMs : nowMs + stepMs);
		for (const { id } of history.slice(0, from)) {
			if (right.has(id))
				assert.ok(wrong.has(id), `${id} of ${history.length}, step at ${from} until ${until}`);
		}
		compared += from;
	});
	t.diagnostic(`${compared} archives from before a step`);
	assert.ok(compared > 50_000);
});

function shifted(archive: ArchiveSummary, byMs: number): ArchiveSummary {
	return archiveOf(archive.sequence ?? 0, Date.parse(archive.takenAt) + byMs, {
		...{ outcome: archive.outcome, proof: archive.proof, damaged: archive.damaged },
		...(archive.pinnedAt === undefined ? {} : { pinnedAt: archive.pinnedAt }),
	});
}

function keptOf(history: readonly ArchiveSummary[], policy: RetentionPolicy, nowMs: number): Set<string> {
	const decisions = chooseKept(history, policy, { nowMs });
	return new Set(decisions.filter(({ isKept }) => isKept).map(({ archive }) => archive.id));
}
