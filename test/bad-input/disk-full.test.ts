import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Ended, openHome, runDavit, startDavit } from "@davit/cli/testing/run-davit.ts";
import { labAvailability } from "../lab/availability.ts";
import { openSmallDisk, type SmallDisk } from "../lab/fault/open-small-disk.ts";
import { pollUntil } from "../lab/process/poll.ts";
import { findAgent } from "./find-children.ts";
import { environment, makeFolder, startSite } from "./open-site.ts";
import { assertTold, toldBy } from "./read-page.ts";

// Davit on two small disks, one for its own state and one for the archives.

const { hosts: unavailable } = await labAvailability();
const skip = unavailable ?? false;
const life = new AbortController();
const { signal } = life;
const opened = new AsyncDisposableStack();

let stateDisk: SmallDisk;
let archiveDisk: SmallDisk;
let home: string;
let folder: string;
let startPid: number;

before(async () => {
	if (unavailable !== undefined) return;
	const { path } = opened.use(await openHome());
	[archiveDisk, stateDisk] = [
		opened.use(await openSmallDisk({ path: join(path, "archives"), megabytes: 80 }, signal)),
		opened.use(await openSmallDisk({ path: join(path, "state"), megabytes: 64 }, signal)),
	];
	home = join(stateDisk.path, "home");
	await mkdir(join(home, "config"), { recursive: true });
	// Without a broker in it: that is chosen now, and so the agent is let in and keeps what its settings say already.
	await writeFile(join(home, "config", "coordinator.json"), "{}");
	const archivesPath = join(archiveDisk.path, "kept");
	await writeFile(join(home, "config", "agent.json"), JSON.stringify({ archivesPath, minimumFreeBytes: 0 }));
	folder = await makeFolder(path);
	const { running } = opened.use(await startSite(home, ["--folder", folder]));
	startPid = running.process.pid ?? 0;
});

after(async () => {
	await opened.disposeAsync();
	life.abort();
});

const davit = (...words: string[]): Promise<Ended> => runDavit(home, words, environment);

async function succeeds(...words: string[]): Promise<void> {
	const { exitCode, stderr } = await davit(...words);
	assert.equal(exitCode, 0, stderr);
}

/** Every archive's folder, half ones too. */
async function archives(): Promise<string[]> {
	const kept = join(archiveDisk.path, "kept");
	const keys = (await readdir(kept)).filter((name) => name.startsWith("path-"));
	return (await Promise.all(keys.map((key) => readdir(join(kept, key))))).flat();
}

async function assertFull(disk: SmallDisk): Promise<void> {
	assert.equal((await statfs(disk.path)).bavail, 0, "the fault fired");
}

test("a backup onto a full disk is refused with the disk and the need, and succeeds once there is room", {
	skip,
}, async () => {
	await succeeds("backup", "photos");
	const [only] = await archives();
	await archiveDisk.fill();
	await assertFull(archiveDisk);
	assertTold("the archives' disk is full", toldBy(await davit("backup", "photos")));
	assert.deepEqual(await archives(), [only]);
	await archiveDisk.free();
	await succeeds("backup", "photos");
});

test("a disk that gets full in the middle of a backup leaves no half archive", { skip }, async () => {
	await writeFile(join(folder, "film.bin"), randomBytes(48 * 1024 * 1024));
	const whole = (await archives()).length;
	const agent = await findAgent(startPid);
	const { ended } = startDavit(home, ["backup", "photos"], environment);
	await pollUntil(async () => (await archives()).length > whole, {
		...{ what: "the half archive", timeoutMs: 10_000, intervalMs: 1, signal },
	});
	// The agent leads a group with its worker: nothing is written while the disk is filled.
	process.kill(-agent, "SIGSTOP");
	await archiveDisk.fill();
	await assertFull(archiveDisk);
	process.kill(-agent, "SIGCONT");
	assertTold("the archives' disk gets full during a backup", toldBy(await ended));
	assert.equal((await archives()).length, whole);
	await archiveDisk.free();
	await rm(join(folder, "film.bin"));
	await succeeds("backup", "photos");
});

test("while the disk of its own state is full nothing is begun, and what is known can still be looked at", {
	skip,
}, async () => {
	const kept = await archives();
	await stateDisk.fill();
	await assertFull(stateDisk);
	assertTold("the disk of Davit's own state is full", toldBy(await davit("backup", "photos")));
	const seen = await davit("list", "archives", "-q");
	assert.equal(seen.stdout.trim().split("\n").length, kept.length, seen.stderr);
	assert.deepEqual(await archives(), kept);
	await stateDisk.free();
	await succeeds("backup", "photos");
});
