import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { CommandId, OperationError } from "@davit/protocol";
import { writeDurably } from "../archives/write-durably.ts";
import { isMissing, isWithin } from "../resource/place.ts";
import { mountOf, readMounts } from "../resource/read-mounts.ts";
import { reflink } from "./copy-by-reference.ts";
import type { Ground, Method, MethodName, Snapshot, Tools } from "./method.ts";
import { btrfs } from "./snapshot-btrfs.ts";
import { lvm } from "./snapshot-lvm.ts";
import { zfs } from "./snapshot-zfs.ts";

/** From the one that holds writers still for the shortest time to the one that takes longest. */
const methods: Readonly<Record<MethodName, Method>> = { btrfs, zfs, lvm, reflink };

/** The best snapshot that can be taken of a folder, or why there is none, as an end of a sentence. */
export async function findSnapshot(
	wish: Pick<Ground, "folder" | "command" | "home">,
	tools: Tools,
): Promise<Snapshot | string> {
	const mounts = await readMounts();
	const mounted = mountOf(wish.folder, mounts);
	if (mounted === undefined) return "this system has no table of mounts";
	const inner = mounts.find(({ point }) => point !== wish.folder && isWithin(point, wish.folder));
	if (inner !== undefined) return `a snapshot would leave out what is mounted on ${inner.point}`;
	const whys: string[] = [];
	for (const method of Object.values(methods)) {
		const found = await findOr(method, { ...wish, mounted, mounts }, tools);
		if (typeof found === "object") return found;
		if (found !== undefined) whys.push(found);
	}
	return whys.length === 0 ? `the file system ${mounted.fileSystem} makes none` : whys.join("; ");
}

/** Writes down that it will be there, then takes it. @throws OperationError snapshot-refused, leaving nothing */
export async function takeSnapshot(snapshot: Snapshot, home: string, tools: Tools): Promise<void> {
	const record = recordOf(snapshot, home);
	await mkdir(recordsFolder(home), { recursive: true, mode: 0o700 });
	await writeDurably(record, JSON.stringify(snapshot));
	try {
		await methods[snapshot.method].take(snapshot, tools);
	} catch (error) {
		await removeSnapshot(snapshot, home, { ...tools, signal: AbortSignal.timeout(removalMs) });
		throw error;
	}
}

/** Harmless where there is none. @throws OperationError snapshot-refused; what is left is removed by a later sweep */
export async function removeSnapshot(snapshot: Snapshot, home: string, tools: Tools): Promise<void> {
	await methods[snapshot.method].remove(snapshot, tools);
	await rm(recordOf(snapshot, home), { force: true });
}

/** How long a removal may take. */
export const removalMs = 5 * 60_000;

export interface SweptSnapshot {
	readonly name: string;
	/** Why it is still there. */
	readonly failure?: unknown;
}

/** Removes snapshots of commands that ended. */
export async function sweepSnapshots(
	home: string,
	open: ReadonlySet<string>,
	tools: Tools,
): Promise<readonly SweptSnapshot[]> {
	const swept: SweptSnapshot[] = [];
	for (const file of await listRecords(home)) {
		if (open.has(basename(file, ".json"))) continue;
		// `takeSnapshot` wrote it, whole or not at all.
		const snapshot = JSON.parse(await readFile(join(recordsFolder(home), file), "utf8")) as Snapshot;
		try {
			await removeSnapshot(snapshot, home, tools);
			swept.push({ name: snapshot.name });
		} catch (failure) {
			if (!(failure instanceof OperationError)) throw failure;
			swept.push({ name: snapshot.name, failure });
		}
	}
	return swept;
}

/** A tool that is missing or refuses says why there is no snapshot; it does not end a backup. */
async function findOr(method: Method, ground: Ground, tools: Tools): Promise<Snapshot | string | undefined> {
	try {
		return await method.find(ground, tools);
	} catch (error) {
		if (error instanceof OperationError && error.code === "snapshot-refused") return error.message;
		throw error;
	}
}

async function listRecords(home: string): Promise<readonly string[]> {
	try {
		const names = await readdir(recordsFolder(home));
		// Beside the records there are folders that LVM's snapshots are mounted on.
		return names.filter((name) => /^[0-9a-f-]{36}\.json$/.test(name));
	} catch (error) {
		if (isMissing(error)) return [];
		throw error;
	}
}

function recordsFolder(home: string): string {
	return join(home, "agent", "snapshots");
}

function recordOf({ name }: Snapshot, home: string): string {
	const command = CommandId.parse(name.slice(-36));
	return join(recordsFolder(home), `${command}.json`);
}
