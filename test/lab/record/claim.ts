import { randomInt } from "node:crypto";
import { appendFileSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { identifyProcess, readBootId } from "../process/identify.ts";
import { cacheFolder, runsFolder } from "./folders.ts";

/** What a run has made: enough to find it again and remove it when the run itself no longer can. */
export type RecordKind = "owner" | "process" | "namespace" | "bridge" | "cgroup" | "folder";

export type RunRecord = {
	/** 0 to 254, held by no other laboratory on this machine; part of every name and address that the run uses. */
	readonly number: number;
	readonly name: string;
	/** For sockets and process files; gone after the run. */
	readonly runFolder: string;
	/** For data of any size; gone after the run. */
	readonly dataFolder: string;
	/** Writes down a thing *before* it is made (a process: at once after it was started). */
	add(kind: RecordKind, ...words: string[]): void;
};

const recordFile = "record";

/** Takes a free run number, seldom one that was given back just now. The folder appears complete with its owner in one rename, so no other run can mistake it for a leftover. */
export async function claimRun(): Promise<RunRecord> {
	await mkdir(runsFolder, { recursive: true, mode: 0o755 });
	const partial = await mkdtemp(join(runsFolder, ".claim-"));
	const self = identifyProcess(process.pid);
	if (self === undefined) throw new Error("cannot read this process under /proc");
	appendWords(partial, ["owner", String(self.pid), String(self.startTicks), readBootId()]);
	const first = randomInt(255);
	for (let count = 0; count < 255; count++) {
		const number = (first + count) % 255;
		const runFolder = join(runsFolder, String(number));
		if (await renameIfFree(partial, runFolder)) return openRecord(number, runFolder);
	}
	await rm(partial, { recursive: true });
	throw new Error(`all 255 run numbers under ${runsFolder} are taken`);
}

async function openRecord(number: number, runFolder: string): Promise<RunRecord> {
	const dataFolder = join(cacheFolder(), "runs", String(number));
	appendWords(runFolder, ["folder", dataFolder]);
	// Only a run that ended with the machine leaves this behind: its record was lost with /run.
	await rm(dataFolder, { recursive: true, force: true });
	await mkdir(dataFolder, { recursive: true });
	return {
		number,
		name: `davitlab${number}`,
		runFolder,
		dataFolder,
		add: (kind, ...words) => appendWords(runFolder, [kind, ...words]),
	};
}

async function renameIfFree(from: string, to: string): Promise<boolean> {
	try {
		await rename(from, to);
		return true;
	} catch (error) {
		// rename(2): a folder that is not empty is never replaced, and every claimed folder holds a record.
		if (error instanceof Error && "code" in error && (error.code === "ENOTEMPTY" || error.code === "EEXIST"))
			return false;
		throw error;
	}
}

function appendWords(folder: string, words: readonly string[]): void {
	appendFileSync(join(folder, recordFile), `${JSON.stringify(words)}\n`);
}

export function recordPathOf(runFolder: string): string {
	return join(runFolder, recordFile);
}
