import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from "node:fs";
import { errnoOf } from "./file-failure.ts";
import type { FileContext, FoundDatabase, FoundDatabases } from "./job.ts";
import { locate, parentOf, type RawPath, rawOf, rootPath, showRaw } from "./raw-path.ts";
import { databaseOf, hasSqliteName, isSqliteHead, signOf } from "./recognise-database.ts";
import { walkTree } from "./walk-tree.ts";

/** More of them say no more. */
const maximumFound = 20;

/**
 * Files below `root` that a running database has: its sign lies there, or a process of this machine holds it open. A copy of them that
 * is taken meanwhile has each page of another moment.
 */
export async function findDatabases({
	root,
	signal,
}: { root: string } & Pick<FileContext, "signal">): Promise<FoundDatabases> {
	const raw = rawOf(root);
	const holders = findHolders(Number(statSync(root).dev));
	// Without root the tables of others stay closed.
	const seesProcesses = process.geteuid?.() === 0 && holders.size > 0;
	const databases: FoundDatabase[] = [];
	const held: { path: RawPath; holder: string }[] = [];
	for (const found of walkTree(raw)) {
		signal.throwIfAborted();
		if (databases.length >= maximumFound) break;
		if (!("stat" in found) || !found.stat.isFile()) continue;
		const own = holders.get(found.stat.ino);
		if (own !== undefined && held.length < maximumHeld) held.push({ path: found.path, holder: own });
		const kind = kindOf(raw, found.path, own !== undefined);
		if (kind === undefined) continue;
		// Postgres reads its postmaster.pid and closes it; what lies beside it, it holds.
		const holder = own ?? (kind === "Postgres" ? holderBelow(parentOf(found.path), held) : undefined);
		if (holder === undefined && seesProcesses) continue;
		databases.push({ path: showRaw(found.path), kind, ...(holder === undefined ? {} : { holder }) });
	}
	return { databases };
}

const maximumHeld = 1000;

function holderBelow(
	folder: RawPath,
	held: readonly { path: RawPath; holder: string }[],
): string | undefined {
	const prefix = folder === rootPath ? "" : `${folder}/`;
	return held.find(({ path }) => path.startsWith(prefix))?.holder;
}

function kindOf(root: RawPath, path: RawPath, isHeld: boolean): FoundDatabase["kind"] | undefined {
	const sign = signOf(path);
	if (sign !== undefined && sign !== "SQLite") return sign;
	if (!isHeld && sign === undefined && !hasSqliteName(path)) return undefined;
	const head = headOf(root, databaseOf(path));
	if (isSqliteHead(head)) return "SQLite";
	return isHeld && head.length >= boltMagicAt + 4 && head.readUInt32LE(boltMagicAt) === boltMagic
		? "InfluxDB"
		: undefined;
}

/** Of bbolt's first page, after its header. */
const [boltMagic, boltMagicAt] = [0xed0cdaed, 16];

function headOf(root: RawPath, path: RawPath): Buffer {
	const head = Buffer.alloc(32);
	try {
		const fd = openSync(locate(root, path), "r");
		try {
			return head.subarray(0, readSync(fd, head));
		} finally {
			closeSync(fd);
		}
	} catch (error) {
		if (errnoOf(error) === undefined) throw error;
		return head.subarray(0, 0);
	}
}

/** Who of this machine's processes holds which inode of a device open; empty where their tables cannot be read. */
function findHolders(device: number): ReadonlyMap<bigint, string> {
	const holders = new Map<bigint, string>();
	for (const pid of namesIn("/proc").filter((name) => /^\d+$/.test(name) && name !== `${process.pid}`)) {
		for (const fd of namesIn(`/proc/${pid}/fd`)) {
			const inode = inodeOf(`/proc/${pid}/fd/${fd}`, device);
			if (inode !== undefined && !holders.has(inode))
				holders.set(inode, `${commandOf(pid)} (process ${pid})`);
		}
	}
	return holders;
}

function inodeOf(link: string, device: number): bigint | undefined {
	try {
		const stat = statSync(link, { bigint: true });
		return stat.isFile() && Number(stat.dev) === device ? stat.ino : undefined;
	} catch (error) {
		if (errnoOf(error) === undefined) throw error;
		return undefined;
	}
}

function commandOf(pid: string): string {
	try {
		return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
	} catch (error) {
		if (errnoOf(error) === undefined) throw error;
		return "a program";
	}
}

function namesIn(folder: string): string[] {
	try {
		return readdirSync(folder);
	} catch (error) {
		if (errnoOf(error) === undefined) throw error;
		return [];
	}
}
