import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { BackupResult, isEnded, newId, RequestId, type Run, type RunId, resourceKey } from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import type { Laboratory } from "../lab/laboratory.ts";
import { settle } from "./die-twice.ts";
import { type Doom, doomsOf } from "./doom.ts";
import { insist } from "./insist.ts";
import { type Office, openOffice } from "./open-office.ts";
import { type AgentPlace, openSite } from "./open-scene.ts";
import { openVolume, type WrittenVolume } from "./open-volume.ts";
import { type Mortal, startMortal } from "./start-mortal.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(900_000);

suite("a coordinator that is killed at any write of its history, and again in its next life", {
	skip: unavailable ?? false,
}, () => {
	let lab: Laboratory;
	let office: Office;
	let place: AgentPlace;
	let volume: WrittenVolume;
	let agent: Mortal;
	const archives = new Set<string>();

	before(async () => {
		lab = await openSite(signal);
		office = await openOffice(lab, signal);
		volume = await openVolume(lab.host("nas"), "one-volume", signal);
		await volume.fill("all");
		place = await office.writeAgent("one");
		agent = await startMortal(place);
		await office.sees(place);
	});
	after(async () => {
		await agent?.stop();
		await office?.[Symbol.asyncDispose]();
		await lab?.[Symbol.asyncDispose]();
	});

	test("answers each request with one run, which ends, and of which there is one archive", async (t) => {
		const quiet = newRequest();
		await settle(office.coordinator);
		await office.coordinator.doom("never");
		const run = await office.press(quiet, place);
		assert.ok(run !== undefined);
		await judge(quiet, run);
		const dooms = doomsOf(await settle(office.coordinator));
		assert.ok(dooms.length >= 6, `only ${dooms.length} places to die: ${JSON.stringify(dooms)}`);
		const fates: number[] = [];
		for (const [index, first] of dooms.entries()) {
			fates.push(await insist(first, { write: 1 + (index % 6) }, round));
		}
		const count = (wanted: number) => fates.filter((deaths) => deaths === wanted).length;
		assert.ok(count(2) > dooms.length / 3, `only ${count(2)} of ${dooms.length} second lives died`);
		assert.ok(count(0) < dooms.length / 4, `${count(0)} of ${dooms.length} places were not passed again`);
		t.diagnostic(
			`${dooms.length} places; killed there ${dooms.length - count(0)}, ${count(2)} of them again in the next life; ` +
				`${count(0)} that only some requests pass were not met again`,
		);
	});

	async function round(first: Doom, second: Doom): Promise<number> {
		const id = newRequest();
		await settle(office.coordinator);
		await office.coordinator.doom(first);
		const answered = await office.press(id, place);
		await untilEnded(answered);
		if (await office.coordinator.doom("never")) {
			assert.ok(answered !== undefined);
			await judge(id, answered);
			return 0;
		}
		const next = await office.start(second);
		const again = await pressAgain(id);
		await untilEnded(again);
		const lives = await next.doom("never");
		if (!lives) await office.start();
		// What was answered was written down before.
		for (const run of [answered, again]) {
			if (run !== undefined) assert.ok((await office.runs("one")).some((known) => known.run === run));
		}
		const last = await pressAgain(id);
		assert.ok(last !== undefined);
		for (const run of [answered, again]) if (run !== undefined) assert.equal(run, last);
		await judge(id, last);
		return lives ? 1 : 2;
	}

	/** As a person whose command said that nobody answered. */
	async function pressAgain(id: RequestId): Promise<RunId | undefined> {
		if (office.coordinator.isDead()) return undefined;
		await office.sees(place);
		return office.coordinator.isDead() ? undefined : office.press(id, place);
	}

	/** And a moment longer, for what is written of its end; or until the coordinator died. */
	async function untilEnded(run: RunId | undefined): Promise<void> {
		const { coordinator } = office;
		if (run === undefined || coordinator.isDead()) return;
		if ((await office.ended(run)) === undefined) return;
		await Promise.race([coordinator.death, sleep(300)]);
	}

	async function judge(id: RequestId, wanted: RunId): Promise<void> {
		const run = await office.ended(wanted);
		assert.equal(run?.state, "succeeded", JSON.stringify(run));
		archives.add(BackupResult.parse(run?.result).archive);
		const folder = join(place.home, "archives", resourceKey(volume.resource));
		const onDisk = (await readdir(folder)).map((name) => name.slice(name.indexOf("-") + 1));
		assert.deepEqual(onDisk.sort(), [...archives].sort(), "one archive for each request");
		const runs = await office.runs("one");
		assert.deepEqual(
			runs.filter(({ request }) => request === id).map((one: Run) => one.run),
			[wanted],
		);
		assert.deepEqual(
			runs.filter(({ state }) => !isEnded(state)),
			[],
			"runs without an end",
		);
		await volume.requireContainersAsBefore();
	}
});

function newRequest(): RequestId {
	return RequestId.parse(newId());
}
