import { type Manifest, OperationError } from "@davit/protocol";
import { EntryFile, type EntryLine } from "./entry-file.ts";
import type { Opened } from "./job.ts";
import { comparePaths, isBelow, parentOf, type RawPath, rootPath, showRaw } from "./raw-path.ts";
import type { TreeEntry } from "./tree-entry.ts";

export interface Browsing {
	readonly opened: Opened;
	readonly manifest: Manifest;
	readonly folder: RawPath;
	/** The first child that is wanted, counted from 0. */
	readonly from: number;
	readonly count: number;
	readonly signal: AbortSignal;
}

export interface Listing {
	readonly entries: readonly TreeEntry[];
	/** Children of the folder. */
	readonly total: number;
	readonly framesRead: number;
}

/**
 * The children of one folder in an archive. Decodes the frames of the list that hold the folder, and passes over those that lie
 * wholly inside one of its folders.
 * @throws OperationError entry-not-found | archive-corrupt
 */
export async function browseFolder(browsing: Browsing): Promise<Listing> {
	using file = new EntryFile(browsing.opened, browsing.manifest);
	// What came over the archive API is in the engine's order.
	const isOrdered = browsing.manifest.dataPath !== "archive-api";
	const { self, children } = isOrdered
		? await childrenInOrder(file, browsing)
		: await childrenAnywhere(file, browsing);
	if (self === undefined && browsing.folder !== rootPath) throw noEntry(browsing.folder, "does not hold it");
	if (self !== undefined && file.parse(self).type !== "directory") {
		throw noEntry(browsing.folder, "has it, but it is no folder");
	}
	const page = children.slice(browsing.from, browsing.from + browsing.count);
	return {
		entries: page.map((line) => file.parse(line)),
		total: children.length,
		framesRead: file.framesRead,
	};
}

export function noEntry(path: RawPath, why: string): OperationError {
	return new OperationError("entry-not-found", `${showRaw(path)} is not in the archive: it ${why}`);
}

interface Found {
	readonly self: EntryLine | undefined;
	readonly children: EntryLine[];
}

async function childrenInOrder(file: EntryFile, { folder, signal }: Browsing): Promise<Found> {
	const children: EntryLine[] = [];
	let self: EntryLine | undefined;
	for (let section = await file.sectionOf(folder); section < file.sections; ) {
		signal.throwIfAborted();
		let last: RawPath | undefined;
		for (const line of await file.lines(section)) {
			const { path } = line;
			last = path;
			if (path === folder) self = line;
			else if (isChild(path, folder)) children.push(line);
			else if (!isBelow(path, folder) && comparePaths(path, folder) > 0) return { self, children };
		}
		section = await nextSection(file, { section, last, folder });
	}
	return { self, children };
}

/** The next one, or where more than that lies inside the child that the last line is in, the last of those. */
function nextSection(
	file: EntryFile,
	{ section, last, folder }: { section: number; last: RawPath | undefined; folder: RawPath },
): Promise<number> | number {
	const child = last === undefined || !isBelow(last, folder) ? undefined : childOf(last, folder);
	if (child === undefined || section + 2 >= file.sections) return section + 1;
	return file.lastSection(section + 1, (head) => head === child || isBelow(head, child));
}

async function childrenAnywhere(file: EntryFile, { folder, signal }: Browsing): Promise<Found> {
	const children: EntryLine[] = [];
	let self: EntryLine | undefined;
	for (let section = 0; section < file.sections; section += 1) {
		signal.throwIfAborted();
		for (const line of await file.lines(section)) {
			if (line.path === folder) self = line;
			else if (isChild(line.path, folder)) children.push(line);
		}
	}
	return { self, children: children.sort((left, right) => comparePaths(left.path, right.path)) };
}

function isChild(path: RawPath, folder: RawPath): boolean {
	return path !== rootPath && parentOf(path) === folder;
}

/** The child of `folder` that holds `path`, or is it. */
function childOf(path: RawPath, folder: RawPath): RawPath {
	const begin = folder === rootPath ? 0 : folder.length + 1;
	const slash = path.indexOf("/", begin);
	return slash === -1 ? path : path.slice(0, slash);
}
