import assert from "node:assert/strict";
import test from "node:test";
import { doubled, type Mutation, mutations } from "./sabotages.ts";
import { simulate } from "./simulate.ts";

const seedsAtMost = 80;

for (const mutation of mutations) {
	test(`the auditor notices ${mutation.name}`, async (context) => {
		const seed = await firstNoticed(mutation);
		assert.notEqual(seed, undefined, `${mutation.promise} was not accused within ${seedsAtMost} seeds`);
		context.diagnostic(`${mutation.promise} is accused with seed ${seed}`);
	});
}

test("two commands for one resource at the same time are not enough to break I2", async () => {
	for (let seed = 1; seed <= 10; seed += 1) {
		const { violations } = await simulate({
			seed,
			sabotage: { beforeAgent: (_agent, message) => doubled(message) },
		});
		const ofLocks = violations.filter(({ promise }) => promise === "I2");
		assert.deepEqual(ofLocks, [], `seed ${seed}`);
	}
});

async function firstNoticed({ sabotage, promise }: Mutation): Promise<number | undefined> {
	for (let seed = 1; seed <= seedsAtMost; seed += 1) {
		const { violations } = await simulate({ seed, sabotage });
		if (violations.some((violation) => violation.promise === promise)) return seed;
	}
	return undefined;
}
