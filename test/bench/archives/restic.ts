import { randomBytes } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import { appendFile, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { perform } from "../../agents/perform.ts";
import { labAvailability } from "../../lab/availability.ts";
import { run } from "../../lab/process/run.ts";
import { openRepositoryRig, type RepositoryRig } from "../../restic/open-repository-rig.ts";
import type { Row } from "../measure.ts";
import { makeMixed } from "./make-corpus.ts";
import { sizeOf } from "./sizes.ts";

const goal = 1.15;
/** What changed later than this before a listing is hashed again (ADR 0057). */
const settleMs = 2500;

/** A second backup of a mixed folder of which 1 % changed, into restic, beside restic alone into a repository of its own. */
export async function measureRestic(): Promise<Row[]> {
	const { restic: unavailable } = await labAvailability();
	if (unavailable !== undefined) return [];
	const closers: (() => unknown)[] = [];
	const until = { after: (close: () => unknown) => void closers.push(close) };
	try {
		const size = sizeOf("DAVIT_BENCH_RESTIC_MB", 1300);
		const davit = await openRepositoryRig(until);
		const alone = await openRepositoryRig(until);
		makeMixed(join(davit.path, "tree"), size);
		await wait(settleMs);
		await backUpAlone(alone, davit.path);
		await backUp(davit);
		await change(join(davit.path, "tree"), size);
		await wait(settleMs);
		// The first reading of what changed fills the cache for both.
		const aloneMs = await timed(() => backUpAlone(alone, davit.path));
		const parts = await backUp(davit);
		return [rowOf(size, aloneMs, parts)];
	} finally {
		for (const close of closers.reverse()) await close();
	}
}

interface Parts {
	/** Until the tree is stored, and writers go on. */
	readonly storedMs: number;
	/** Until the repository was found to hold the description. */
	readonly sealedMs: number;
	/** Until every byte was read back. */
	readonly verifiedMs: number;
}

async function backUp({ rig, path, repository }: RepositoryRig): Promise<Parts> {
	const times: number[] = [performance.now()];
	const mark = () => void times.push(performance.now());
	const before = { seal: mark, verify: mark };
	const signal = AbortSignal.timeout(1_800_000);
	await perform("path.backup", { path, repository }, { context: rig.context(), before, signal });
	mark();
	const [began = 0, stored = 0, sealed = 0, verified = 0] = times;
	return { storedMs: stored - began, sealedMs: sealed - stored, verifiedMs: verified - sealed };
}

async function backUpAlone({ restic }: RepositoryRig, path: string): Promise<void> {
	const { url, passwordFile } = restic.repository;
	const argv = [
		restic.program,
		"--repo",
		url,
		"--password-file",
		passwordFile,
		"--cache-dir",
		`${url}-cache`,
	] as const;
	await run([...argv, "backup", "--quiet", path], { signal: AbortSignal.timeout(1_800_000) });
}

async function timed(work: () => Promise<void>): Promise<number> {
	const beganAt = performance.now();
	await work();
	return performance.now() - beganAt;
}

/** 1 % of the bytes: a stretch in the middle of one large file, and one in a hundred of the small files grown and renamed. */
async function change(tree: string, megabytes: number): Promise<void> {
	const fd = openSync(join(tree, "random-0"), "r+");
	writeSync(fd, randomBytes(megabytes * 10_000), 0, megabytes * 10_000, 20_000_000);
	closeSync(fd);
	const folder = join(tree, "small/0");
	const names = (await readdir(folder)).sort();
	for (const [at, name] of names.entries()) {
		if (at % 100 !== 0) continue;
		await appendFile(join(folder, name), "changed");
		await rename(join(folder, name), join(folder, `${name}.new`));
	}
}

function rowOf(size: number, aloneMs: number, { storedMs, sealedMs, verifiedMs }: Parts): Row {
	const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
	const allMs = storedMs + sealedMs + verifiedMs;
	const ratio = (ms: number) => (ms / aloneMs).toFixed(2);
	const extra = [
		`list and store ${seconds(storedMs)}`,
		`confirm ${seconds(sealedMs)}`,
		`read all back ${seconds(verifiedMs)}`,
	];
	const [limit = ""] = [
		{ what: "reading back, which restic alone does not", ms: verifiedMs },
		{ what: "storing", ms: storedMs },
		{ what: "starts of restic", ms: sealedMs },
	]
		.toSorted((one, other) => other.ms - one.ms)
		.map(({ what }) => what);
	return {
		measure: `second backup of ${size} MB, 1 % changed, into restic`,
		value: `${seconds(allMs)}: ${extra.join(", ")}; limit ${limit}`,
		peer: `restic alone: ${seconds(aloneMs)}`,
		goal: `ratio ${ratio(allMs)} (≤ ${goal}); until writers go on ${ratio(storedMs)}`,
		met: allMs <= goal * aloneMs,
	};
}
