import { chmod, chown, copyFile, mkdir, readFile, rename, rm, rmdir, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder, writeDurably } from "../archives/write-durably.ts";
import { errnoOf } from "../files/file-failure.ts";
import type { OperationContext, Step } from "../operation.ts";
import { isFolder, lstatOrUndefined } from "../resource/place.ts";
import { filesFolder } from "./gather-project.ts";
import { readProject } from "./read-project.ts";
import { incomingFiles, keptFiles, type StackSwap } from "./swap-facts.ts";

const wholeMark = "whole";

/** Makes the folders that files and parts lie in. */
export function foldersStep({ missingFolders }: StackSwap): Step {
	return {
		name: "folders",
		intent: { folders: missingFolders },
		async run() {
			for (const folder of missingFolders) await mkdir(folder, { recursive: true });
			return undefined;
		},
		async probe() {
			for (const folder of missingFolders) if (!(await isFolder(folder))) return "partial";
			return "complete";
		},
		async undo() {
			for (const folder of missingFolders.toReversed()) await removeIfEmpty(folder);
		},
	};
}

/** Unpacks the project's own files beside the agent's state; nothing is touched. */
export function unpackFilesStep(facts: StackSwap, context: OperationContext): Step {
	const into = incomingFiles(context.config, facts.command);
	return {
		name: "unpack-files",
		intent: { archive: facts.archive, into },
		async run(signal) {
			await readProject(await context.archives.find(facts.archive), context, { into, signal });
			return undefined;
		},
		probe: async () => ((await isFolder(into)) ? "partial" : "absent"),
		undo: () => rm(into, { recursive: true, force: true }),
	};
}

/** Keeps every file as it is, then puts the new ones in place, each by one rename. */
export function swapFilesStep(facts: StackSwap, { config }: OperationContext): Step {
	const { command, paths, undoes } = facts;
	const kept = keptFiles(config, command);
	const incoming = undoes === undefined ? incomingFiles(config, command) : keptFiles(config, undoes);
	return {
		name: "swap-files",
		intent: { paths, kept },
		async run() {
			await keepFiles(paths, kept);
			for (const path of paths) await putInPlace(join(incoming, filesFolder, path), path, command);
			return undefined;
		},
		probe: async () => ((await isFolder(kept)) ? "partial" : "absent"),
		async undo() {
			// Without the mark nothing was replaced yet.
			if ((await lstatOrUndefined(join(kept, wholeMark))) !== undefined) {
				for (const path of paths) await putInPlace(join(kept, filesFolder, path), path, command);
			}
			await rm(kept, { recursive: true, force: true });
		},
	};
}

async function keepFiles(paths: readonly string[], kept: string): Promise<void> {
	await rm(kept, { recursive: true, force: true });
	await makeFolder(join(kept, filesFolder));
	for (const path of paths) {
		if ((await lstatOrUndefined(path))?.isFile() !== true) continue;
		const to = join(kept, filesFolder, path);
		await mkdir(dirname(to), { recursive: true, mode: 0o700 });
		await copyWhole(path, to);
	}
	await writeDurably(join(kept, wholeMark), "");
}

/** The file as it lies in `from`; none where there is none. */
async function putInPlace(from: string, path: string, command: string): Promise<void> {
	const fresh = join(dirname(path), `.davit-new-${command}`);
	if ((await lstatOrUndefined(from)) === undefined) return rm(path, { force: true });
	await rm(fresh, { force: true });
	await copyWhole(from, fresh);
	await rename(fresh, path);
}

/** With owner, mode and time. */
async function copyWhole(from: string, to: string): Promise<void> {
	await copyFile(from, to);
	const { uid, gid, mode, atimeMs, mtimeMs } = await stat(from);
	if (process.geteuid?.() === 0) await chown(to, uid, gid);
	await chmod(to, mode & 0o7777);
	await utimes(to, atimeMs / 1000, mtimeMs / 1000);
}

/** Whether two files say the same; a missing one differs from any. */
export async function isSameContent(one: string, other: string): Promise<boolean> {
	const [left, right] = await Promise.all([one, other].map((path) => readFile(path).catch(() => undefined)));
	return left !== undefined && right !== undefined && left.equals(right);
}

/** Leaves one in which somebody put something meanwhile. */
async function removeIfEmpty(folder: string): Promise<void> {
	try {
		await rmdir(folder);
	} catch (error) {
		const code = errnoOf(error);
		if (code !== "ENOTEMPTY" && code !== "ENOENT" && code !== "EEXIST") throw error;
	}
}
