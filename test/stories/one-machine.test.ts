import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { openHome, type Running, runDavit } from "@davit/cli/testing/run-davit.ts";
import {
	ArchivesDocument,
	PlanDocument,
	ResourceDocument,
	ResultLine,
	StatusDocument,
} from "@davit/protocol";
import { environment, type Started, startEverything } from "./start-everything.ts";

// Everything on one machine with nothing but the command: embedded broker, no engine, no Home Assistant.

test("on one machine a folder is backed up, proven, damaged, restored exactly, and the restore undone", async () => {
	await using home = await openHome();
	await using srv = await openHome();
	const folder = await makeFolder(srv.path);
	await using davit = await startEverything(home.path, ["--folder", folder]);
	const welcome = davit.welcome;
	const ask = async (...words: string[]) => await runDavit(home.path, [...words, "--json"], environment);

	assert.equal(welcome["engine"], null);
	const address = addressIn(davit);
	assert.match(address, /\/path:\/.*\/photos$/);
	assert.equal((await fetch(String(welcome["link"]), { redirect: "manual" })).status < 400, true);

	const backup = resultOf(await ask("backup", address));
	assert.deepEqual([backup.outcome, backup.exitCode], ["succeeded", 0]);
	const archives = ArchivesDocument.parse((await ask("list", "archives", address)).lines[0]);
	assert.deepEqual(
		archives.items.map((row) => row.id),
		[backup.archive],
	);
	assert.ok(archives.items[0]?.proof.includes("verified"));
	assert.equal(resultOf(await ask("verify", `${address}@latest`)).outcome, "succeeded");

	const before = await readTree(folder);
	await damage(folder);
	const damaged = await readTree(folder);
	assert.notDeepEqual(damaged, before);

	const plan = PlanDocument.parse((await ask("restore", `${address}@latest`, "--plan")).lines[0]);
	assert.deepEqual(await readTree(folder), damaged, "a plan changes nothing");
	assert.equal(plan.facts.removes, 1);
	assert.equal((await runDavit(home.path, ["apply", plan.plan], environment)).exitCode, 2);
	const restored = resultOf(await ask("apply", plan.plan, "--confirm", plan.confirm));
	assert.equal(restored.outcome, "succeeded", restored.message);
	assert.deepEqual(await readTree(folder), before);

	const undone = resultOf(await ask("undo", address, "--confirm", plan.confirm));
	assert.equal(undone.outcome, "succeeded", undone.message);
	assert.deepEqual(await readTree(folder), damaged);

	const shown = ResourceDocument.parse((await ask("show", address)).lines[0]);
	assert.equal(shown.archives.length, 1);
	assert.ok(shown.runs.length >= 3);
	const status = StatusDocument.parse((await ask("status")).lines[0]);
	assert.deepEqual([status.total, status.broker.connected, status.broker.protocol], [1, true, "5"]);
	const log = await runDavit(home.path, ["log", String(restored.run)], environment);
	assert.match(log.stdout, /succeeded/);
});

test("what davit start began ends with it, and starts again with the same archives", async () => {
	await using home = await openHome();
	await using srv = await openHome();
	const folder = await makeFolder(srv.path);
	let archive: string | null = null;
	{
		await using davit = await startEverything(home.path, ["--folder", folder]);
		const second = await runDavit(home.path, ["start"], environment);
		assert.equal(second.exitCode, 11, second.stderr);
		archive = resultOf(
			await runDavit(home.path, ["backup", addressIn(davit), "--json"], environment),
		).archive;
		const pids = await childrenOf(davit.running.process.pid ?? 0);
		assert.equal(pids.length, 3);
		davit.running.process.kill("SIGTERM");
		const { exitCode, stderr } = await davit.running.ended;
		assert.equal(exitCode, 0, stderr);
		for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
		assert.deepEqual(await readdir(join(home.path, "run")), []);
	}
	await using _again = await startEverything(home.path, []);
	const { stdout } = await runDavit(home.path, ["list", "archives", "-q"], environment);
	assert.equal(stdout, `${archive}\n`);
});

