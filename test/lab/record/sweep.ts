import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isAlive, isMissing, readBootId } from "../process/identify.ts";
import { takeLock } from "../process/lock.ts";
import { runsFolder } from "./folders.ts";
import { type Entry, readEntries, removeRun } from "./remove.ts";

/** Removes what laboratories left behind whose own process is gone, and returns their numbers. Laboratories that are open are left alone. */
export async function sweepLeftovers(signal: AbortSignal): Promise<string[]> {
	await mkdir(runsFolder, { recursive: true, mode: 0o755 });
	await using _lock = await takeLock(join(runsFolder, ".lock"), signal);
	const swept: string[] = [];
	for (const name of await readdir(runsFolder)) {
		const folder = join(runsFolder, name);
		if (name.startsWith(".removed-")) await rm(folder, { recursive: true, force: true });
		if (!/^(\d+|\.claim-.*)$/.test(name) || !(await isAbandoned(folder))) continue;
		await removeRun(folder, signal);
		swept.push(name);
	}
	return swept;
}

async function isAbandoned(folder: string): Promise<boolean> {
	const owner = (await readEntriesIfThere(folder)).find(([kind]) => kind === "owner");
	// Without an owner it is just being made, or just being removed by the laboratory itself.
	if (owner === undefined) return false;
	const [, pid, startTicks, bootId] = owner;
	return bootId !== readBootId() || !isAlive({ pid: Number(pid), startTicks: Number(startTicks) });
}

async function readEntriesIfThere(folder: string): Promise<Entry[]> {
	try {
		return await readEntries(folder);
	} catch (error) {
		if (isMissing(error)) return [];
		throw error;
	}
}
