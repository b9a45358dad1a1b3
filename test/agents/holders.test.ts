import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import { type ArchiveId, FolderPath } from "@davit/protocol";
import { openRig, type Rig } from "./open-rig.ts";
import { perform } from "./perform.ts";

// F10: what holds a folder and is no container.

const run = promisify(execFile);
const signal = AbortSignal.timeout(120_000);
const isRoot = process.geteuid?.() === 0;

suite("a folder that something else holds", {
	skip: isRoot ? false : "only root sees who holds a folder",
}, () => {
	let scratch = "";
	let rig: Rig;
	let path: FolderPath;
	let archive: ArchiveId;

	before(async () => {
		scratch = await mkdtemp(join(tmpdir(), "davit-held-"));
		path = FolderPath.parse(join(scratch, "srv/photos"));
		await mkdir(path, { recursive: true });
		await writeFile(join(path, "notes"), "old");
		rig = await openRig({ folder: scratch, folders: [join(scratch, "srv")] }, signal);
		const { result } = await perform("path.backup", { path }, { context: rig.context() });
		archive = result.archive;
		await writeFile(join(path, "notes"), "new");
	});
	after(() => rm(scratch, { recursive: true, force: true }));

	const action = () => ({ action: "restore", archive }) as const;
	const plan = async () =>
		(await perform("path.plan", { path, action: action() }, { context: rig.context() })).result;
	const blockers = async () => (await plan()).blockers.map(({ code, message }) => `${code}: ${message}`);

	test("is not restored while a process has a file of it open, or stands in it, and is once it ended", async () => {
		for (const [script, words] of [
			[`exec 3<${path}/notes`, `has ${path}/notes open`],
			[`cd ${path}`, `stands in ${path}`],
		] as const) {
			await using holder = await hold(script);
			const told = await blockers();
			assert.equal(told.length, 1);
			assert.equal(told[0], `resource-in-use: path:${path} is in use: sh (pid ${holder.pid}) ${words}`);
			assert.equal(await readFile(join(path, "notes"), "utf8"), "new");
		}
		assert.deepEqual(await blockers(), []);
	});

	test("is not restored while it is mounted elsewhere, in this or in another set of mounts", async () => {
		const elsewhere = join(scratch, "elsewhere");
		await mkdir(elsewhere);
		{
			await run("mount", ["--bind", path, elsewhere]);
			await using _mounted = { [Symbol.asyncDispose]: async () => void (await run("umount", [elsewhere])) };
			assert.deepEqual(await blockers(), [
				`resource-in-use: path:${path} is in use: ${path} is also mounted at ${elsewhere}`,
			]);
		}
		await using holder = await hold(`mount --bind ${path} ${elsewhere}`, ["unshare", "--mount"]);
		const [told] = await blockers();
		assert.equal(
			told,
			`resource-in-use: path:${path} is in use: sh (pid ${holder.pid}) has ${path} mounted at ${elsewhere}`,
		);
	});

	test("stays as it is when a process opens a file of it between the plan and the swap", async () => {
		const { digest } = await plan();
		const holders: AsyncDisposable[] = [];
		const open = async () => void holders.push(await hold(`exec 3<${path}/notes`));
		await assert.rejects(
			perform(
				"path.restore",
				{ path, archive, plan: digest },
				{ context: rig.context(), before: { "set-aside": open } },
			),
			{ code: "resource-in-use", message: /has .*notes open/ },
		);
		assert.equal(holders.length, 1, "the fault fired");
		for (const holder of holders) await holder[Symbol.asyncDispose]();
		assert.equal(await readFile(join(path, "notes"), "utf8"), "new");
	});
});

/** A process that holds what the script makes it hold, until it is disposed of. */
async function hold(
	script: string,
	before: readonly string[] = [],
): Promise<AsyncDisposable & { pid: number }> {
	const [program = "sh", ...words] = [...before, "sh", "-c", `${script} && echo held && read line`];
	const child = spawn(program, words, { stdio: ["pipe", "pipe", "inherit"] });
	const exited = once(child, "exit");
	const [said] = await Promise.race([once(child.stdout, "data"), exited]);
	assert.equal(String(said), "held\n");
	assert.ok(child.pid !== undefined);
	return {
		pid: child.pid,
		async [Symbol.asyncDispose]() {
			child.stdin.end();
			await exited;
		},
	};
}