test("what --demo adds without an engine can be backed up, and --demo-remove takes it away", async () => {
	await using home = await openHome();
	{
		await using davit = await startEverything(home.path, ["--demo"]);
		const backup = resultOf(await runDavit(home.path, ["backup", addressIn(davit), "--json"], environment));
		assert.deepEqual([backup.outcome, backup.message], ["succeeded", backup.message]);
	}
	const removed = await runDavit(home.path, ["start", "--demo-remove"], environment);
	assert.equal(removed.exitCode, 0, removed.stderr);
	await assert.rejects(stat(`${home.path}-demo`), { code: "ENOENT" });
});

test("an agent that dies is started again and goes on", async () => {
	await using home = await openHome();
	await using srv = await openHome();
	await using davit = await startEverything(home.path, ["--folder", await makeFolder(srv.path)]);
	for (const pid of await childrenOf(davit.running.process.pid ?? 0)) {
		const words = await readFile(`/proc/${pid}/cmdline`, "utf8");
		if (words.includes("agents/src/main.ts")) process.kill(pid, "SIGKILL");
	}
	await davit.running.says("davit: agent: was ended by SIGKILL; it is started again in 1 s");
	await davit.running.says("davit: agent: runs again");
	assert.equal(
		resultOf(await runDavit(home.path, ["backup", addressIn(davit), "--json"], environment)).outcome,
		"succeeded",
	);
});

test("programs whose davit start was killed do not live on", async () => {
	await using home = await openHome();
	await using davit = await startEverything(home.path, []);
	const pids = await childrenOf(davit.running.process.pid ?? 0);
	assert.equal(pids.length, 3);
	davit.running.process.kill("SIGKILL");
	await davit.running.ended;
	for (const pid of pids) await untilGone(pid);
});

/** The one folder that it found. */
function addressIn({ welcome }: Started): string {
	const [address] = Array.isArray(welcome["resources"]) ? welcome["resources"] : [];
	return String(address);
}

function resultOf({ lines, stderr }: Awaited<Running["ended"]>): ResultLine {
	assert.ok(lines.length > 0, stderr);
	return ResultLine.parse(lines.at(-1));
}

async function makeFolder(parent: string): Promise<string> {
	const folder = join(parent, "photos");
	await mkdir(join(folder, "2026", "empty"), { recursive: true });
	await writeFile(join(folder, "2026", "one.jpg"), Buffer.alloc(3_000_000, "davit"));
	await writeFile(join(folder, "notes.txt"), "before\n");
	await chmod(join(folder, "notes.txt"), 0o640);
	await symlink("notes.txt", join(folder, "link"));
	return folder;
}

async function damage(folder: string): Promise<void> {
	await rm(join(folder, "2026", "one.jpg"));
	await writeFile(join(folder, "notes.txt"), "encrypted, pay here\n");
	await writeFile(join(folder, "stranger.exe"), "x");
}

/** Names, modes, times and content of everything in a folder. */
async function readTree(folder: string): Promise<string[]> {
	const entries = await readdir(folder, { recursive: true, withFileTypes: true });
	const lines = entries.map(async (entry) => {
		const path = join(entry.parentPath, entry.name);
		const name = path.slice(folder.length);
		if (entry.isSymbolicLink()) return `${name} link`;
		const { mode, mtimeMs } = await stat(path);
		const content = entry.isFile() ? (await readFile(path)).toString("base64").slice(0, 200) : "folder";
		return `${name} ${mode.toString(8)} ${Math.trunc(mtimeMs)} ${content}`;
	});
	return (await Promise.all(lines)).sort();
}

/** The processes that a process started, as Linux tells them. */
async function childrenOf(pid: number): Promise<number[]> {
	const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
	return text.trim().split(" ").map(Number);
}

async function untilGone(pid: number): Promise<void> {
	const deadline = AbortSignal.timeout(20_000);
	while (true) {
		deadline.throwIfAborted();
		const state = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
		if (state === undefined || /\) Z /.test(state)) return;
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}
