import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isEnded, newId, RequestId, type RunId } from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import type { Laboratory } from "../lab/laboratory.ts";
import { settle } from "./die-twice.ts";
import { type Doom, doomsOf } from "./doom.ts";
import { insist } from "./insist.ts";
import { type Office, openOffice } from "./open-office.ts";
import { type AgentPlace, openSite } from "./open-scene.ts";
import { type Mortal, startMortal } from "./start-mortal.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(600_000);
/** Two are begun at once, so the last one waits for its turn. */
const good = ["alpha", "gamma"];
const broken = "beta";
const ends = ["volume:alpha succeeded", "volume:beta failed", "volume:gamma succeeded"];

suite("a coordinator that is killed while it backs up everything on a host, and again in its next life", {
	skip: unavailable ?? false,
}, () => {
	let lab: Laboratory;
	let office: Office;
	let place: AgentPlace;
	let agent: Mortal;
	let asked = 0;

	before(async () => {
		lab = await openSite(signal);
		office = await openOffice(lab, signal);
		const host = lab.host("nas");
		for (const name of [...good, broken]) {
			await host.docker(["volume", "create", name]);
			await writeFile(join(host.dataRoot, "volumes", name, "_data", "content"), name.repeat(1000));
		}
		place = await office.writeAgent("one");
		// Where its archives would go lies a file, so that it fails each time.
		await mkdir(join(place.home, "archives"), { recursive: true });
		await writeFile(join(place.home, "archives", `volume-${broken}`), "in the way");
		agent = await startMortal(place);
		await sees();
	});
	after(async () => {
		await agent?.stop();
		await office?.[Symbol.asyncDispose]();
		await lab?.[Symbol.asyncDispose]();
	});

	test("goes on with what is left: each part once, and never called done where a part failed", async (t) => {
		await settle(office.coordinator);
		await office.coordinator.doom("never");
		const quiet = newRequest();
		const run = await office.pressAll(quiet, place);
		assert.ok(run !== undefined);
		await judge(quiet, run);
		const passed = doomsOf(await settle(office.coordinator));
		// Of its parts' own requests the first stands for all: what it is killed at there is the same.
		const dooms = passed.filter(
			({ point, time }) => / part$/.test(point) || (/ request$/.test(point) && time < 3),
		);
		assert.ok(dooms.length >= 12, `only ${dooms.length} places to die: ${JSON.stringify(passed)}`);
		const fates: number[] = [];
		for (const [index, first] of dooms.entries())
			fates.push(await insist(first, { write: 1 + (index % 6) }, round));
		const count = (wanted: number) => fates.filter((deaths) => deaths === wanted).length;
		assert.ok(count(2) > dooms.length / 3, `only ${count(2)} of ${dooms.length} second lives died`);
		assert.ok(count(0) < dooms.length / 4, `${count(0)} of ${dooms.length} places were not passed again`);
		t.diagnostic(
			`${dooms.length} places; killed there ${dooms.length - count(0)}, ${count(2)} of them twice`,
		);
	});

	async function round(first: Doom, second: Doom): Promise<number> {
		const id = newRequest();
		await settle(office.coordinator);
		await office.coordinator.doom(first);
		const answered = await office.pressAll(id, place);
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
		const last = await pressAgain(id);
		assert.ok(last !== undefined);
		for (const run of [answered, again]) if (run !== undefined) assert.equal(run, last);
		await judge(id, last);
		return lives ? 1 : 2;
	}

	/** As a person whose command said that nobody answered. */
	async function pressAgain(id: RequestId): Promise<RunId | undefined> {
		if (office.coordinator.isDead()) return undefined;
		await sees();
		return office.coordinator.isDead() ? undefined : office.pressAll(id, place);
	}

	/** And a moment longer, for what is written of its end; or until the coordinator died. */
	async function untilEnded(run: RunId | undefined): Promise<void> {
		const { coordinator } = office;
		if (run === undefined || coordinator.isDead()) return;
		if ((await office.ended(run)) === undefined) return;
		await Promise.race([coordinator.death, sleep(300)]);
	}

	async function judge(id: RequestId, wanted: RunId): Promise<void> {
		asked += 1;
		const run = await office.ended(wanted);
		assert.deepEqual([run?.request, run?.state, run?.failure?.code], [id, "partial", "part-failed"]);
		const parts = (await office.parts(wanted)) ?? [];
		assert.deepEqual(
			parts.map(({ resource, state }) => `${resource} ${state}`),
			ends,
		);
		for (const name of good) {
			const folders = await readdir(join(place.home, "archives", `volume-${name}`));
			assert.equal(folders.length, asked, `archives of ${name}: one for each time it was asked for`);
		}
		const open = (await office.runs("one")).filter(({ state }) => !isEnded(state));
		assert.deepEqual(open, [], "runs without an end");
	}

	function sees(): Promise<void> {
		return office.sees(place, [...good, broken]);
	}
});

function newRequest(): RequestId {
	return RequestId.parse(newId());
}
