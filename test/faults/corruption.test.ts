import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, test } from "node:test";
import { numbersFrom, seedOf } from "@davit/protocol/testing/seed.ts";
import { type Damaged, damageOf, kindsOfDamage } from "./damage-archive.ts";
import { openShelf, type Shelf } from "./open-shelf.ts";

const damages = 10_000;
const lanes = 4;
const signal = AbortSignal.timeout(300_000);
const opened: Shelf[] = [];
after(() => {
	for (const { folder } of opened) rmSync(folder, { recursive: true, force: true });
});

test(`of ${damages} damages to archives every one is found by verify, and none of them is restored`, async (t) => {
	const seed = seedOf(t);
	const counts = new Map<string, number>();
	const beganMs = performance.now();
	const work = async (lane: number) => {
		const shelf = await openShelf(signal);
		opened.push(shelf);
		const chance = numbersFrom(seed + lane);
		for (let number = 0; number < damages / lanes; number += 1) {
			const kind = kindsOfDamage[number % kindsOfDamage.length] ?? "flip";
			const damaged = damageOf(kind, shelf, chance);
			const label = `seed ${seed}, lane ${lane}, damage ${number}: ${damaged.label}`;
			await requireRefused(shelf, damaged, label);
			if (number % 20 === 0) await requireListedAsBad(shelf, damaged, label);
			damaged.mend();
			counts.set(kind, (counts.get(kind) ?? 0) + 1);
		}
		// What was mended each time is whole again: the damages were the reason, and nothing else.
		for (const { archive } of shelf.kept) {
			await shelf.archives.verify(archive, { signal });
			assert.equal(await shelf.restore(archive), "restored");
		}
	};
	await Promise.all(Array.from({ length: lanes }, (_, lane) => work(lane)));
	const told = [...counts].map(([kind, count]) => `${count} ${kind}`).join(", ");
	t.diagnostic(`seed ${seed}: ${told}; ${Math.round((performance.now() - beganMs) / 1000)} s`);
	assert.equal(
		[...counts.values()].reduce((sum, count) => sum + count, 0),
		damages,
	);
});

const refusals: ReadonlySet<unknown> = new Set(["archive-corrupt", "archive-not-found", "archive-too-new"]);

async function requireRefused(shelf: Shelf, { archives }: Damaged, label: string): Promise<void> {
	assert.ok(archives.length > 0);
	for (const archive of archives) {
		// First, so that what verify writes down cannot be why.
		assert.ok(refusals.has(await shelf.restore(archive)), `${label}: it was restored`);
		const verified = await shelf.archives.verify(archive, { signal }).then(
			() => "verified",
			(error: { readonly code?: string }) => error.code,
		);
		assert.ok(refusals.has(verified), `${label}: it was ${verified}`);
	}
}

/** In a list it is damaged, or gone, or proves nothing. */
async function requireListedAsBad(shelf: Shelf, { archives }: Damaged, label: string): Promise<void> {
	for (const archive of archives) {
		const listed = (await shelf.archives.list(shelf.resourceOf(archive))).filter(({ id }) => id === archive);
		for (const { damaged, proof } of listed) {
			assert.ok(damaged || !proof.includes("verified"), `${label}: it is listed as good`);
		}
	}
}
