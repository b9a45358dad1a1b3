import { OperationError } from "@davit/protocol";
import { archivedEntries } from "./archived-entries.ts";
import { noEntry } from "./browse-folder.ts";
import type { Chooser } from "./choose-entries.ts";
import type { Opened } from "./job.ts";
import { comparePaths, type RawPath } from "./raw-path.ts";
import { storedSize, type TreeEntry } from "./tree-entry.ts";
import { padded, spellHeader } from "./write-tar.ts";

/** Where an entry is in the tar: which one it is, counted from 0, and where its headers begin if they are as Davit writes them. */
export interface TarPlace {
	readonly entry: TreeEntry;
	readonly index: number;
	readonly offset: number;
}

/** An entry of an archive that is put in place. */
export interface Picked {
	readonly entry: TreeEntry;
	/** Where its content is: of a hard link to what is not put in place, where the content is that it links to. */
	readonly place: TarPlace;
}

/**
 * What is chosen of an archive, in the order of a walk, with the folders that lead to it. The list is proven before the first is
 * given.
 * @throws OperationError entry-not-found | archive-corrupt | unsupported
 */
export async function* pickEntries(
	opened: Opened,
	chooser: Chooser,
	signal: AbortSignal,
): AsyncGenerator<Picked, void> {
	const needed = await survey(opened, chooser, signal);
	const sources = new Map<RawPath, TarPlace>();
	const firstNames = new Map<RawPath, RawPath>();
	let [index, offset] = [0, 0];
	for await (const entry of archivedEntries(opened, signal)) {
		const place = { entry, index, offset };
		index += 1;
		offset += spellHeader(entry).bytes + padded(storedSize(entry));
		if (needed.has(entry.path)) sources.set(entry.path, place);
		if (!chooser.takes(entry.path) && !chooser.leadsTo(entry.path)) continue;
		const source = entry.target === undefined ? undefined : sources.get(entry.target);
		if (entry.type !== "hardlink" || entry.target === undefined || source === undefined) {
			yield { entry, place };
			continue;
		}
		const first = firstNames.get(entry.target);
		if (first === undefined) firstNames.set(entry.target, entry.path);
		yield first === undefined
			? { entry: { ...source.entry, path: entry.path }, place: source }
			: { entry: { ...entry, target: first }, place };
	}
}

/** The content that chosen hard links need and that is not chosen itself. Reads the whole list, and so proves it. */
async function survey(
	opened: Opened,
	{ takes, paths }: Chooser,
	signal: AbortSignal,
): Promise<ReadonlySet<RawPath>> {
	const needed = new Set<RawPath>();
	const missing = new Set(paths);
	let last: RawPath | undefined;
	for await (const { path, type, target } of archivedEntries(opened, signal)) {
		if (last !== undefined && comparePaths(last, path) >= 0) throw unordered(opened);
		last = path;
		missing.delete(path);
		if (type === "hardlink" && target !== undefined && takes(path) && !takes(target)) needed.add(target);
	}
	for (const path of missing) throw noEntry(path, "does not hold it");
	return needed;
}

function unordered({ archive }: Opened): OperationError {
	return new OperationError(
		"unsupported",
		`the archive in ${archive} is in the engine's order, so no part of it can be taken alone`,
		{ hint: "restore all of it, beside the original with --as" },
	);
}
