import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
	chmod,
	chown,
	lchown,
	link,
	mkdir,
	readdir,
	readFile,
	symlink,
	utimes,
	writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import {
	type Capability,
	HostDocument,
	HostsDocument,
	PlanDocument,
	ResultLine,
	RunsDocument,
} from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import type { Host } from "../lab/host/open.ts";
import { busyboxImage, importBusybox } from "../lab/image/build.ts";
import { type Laboratory, openLaboratory } from "../lab/laboratory.ts";
import { pollUntil } from "../lab/process/poll.ts";
import { run } from "../lab/process/run.ts";
import { type NobodysDavit, nobody, startAsNobody, whyNobodyCannot } from "./start-as-nobody.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(300_000);
/** Ends at once when it is told to. */
const waiting = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"];

suite("an agent that may speak to the engine and not read its folders", {
	skip: unavailable ?? whyNobodyCannot() ?? false,
}, () => {
	let laboratory: Laboratory;
	let host: Host;
	let davit: NobodysDavit;

	before(async () => {
		laboratory = await openLaboratory({ hosts: [{ name: "nas", engine: "20.10" }] }, signal);
		host = laboratory.host("nas");
		await importBusybox(host, signal);
		davit = await startAsNobody(host.socketPath, signal);
	});
	after(async () => {
		await davit?.[Symbol.asyncDispose]();
		await laboratory?.[Symbol.asyncDispose]();
	});

	test("it says that a helper container reaches what it cannot", async () => {
		const { helper, "host-path": hostPath } = await capabilities();
		assert.deepEqual([helper?.available, hostPath?.available], [true, false]);
	});

	test("a volume of odd owners and names is backed up in full, restored exactly, and the restore undone", async () => {
		const data = await makeVolume("odd");
		await plantOddities(data);
		await host.docker(["run", "-d", "--name", "user", "-v", "odd:/x", busyboxImage, ...waiting]);
		const before = await fingerprint(data);
		const backup = await result("backup", "volume:odd");
		assert.deepEqual([backup.outcome, backup.exitCode], ["succeeded", 0], backup.message);
		const { folder, manifest } = await onlyArchive("odd");
		assert.deepEqual([manifest["dataPath"], manifest["fidelity"]], ["helper", "full"]);
		const { stdout: owners } = await run(["find", folder, "-printf", "%U:%G\n"], { signal });
		assert.deepEqual([...new Set(owners.trim().split("\n"))], [`${nobody}:${nobody}`]);
		const listed = await run(["tar", "--zstd", "-tf", join(folder, "content.tar.zst")], { signal });
		assert.match(listed.stdout, /^\.\/owned$/m);

		await writeFile(join(data, "owned"), "damaged");
		await writeFile(join(data, "stale"), "");
		const damaged = await fingerprint(data);
		const plan = PlanDocument.parse((await davit.davit("restore", "volume:odd@latest", "--plan")).lines[0]);
		const { replaces, adds, removes, stops } = plan.facts;
		assert.deepEqual([replaces, adds, removes, stops.map(({ name }) => name)], [2, 0, 1, ["user"]]);
		assert.equal(await fingerprint(data), damaged);
		const restored = await result("apply", plan.plan, "--confirm", plan.confirm);
		assert.equal(restored.outcome, "succeeded", restored.message);
		assert.equal(await fingerprint(data), before);
		assert.match(await host.docker(["exec", "user", "ls", "/x"]), /owned/);
		const undone = await result("undo", "volume:odd", "--confirm", plan.confirm);
		assert.equal(undone.outcome, "succeeded", undone.message);
		assert.equal(await fingerprint(data), damaged);
		assert.deepEqual(await helpers(), []);
	});

	test("a volume that was deleted is made again", async () => {
		const data = await makeVolume("gone");
		await writeFile(join(data, "precious"), "all there is");
		await result("backup", "volume:gone");
		await host.docker(["volume", "rm", "gone"]);
		const plan = PlanDocument.parse((await davit.davit("restore", "volume:gone@latest", "--plan")).lines[0]);
		const restored = await result("apply", plan.plan, "--confirm", plan.confirm);
		assert.equal(restored.outcome, "succeeded", restored.message);
		assert.equal(await readFile(join(data, "precious"), "utf8"), "all there is");
	});

	test("a backup that is cancelled in the middle leaves neither container nor archive", async () => {
		await makeLargeVolume("large");
		const backing = result("backup", "volume:large");
		await untilCopying("large");
		const { items } = RunsDocument.parse((await davit.davit("list", "runs")).lines[0]);
		const open = items.find(({ resource }) => resource === "volume:large");
		const { exitCode, stderr } = await davit.davit("cancel", open?.run ?? "none");
		assert.equal(exitCode, 0, stderr);
		assert.equal((await backing).outcome, "cancelled");
		assert.deepEqual(await helpers(), []);
		assert.deepEqual(await archivesOf("large"), []);
	});

	test("a helper container ends with an agent that is killed, and the next life removes it", async () => {
		await makeLargeVolume("doomed");
		const backing = result("backup", "volume:doomed");
		await untilCopying("doomed");
		const agent = await davit.agentPid();
		// So that the agent is not started again before it was seen what its death alone does.
		process.kill(davit.pid, "SIGSTOP");
		process.kill(agent, "SIGKILL");
		const [helper] = await helpers();
		assert.ok(helper !== undefined);
		const isOver = async () =>
			(await host.docker(["inspect", "-f", "{{.State.Status}}", helper])) === "exited";
		await pollUntil(isOver, { what: "the helper's end", timeoutMs: 10_000, signal });
		process.kill(davit.pid, "SIGCONT");
		const isGone = async () => (await helpers()).length === 0;
		await pollUntil(isGone, { what: "the helper to be removed", timeoutMs: 20_000, signal });
		assert.equal((await backing).outcome, "failed");
		assert.deepEqual(await archivesOf("doomed"), []);
	});

	test("with `helper: false` the archive API is read, and the archive says what that loses", async () => {
		const data = await makeVolume("plain");
		await writeFile(join(data, "file"), "content");
		const file = join(davit.home, "config/agent.json");
		const settings = JSON.parse(await readFile(file, "utf8"));
		await writeFile(file, JSON.stringify({ ...settings, helper: false }));
		process.kill(await davit.agentPid(), "SIGTERM");
		const isOff = async () => (await capabilities())["helper"]?.available === false;
		await pollUntil(isOff, { what: "the helper to be off", timeoutMs: 20_000, signal });
		const backup = await result("backup", "volume:plain");
		assert.equal(backup.outcome, "succeeded", backup.message);
		const { manifest } = await onlyArchive("plain");
		assert.deepEqual([manifest["dataPath"], manifest["fidelity"]], ["archive-api", "reduced"]);
		const plan = PlanDocument.parse((await davit.davit("restore", "volume:plain@latest", "--plan")).lines[0]);
		assert.deepEqual(
			plan.facts.blockers.map(({ code }) => code),
			["unsupported"],
		);
	});

	async function capabilities(): Promise<Record<string, Capability>> {
		const { items } = HostsDocument.parse((await davit.davit("list", "hosts")).lines[0]);
		const shown = HostDocument.parse((await davit.davit("show", items[0]?.host ?? "")).lines[0]);
		return Object.fromEntries(shown.capabilities.map((capability) => [capability.name, capability]));
	}

	async function result(...words: string[]) {
		const { lines, stderr } = await davit.davit(...words);
		const last = lines.at(-1);
		assert.ok(last !== undefined, stderr);
		return ResultLine.parse(last);
	}

	async function makeVolume(name: string): Promise<string> {
		await host.docker(["volume", "create", name]);
		const isListed = async () =>
			JSON.stringify((await davit.davit("list", "resources")).lines).includes(`:${name}"`);
		await pollUntil(isListed, { what: `volume ${name} in the list`, timeoutMs: 10_000, signal });
		return join(host.dataRoot, "volumes", name, "_data");
	}

	/** Takes seconds to copy and no room. */
	async function makeLargeVolume(name: string): Promise<void> {
		await run(["truncate", "-s", "8G", join(await makeVolume(name), "zeros")], { signal });
	}

	async function untilCopying(name: string): Promise<void> {
		const isCopying = async () => (await archivesOf(name)).some((folder) => folder.endsWith(".partial"));
		await pollUntil(isCopying, { what: "the copy to begin", timeoutMs: 20_000, signal });
		await pollUntil(async () => (await helpers()).length > 0, {
			...{ what: "the helper container", timeoutMs: 10_000, signal },
		});
	}

	async function helpers(): Promise<string[]> {
		const words = ["ps", "-aq", "--filter", "label=davit.agent"];
		return (await host.docker(words)).split("\n").filter(Boolean);
	}

	async function archivesOf(volume: string): Promise<string[]> {
		const archives = join(davit.home, "archives");
		const keys = (await readdir(archives)).filter((key) => key.includes(volume));
		const folders = await Promise.all(keys.map((key) => readdir(join(archives, key))));
		return folders.flat();
	}

	async function onlyArchive(volume: string) {
		const archives = join(davit.home, "archives");
		const [key] = (await readdir(archives)).filter((name) => name.includes(volume));
		const [name, ...more] = await archivesOf(volume);
		assert.deepEqual(more, []);
		const folder = join(archives, key ?? "", name ?? "");
		const manifest: Record<string, unknown> = JSON.parse(
			await readFile(join(folder, "MANIFEST.json"), "utf8"),
		);
		return { folder, manifest };
	}
});

