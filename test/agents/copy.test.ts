import assert from "node:assert/strict";
import { existsSync, rmSync } from "node:fs";
import { appendFile, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, afterEach, before, suite, test } from "node:test";
import { compareTree } from "@davit/agents/files/compare-tree.ts";
import { copyTree } from "@davit/agents/files/copy-tree.ts";
import { plantCorpus } from "@davit/agents/files/plant-corpus.ts";
import { Bytes, OperationError, VolumeName } from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import { openSmallDisk } from "../lab/fault/open-small-disk.ts";
import type { Host } from "../lab/host/open.ts";
import { buildWriter, importBusybox, writerFolder, writerImage } from "../lab/image/build.ts";
import { type Laboratory, openLaboratory } from "../lab/laboratory.ts";
import { pollUntil } from "../lab/process/poll.ts";
import { openRig, type Rig } from "./open-rig.ts";
import { Died, type Interference, perform } from "./perform.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(120_000);

suite("copies of volumes on a real engine", { skip: unavailable ?? false }, () => {
	let laboratory: Laboratory;
	let host: Host;
	let rig: Rig;
	const volume = VolumeName.parse("written");
	const as = "written-then";

	before(async () => {
		laboratory = await openLaboratory({ hosts: [{ name: "nas", engine: "26.1" }] }, signal);
		host = laboratory.host("nas");
		await importBusybox(host, signal);
		await buildWriter(host, signal);
		rig = await openRig({ folder: host.folder, socketPath: host.socketPath }, signal);
		const words = ["--name", "web", "--restart", "always", "-v", `${volume}:${writerFolder}`];
		await host.docker(["run", "--detach", ...words, writerImage]);
		await plantCorpus(join(dataOf(volume), "corpus"));
		rmSync(join(dataOf(volume), "corpus/socket"), { recursive: true });
	});
	afterEach(async () => {
		if ((await volumes()).includes(as)) await host.docker(["volume", "rm", as]);
	});
	after(() => laboratory?.[Symbol.asyncDispose]());

	test("a volume is copied with all that volumes were seen to hold, while a container writes to it", async (t) => {
		const { state, result } = await copy();
		assert.deepEqual([state, result.as, result.warnings], ["succeeded", `volume:${as}`, []]);
		assert.equal(result.consistency, "paused");
		assert.ok(result.downtimeMs > 0, "the writer waited");
		const wanted = { tree: dataOf(volume) };
		const compared = await compareTree({ wanted, root: dataOf(as), exact: true, signal });
		assert.deepEqual([compared.adds, compared.removes], [0, 0]);
		assert.deepEqual(compared.examples.replaces, ["written.log"], "only what went on being written differs");
		const [then, now] = await Promise.all(
			[as, volume].map((name) => readFile(join(dataOf(name), "written.log"), "utf8")),
		);
		assert.ok(then?.endsWith("\n") && now?.startsWith(then), "a moment of what is now");
		assert.deepEqual(await readdir(dirname(dataOf(as))), ["_data"], "no list is left beside it");
		await requireWriting();
		t.diagnostic(`down ${result.downtimeMs} ms of ${result.durationMs} ms, ${result.entries} entries`);
	});

	for (const dieAfter of ["create", "quiesce", "copy", "notice", "resume", "check"]) {
		test(`an agent that dies in a copy after "${dieAfter}" leaves no new volume and the writer writing`, async () => {
			await assert.rejects(copy({ dieAfter }), Died);
			assert.deepEqual(await volumes(), [volume]);
			await requireWriting();
		});
	}

	test("one that dies after the last step has copied it", async () => {
		const { state } = await copy({ dieAfter: "settle" });
		assert.equal(state, "succeeded");
		assert.ok(existsSync(join(dataOf(as), "corpus")));
		assert.deepEqual(await readdir(dirname(dataOf(as))), ["_data"]);
	});

	test("a copy that does not hold what was read is removed", async () => {
		const damage = () => appendFile(join(dataOf(as), "written.log"), "!");
		await assert.rejects(copy({ before: { check: damage } }), withCode("copy-inexact"));
		assert.deepEqual(await volumes(), [volume]);
		await requireWriting();
	});

	test("nothing is touched where a name is taken or none, nothing is there, or nothing would fit", async () => {
		const other = VolumeName.parse("other");
		await host.docker(["volume", "create", other]);
		await writeFile(join(dataOf(other), "mine"), "not to be lost");
		const config = { ...rig.config, minimumFreeBytes: Bytes.parse(Number.MAX_SAFE_INTEGER - 1024 ** 4) };
		const { engine } = rig;
		assert.ok(engine !== undefined);
		const helpless = { ...rig.config, helper: false };
		const blind = rig.context({ config: helpless, engine: { ...engine, sharesPaths: false } });
		const absent = VolumeName.parse("absent");
		for (const [params, code, context] of [
			[{ volume, as: other }, "resource-exists", rig.context()],
			[{ volume, as: volume }, "resource-exists", rig.context()],
			[{ volume, as: "../up" }, "request-malformed", rig.context()],
			[{ volume: absent, as }, "volume-not-found", rig.context()],
			[{ volume, as }, "disk-full", rig.context({ config })],
			[{ volume, as }, "unsupported", blind],
		] as const) {
			await assert.rejects(perform("volume.copy", params, { context }), withCode(code));
			assert.deepEqual(await volumes(), [other, volume].toSorted(), code);
		}
		assert.equal(await readFile(join(dataOf(other), "mine"), "utf8"), "not to be lost");
		await host.docker(["volume", "rm", other]);
		await requireWriting();
	});

	test("on XFS a copy shares its blocks with the original", async () => {
		await using disk = await openSmallDisk(
			{ path: join(host.folder, "rock"), megabytes: 320, fileSystem: "xfs" },
			signal,
		);
		const [root, target, listed] = [join(disk.path, "a"), join(disk.path, "b"), join(disk.path, "list")];
		await mkdir(root);
		// Twice would not fit.
		const content = Buffer.alloc(1024 * 1024, "davit ");
		for (let part = 0; part < 150; part += 1) await appendFile(join(root, "big"), content);
		const copied = await copyTree({ root, target, listed, totalBytes: 0, signal });
		assert.deepEqual([copied.contentBytes, copied.sharedBytes], [150 * content.length, 150 * content.length]);
		const compared = await compareTree({ wanted: { tree: root }, root: target, exact: true, signal });
		assert.deepEqual([compared.sameEntries, compared.replaces], [2, 0]);
	});

	function copy(interference: Interference = {}) {
		return perform("volume.copy", { volume, as }, { context: rig.context(), ...interference });
	}

	async function requireWriting(): Promise<void> {
		const log = join(dataOf(volume), "written.log");
		const { size } = await stat(log);
		const hasGrown = async () => (await stat(log)).size > size;
		await pollUntil(hasGrown, { what: "the writer to go on", timeoutMs: 10_000, signal });
	}

	async function volumes(): Promise<string[]> {
		return (await host.docker(["volume", "ls", "--quiet"])).split("\n").filter(Boolean).toSorted();
	}

	function dataOf(name: string): string {
		return join(host.dataRoot, "volumes", name, "_data");
	}
});

function withCode(code: string): (error: unknown) => boolean {
	return (error) => error instanceof OperationError && error.code === code;
}
