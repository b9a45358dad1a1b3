import { mkdirSync, rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measureTree } from "@davit/agents/files/measure-tree.ts";
import { type Bench, megabytes, type Row } from "../measure.ts";
import { makeEmpty, makeMixed, makeSmall } from "./make-corpus.ts";
import { measureHole } from "./measure-hole.ts";
import { type Cost, measureJob, type Running, timeShell } from "./measure-job.ts";
import { plantManifest } from "./plant-manifest.ts";
import { measureRestic } from "./restic.ts";
import { sizeOf } from "./sizes.ts";

const rssGoalBytes = 150e6;

export const archives: Bench = {
	name: "archives",
	about:
		"archives alone, without an agent: a mixed volume, many small files and a million entries, each in a process of its own, beside GNU tar and zstd in the same run, warm cache; what a backup looks at before it copies (0.3 s for 100,000 files) and the reading back after it are not in these times; a second backup into restic is an agent's, in process, beside restic alone; DAVIT_BENCH_MIXED_MB, DAVIT_BENCH_SMALL_FILES, DAVIT_BENCH_ENTRIES and DAVIT_BENCH_RESTIC_MB change the sizes",
	async run(signal) {
		const workshop = await mkdtemp(join(tmpdir(), "davit-bench-archives-"));
		const running = { compiled: join(workshop, "compiled"), signal };
		try {
			// Compiles; the agent's code is compiled once, too.
			await measureJob({ kind: "measure", root: workshop }, running);
			return [
				...(await measureMixed(join(workshop, "mixed"), running)),
				...(await measureSmall(join(workshop, "small"), running)),
				await measureEntries(join(workshop, "entries"), running),
				await measureHole(join(workshop, "hole"), running),
				...(await measureRestic()),
			];
		} finally {
			await rm(workshop, { recursive: true, force: true });
		}
	},
};

interface Measured {
	readonly pack: Cost;
	readonly unpack: Cost;
	readonly tar: number;
	readonly untar: number;
}

async function measureMixed(folder: string, running: Running): Promise<Row[]> {
	const size = sizeOf("DAVIT_BENCH_MIXED_MB", 1300);
	makeMixed(join(folder, "tree"), size);
	const { pack, unpack, tar, untar } = await measureBoth(folder, "zstd -1 -T2", running);
	const gzip = await timeShell(
		`tar --create --gzip --file - --directory '${join(folder, "tree")}' . | cat > '${join(folder, "peer.tar.gz")}'`,
		running.signal,
	);
	return [
		rowOf(`back up ${size} MB, hashed`, { cost: pack, peer: ["tar \\| zstd -1 -T2", tar], ratio: 0.8 }),
		rowOf(`back up ${size} MB, hashed`, { cost: pack, peer: ["tar czf", gzip], ratio: 12 }),
		rowOf(`restore ${size} MB, proven`, { cost: unpack, peer: ["zstd -d \\| tar x", untar], ratio: 0.8 }),
	];
}

async function measureSmall(folder: string, running: Running): Promise<Row[]> {
	const count = sizeOf("DAVIT_BENCH_SMALL_FILES", 100_000);
	makeSmall(join(folder, "tree"), count);
	const { pack, unpack, tar, untar } = await measureBoth(folder, "zstd -1", running);
	const files = `${count} small files`;
	return [
		rowOf(`back up ${files}`, { cost: pack, peer: ["tar \\| zstd -1", tar], ratio: 1 / 1.5 }),
		rowOf(`restore ${files}`, { cost: unpack, peer: ["zstd -d \\| tar x", untar], ratio: 1 / 1.5 }),
	];
}

async function measureEntries(folder: string, running: Running): Promise<Row> {
	const count = sizeOf("DAVIT_BENCH_ENTRIES", 1_000_000);
	makeEmpty(join(folder, "tenth"), count / 10);
	makeEmpty(join(folder, "tree"), count);
	const costs: Cost[] = [];
	for (const name of ["tenth", "tree"]) {
		mkdirSync(join(folder, `${name}-archive`));
		const [root, directory] = [join(folder, name), join(folder, `${name}-archive`)];
		costs.push(await measureJob({ kind: "pack", root, directory, expectedBytes: 0 }, running));
	}
	const [tenth, whole] = costs;
	if (tenth === undefined || whole === undefined) throw new Error("nothing was measured");
	const growth = whole.seconds / tenth.seconds;
	return {
		measure: `scan and tar ${count} entries`,
		value: `${whole.seconds.toFixed(1)} s, ${megabytes(whole.rssBytes)}`,
		peer: `a tenth of them: ${tenth.seconds.toFixed(1)} s, ${megabytes(tenth.rssBytes)}`,
		goal: `≤ 150 MB, linear (ten times as many took ${growth.toFixed(1)} times as long, at most 12)`,
		met: whole.rssBytes <= rssGoalBytes && growth <= 12,
	};
}

/** Ours and the peer's, of the tree in `folder/tree`, each once warm. */
async function measureBoth(folder: string, zstd: string, running: Running): Promise<Measured> {
	const { signal } = running;
	const [root, archive, peer] = [join(folder, "tree"), join(folder, "archive"), join(folder, "peer.tar.zst")];
	const packing = `tar --create --file - --directory '${root}' . | ${zstd} -q -c > '${peer}'; sync '${peer}'`;
	// The first reading fills the cache for both.
	await timeShell(packing, signal);
	const tar = await timeShell(packing, signal);
	mkdirSync(archive);
	const { contentBytes: expectedBytes } = await measureTree({ root, signal });
	const pack = await measureJob({ kind: "pack", root, directory: archive, expectedBytes }, running);
	await plantManifest(root, archive, signal);
	const [target, peerTarget] = [join(folder, "target"), join(folder, "peer")];
	const unpack = await measureJob({ kind: "unpack", archive, target }, running);
	mkdirSync(peerTarget);
	const unpacking = `zstd -dc '${peer}' | tar --extract --directory '${peerTarget}'; sync -f '${peerTarget}'`;
	const untar = await timeShell(unpacking, signal);
	for (const done of [target, peerTarget]) rmSync(done, { recursive: true });
	return { pack, unpack, tar, untar };
}

interface Comparison {
	readonly cost: Cost;
	readonly peer: readonly [name: string, seconds: number];
	/** Of the peer's speed, at least. */
	readonly ratio: number;
}

function rowOf(measure: string, { cost, peer: [name, seconds], ratio }: Comparison): Row {
	const reached = seconds / cost.seconds;
	return {
		measure,
		value: `${cost.seconds.toFixed(1)} s, ${megabytes(cost.rssBytes)}, ${limitOf(cost)}`,
		peer: `${name}: ${seconds.toFixed(1)} s`,
		goal: `ratio ${reached.toFixed(2)} (≥ ${ratio.toFixed(2)}), ≤ 150 MB`,
		met: reached >= ratio && cost.rssBytes <= rssGoalBytes,
	};
}

/** Which part was the limit: less than one processor busy waited; well over one was compression beside the reading thread. */
function limitOf({ seconds, cpuSeconds }: Cost): string {
	const busy = cpuSeconds / seconds;
	const limit = busy < 0.8 ? "disk or other work" : busy < 1.4 ? "its one thread" : "the processors";
	return `${cpuSeconds.toFixed(1)} s of processor, limit ${limit}`;
}
