import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openHome } from "@davit/cli/testing/run-davit.ts";
import { labAvailability } from "../lab/availability.ts";
import { pollUntil } from "../lab/process/poll.ts";
import { run } from "../lab/process/run.ts";
import { findRestic } from "../lab/provision/unpack-restic.ts";
import { openSite, type Site, startSite } from "./open-site.ts";
import { assertTold, toldBy } from "./read-page.ts";

// Repositories that a backup is to go into and cannot.

const { restic: unavailable } = await labAvailability();
const options = { skip: unavailable ?? false, timeout: 60_000 };
const opened = new AsyncDisposableStack();
let site: Site;
/** Holds the password file and the repositories. */
let folder: string;
let program: string;

before(async () => {
	if (unavailable !== undefined) return;
	const signal = AbortSignal.timeout(60_000);
	program = await findRestic(signal);
	folder = opened.use(await openHome()).path;
	await writeFile(join(folder, "password"), "right\n", { mode: 0o600 });
	await writeFile(join(folder, "wrong"), "wrong\n", { mode: 0o600 });
	await writeFile(join(folder, "open"), "right\n");
	await chmod(join(folder, "open"), 0o644);
	await mkdir(join(folder, "empty"));
	await run(["dd", "if=/dev/urandom", `of=${join(folder, "large")}`, "bs=64k", "count=8"], { signal });
	for (const words of [["init"], ["backup", join(folder, "large")]]) await run(restic(words), { signal });
	const home = opened.use(await openHome()).path;
	site = opened.use(await openSite({ home }));
	await site.stop();
	const file = join(home, "config", "agent.json");
	const settings = JSON.parse(await readFile(file, "utf8"));
	await writeFile(
		file,
		JSON.stringify({ ...settings, resticProgram: program, repositories: repositories() }),
	);
	opened.use(await startSite(home, []));
});

after(() => opened.disposeAsync());

function repositories(): readonly object[] {
	const url = join(folder, "repository");
	const passwordFile = join(folder, "password");
	const common = { url, passwordFile, lockSeconds: 1 };
	return [
		{ name: "disk", ...common },
		{ name: "nothing", ...common, url: join(folder, "empty") },
		{ name: "server", ...common, url: "rest:http://127.0.0.1:1/", contactSeconds: 2 },
		{ name: "mistaken", ...common, passwordFile: join(folder, "wrong") },
		{ name: "lost", ...common, passwordFile: join(folder, "none") },
		{ name: "open", ...common, passwordFile: join(folder, "open") },
	];
}

function restic(words: readonly string[]): [string, ...string[]] {
	const where = ["--repo", join(folder, "repository"), "--password-file", join(folder, "password")];
	return [program, ...where, "--no-cache", ...words];
}

async function snapshotsKept(): Promise<readonly string[]> {
	return (await readdir(join(folder, "repository", "snapshots"))).sort();
}

/** Says so, and neither the repository, nor the folder, nor the archives of this host became other than they were. */
async function refused(input: string, repository: string): Promise<void> {
	const kept = await snapshotsKept();
	assertTold(input, toldBy(await site.davit("backup", "photos", "--to", repository)));
	assert.deepEqual(await snapshotsKept(), kept, input);
	assert.equal((await site.davit("list", "archives", "-q")).stdout, "", input);
	assert.equal(await readFile(join(site.folder, "notes.txt"), "utf8"), "before\n", input);
}

test("a repository that is none, or that this host does not know, gets nothing", options, async () => {
	await refused("a repository that the host does not have", "tape");
	await refused("a repository's name that is none", "Tape!");
	await refused("a repository that is not one", "nothing");
	assert.deepEqual(await readdir(join(folder, "empty")), []);
	await refused("a repository that cannot be reached", "server");
});

test("a repository that cannot be checked or pruned is named", options, async () => {
	assertTold(
		"a check of what is no repository's name",
		toldBy(await site.davit("repository", "check", "nas/Tape!")),
	);
	assertTold("a check of an unknown repository", toldBy(await site.davit("repository", "check", "tape")));
	assertTold("a prune of what is no repository", toldBy(await site.davit("repository", "prune", "nothing")));
	assertTold("a prune on an unknown host", toldBy(await site.davit("repository", "prune", "attic/disk")));
	const times = ["--cron", "0 4 * * *"];
	assertTold(
		"a schedule into a repository that is not there",
		toldBy(await site.davit("schedule", "add", "away", "photos", "--to", "tape", ...times)),
	);
	const everything = await site.davit("schedule", "add", "check", `${site.host}/*`, "--check", ...times);
	assertTold("a scheduled check of everything", toldBy(everything));
	assert.equal((await site.davit("list", "schedules", "-q")).stdout, "");
	assert.equal((await site.davit("repository", "check", `${site.host}/disk`)).exitCode, 0);
	assert.equal((await site.davit("repository", "prune", "disk")).exitCode, 0);
});

test("a repository whose password cannot be used gets nothing", options, async () => {
	await refused("a repository with another password", "mistaken");
	await refused("a repository's password file that is missing", "lost");
	await refused("a repository's password file that others can read", "open");
});

test("a repository that another program locked gets nothing until it is free", options, async () => {
	const [argv0, ...argv] = restic(["check", "--read-data", "--limit-download", "1"]);
	const holder = spawn(argv0, argv, { stdio: "ignore" });
	const ended = once(holder, "exit");
	try {
		const locks = () => readdir(join(folder, "repository", "locks"));
		await pollUntil(async () => (await locks()).length > 0, {
			...{ what: "restic holds its lock", timeoutMs: 20_000, signal: AbortSignal.timeout(20_000) },
		});
		await refused("a repository that is locked", "disk");
		assert.equal(holder.exitCode, null, "the lock was held all the time");
	} finally {
		holder.kill("SIGKILL");
		await ended;
	}
	assert.equal((await site.davit("backup", "photos", "--to", "disk")).exitCode, 0);
});