async function plantOddities(data: string): Promise<void> {
	await writeFile(join(data, "owned"), "by somebody");
	await chown(join(data, "owned"), 4_000_000, 12_345);
	await chmod(join(data, "owned"), 0o4711);
	await mkdir(join(data, "secret"), { mode: 0o700 });
	await writeFile(join(data, "secret", "of root"), Buffer.alloc(70_000, 7), { mode: 0o400 });
	await writeFile(Buffer.concat([Buffer.from(`${data}/not-utf8-`), Buffer.from([0xff, 0xfe])]), "raw");
	await writeFile(join(data, "line\nbreak"), "");
	await symlink("/etc/shadow", join(data, "link"));
	await lchown(join(data, "link"), 77, 78);
	await link(join(data, "owned"), join(data, "second name"));
	await run(["mkfifo", "-m", "622", join(data, "pipe")], { signal });
	await run(["mknod", join(data, "zero"), "c", "1", "5"], { signal });
	await utimes(join(data, "owned"), 1_000_000_000, 1_234_567_890);
	await chmod(data, 0o2750);
	await chown(data, 999, 998);
}

/** Names, types, owners, modes, times, targets and content of everything. */
async function fingerprint(folder: string): Promise<string> {
	const words = ["--create", "--sort=name", "--numeric-owner", "--format=gnu", "-C", folder, "."];
	const { stdout } = await run(["sh", "-c", 'tar "$@" | sha256sum', "sh", ...words], { signal });
	return createHash("sha256").update(stdout).digest("hex");
}
