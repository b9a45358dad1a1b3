import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { entry, runDavit } from "@davit/cli/testing/run-davit.ts";
import { RunsDocument } from "@davit/protocol";
import { environment, openSite, type Site } from "./open-site.ts";
import { assertTold, toldBy } from "./read-page.ts";

// What a person types that is not there, is of another kind, or is no name at all.

let site: Site;
let archive: string;

before(async () => {
	site = await openSite();
	archive = (await site.davit("backup", "photos", "-q")).stdout.trim();
	assert.match(archive, /^[0-9a-f]{10}$/);
});

after(() => site[Symbol.asyncDispose]());

/** What the command says of each line, one process after the other. */
async function refused(input: string, ...words: readonly string[]): Promise<void> {
	assertTold(input, toldBy(await site.davit(...words)));
}

test("what does not exist is named, with what to look at", async () => {
	await refused("unknown host", "backup", "attic/photos");
	await refused("rescan of an unknown host", "repository", "rescan", "attic");
	await refused("unknown stack", "backup", `${site.host}/stack:media`);
	await refused("images of what is no stack", "backup", "photos", "--images");
	await refused("unknown volume", "backup", `${site.host}/volume:grafana-data`);
	await refused("misspelt resource", "backup", "photso");
	await refused("unknown archive of a resource", "restore", "photos@0123456789");
	await refused("unknown archive by its id alone", "show", "0123456789");
	await refused("unknown run", "log", "rzzzzzzzz");
	await refused("unknown plan", "apply", "pzzzzzzzz", "--confirm", "photos");
	await refused("unknown schedule", "schedule", "remove", "nightly");
	await refused("nothing to go back to", "undo", "photos");
	const elsewhere = join(site.home, "elsewhere");
	assertTold("no coordinator on this machine", toldBy(await runDavit(elsewhere, ["status"], environment)));
});

test("what is of another kind than is wanted is refused as it was typed", async () => {
	await refused("a host where a resource is wanted", "drill", site.host);
	await refused("a resource where an archive is wanted", "verify", "photos");
	await refused("a word that is no plan's id", "apply", "photos", "--confirm", "photos");
	await refused("a consistency that does not exist", "backup", "photos", "--consistency", "fast");
	await refused("a database's own copy", "backup", "photos", "--consistency", "engine-native");
	await refused("a sample of nothing", "verify", "photos@latest", "--sample", "0");
	await refused("a sample that is no share", "verify", "photos@latest", "--sample", "some");
	await refused("a host to drill", "drill", site.host);
	await refused("an archive that was never proven", "restore", "photos@latest-proven", "--plan");
	await refused("hooks that are no names", "backup", "photos", "--hooks", "rm -rf");
	await refused("a duration that is none", "backup", "photos", "--timeout", "soon");
	await refused("times that are none", "schedule", "add", "nightly", "photos", "--cron", "99 3 * * *");
	await refused(
		"a time zone that does not exist",
		"schedule",
		"add",
		"nightly",
		"photos",
		"--cron",
		"0 3 * * *",
		"--time-zone",
		"Mars",
	);
	await refused("a verb that does not exist", "bakcup", "photos");
	await refused("a restore without its confirmation", "restore", "photos@latest");
	await refused("a restore confirmed with another name", "restore", "photos@latest", "--confirm", "music");
});

test("what cannot be a name is shown harmlessly and found nowhere", async () => {
	await refused("a name with a newline", "backup", "pho\ntos");
	await refused("a name with a slash", "backup", `${site.host}/volume:gra/fana`);
	await refused("a name with ..", "backup", `${site.host}/volume:../photos`);
	await refused("a folder with ..", "backup", `${site.host}/path:${site.folder}/../photos`);
	await refused(
		"a schedule's name with a newline",
		"schedule",
		"add",
		"ni\nghtly",
		"photos",
		"--cron",
		"0 3 * * *",
	);
	await refused("an account's name with a slash", "account", "../root");
	await refused("a host's name with a slash", "host", "join", "nas/1");
	// The shell passes bytes that are no UTF-8, which Node's spawn cannot.
	const typed = spawnSync(
		"sh",
		["-c", `exec "$0" "$1" backup "$(printf 'pho\\377tos')"`, process.execPath, entry],
		{
			env: { PATH: "/usr/bin:/bin", DAVIT_HOME: site.home, NO_COLOR: "1" },
			encoding: "utf8",
		},
	);
	assertTold("a name that is not UTF-8", toldBy({ ...typed, exitCode: typed.status, lines: [] }));
});

test("a folder that cannot be protected is refused before anything is written down", async () => {
	const home = join(site.home, "other");
	const start = async (input: string, folder: string) => {
		assertTold(input, toldBy(await runDavit(home, ["start", "--folder", folder], environment)));
		assert.deepEqual(await readdir(join(home, "config")), []);
	};
	await start("a folder that is not there", "/nonexistent/photos");
	await start("a folder that holds Davit's own state", site.home);
	await start("a file as a folder", join(site.folder, "notes.txt"));
	const broken = join(site.home, "pho\ntos");
	await mkdir(broken);
	await start("a folder whose name has a newline", broken);
});

test("nothing of all this began a run, made a schedule or left a file", async () => {
	const { lines } = await site.davit("list", "runs", "--json");
	const schedules = await site.davit("list", "schedules", "-q");
	assert.equal(RunsDocument.parse(lines[0]).total, 1, "the one backup");
	assert.equal(schedules.stdout, "");
	assert.deepEqual(await readdir(site.folder), ["notes.txt"]);
	assert.equal((await site.davit("list", "archives", "-q")).stdout.trim(), archive);
});

test("names inside the data that are no names elsewhere come back byte for byte", async () => {
	const names = ["new\nline", "-rf", " ", "…", "back\\slash", "a".repeat(255)].map((name) =>
		Buffer.from(name),
	);
	const bytes = Buffer.from([0x70, 0xff, 0xfe]);
	for (const name of [...names, bytes]) await writeFile(inFolder(name), name);
	const before = await contentOf();
	assert.equal((await site.davit("backup", "photos")).exitCode, 0);
	for (const name of [...names, bytes]) await writeFile(inFolder(name), "damaged");
	const restored = await site.davit("restore", "photos@latest", "--confirm", site.folder);
	assert.equal(restored.exitCode, 0, restored.stderr);
	assert.deepEqual(await contentOf(), before);
	assert.doesNotMatch(restored.stderr, /new\nline/, "a name cannot break a line of the plan");
});

function inFolder(name: Buffer): Buffer {
	return Buffer.concat([Buffer.from(`${site.folder}/`), name]);
}

async function contentOf(): Promise<string[]> {
	const names = await readdir(site.folder, { encoding: "buffer" });
	const lines = names.map(
		async (name) => `${name.toString("hex")} ${(await readFile(inFolder(name))).toString("hex")}`,
	);
	return (await Promise.all(lines)).sort();
}
