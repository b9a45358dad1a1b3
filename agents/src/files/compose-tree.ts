import { fstatSync } from "node:fs";
import { OperationError } from "@davit/protocol";
import { readManifest } from "../archives/read-manifest.ts";
import { systemCalls } from "./call-system.ts";
import { chooseEntries, openChooser } from "./choose-entries.ts";
import { hasHoles, openFile } from "./copy-file.ts";
import { fileFailure } from "./file-failure.ts";
import { findStretches } from "./find-holes.ts";
import { hashFile } from "./hash-file.ts";
import type { Choice, ComposedTree, FileContext, Opened } from "./job.ts";
import { listTree } from "./list-tree.ts";
import { noContent, type UsePart } from "./part-source.ts";
import { PickedContent } from "./pick-content.ts";
import { pickEntries } from "./pick-entries.ts";
import { closeDirectories, placeEntry, type Unpacking } from "./place-entry.ts";
import { locate, type RawPath, rawOf, showRaw } from "./raw-path.ts";
import { readStretches } from "./read-stretches.ts";
import { refuseDevice } from "./refuse-device.ts";
import { syncTree } from "./sync-tree.ts";
import type { TreeEntry } from "./tree-entry.ts";
import { dropInherited, makeEmpty, openUnpacking, requireSpace } from "./unpack-tree.ts";

export interface Composing extends FileContext, Opened {
	/** Empty or missing. */
	readonly target: string;
	readonly choice: Choice;
	/** The tree that the chosen entries go over; absent = none. */
	readonly present?: string;
	/** A tree that holds the chosen files under their own paths, to be proven; absent = the archive does. */
	readonly restored?: string;
}

/**
 * Makes in `target` the tree that becomes of the present one when the chosen entries of an archive are put over it, and makes it
 * durable. The present tree is only read. After a failure what was made stays, for the caller to remove. Blocks its thread.
 * @throws OperationError entry-not-found | archive-corrupt | archive-locked | unsupported | disk-full | path-not-allowed
 */
export async function composeTree({
	archive,
	fileKeys,
	target,
	choice,
	present,
	restored,
	...context
}: Composing): Promise<ComposedTree> {
	try {
		const opened = { archive, ...(fileKeys === undefined ? {} : { fileKeys }) };
		const chooser = openChooser(choice);
		const root = rawOf(present ?? target);
		const manifest = await readManifest(archive);
		using content = restored === undefined ? new PickedContent(opened, manifest, context) : undefined;
		makeEmpty(target);
		requireSpace(target, 0);
		const unpacking = openUnpacking(target, content ?? noContent);
		dropInherited(unpacking);
		const archived = pickEntries(opened, chooser, context.signal);
		let entries = 0;
		let last: TreeEntry | undefined;
		const tree = present === undefined ? [] : listTree(root, systemCalls());
		for await (const chosen of chooseEntries({ archived, present: tree, root, chooser })) {
			context.signal.throwIfAborted();
			if ("kept" in chosen) await placeFrom(chosen.kept, unpacking, root);
			else {
				refuseDevice(chosen.entry, manifest);
				await content?.begin(chosen.place);
				if (restored === undefined) await placeEntry(chosen.entry, unpacking);
				else await placeRestored(chosen.entry, unpacking, { archive, root: rawOf(restored), ...context });
				if (chosen.entry.type === "file") last = chosen.entry;
			}
			entries += 1;
		}
		closeDirectories(unpacking);
		await syncTree(target, context.signal);
		const sha256 = last?.sparse === undefined ? last?.sha256 : undefined;
		return {
			...{ entries, storedBytes: content?.storedBytes ?? 0, losses: unpacking.losses.lines },
			...(sha256 === undefined ? {} : { sha256 }),
		};
	} catch (error) {
		throw fileFailure(error, { doing: `putting together what was chosen of ${archive}`, path: target });
	}
}

/** An entry of the archive whose content lies in another tree, where it must be what the archive lists. */
async function placeRestored(
	entry: TreeEntry,
	unpacking: Unpacking,
	{
		archive,
		root,
		signal,
	}: { readonly archive: string; readonly root: RawPath; readonly signal: AbortSignal },
): Promise<void> {
	if (entry.type !== "file") return placeEntry(entry, unpacking);
	if ((await hashFile({ root, path: entry.path }, signal)) === entry.sha256) {
		return placeFrom(entry, unpacking, root);
	}
	throw new OperationError(
		"archive-corrupt",
		`the content of ${showRaw(entry.path)} is not what the archive in ${archive} lists`,
	);
}

/** An entry whose content lies in a tree, copied; holes stay holes. */
async function placeFrom(entry: TreeEntry, unpacking: Unpacking, root: RawPath): Promise<void> {
	if (entry.type !== "file") return placeEntry(entry, unpacking);
	using file = openFile(locate(root, entry.path));
	const { fd, code } = file;
	if (fd === undefined) {
		const path = showRaw(entry.path);
		throw Object.assign(new Error(`${path} cannot be read`), { code, path });
	}
	const { system } = unpacking;
	const isSparse = system !== undefined && hasHoles(fstatSync(fd, { bigint: true }));
	const sparse = isSparse ? findStretches(system, fd, entry.size) : undefined;
	const found = sparse === undefined ? entry : { ...entry, sparse };
	const parts = readStretches(fd, sparse ?? [[0, entry.size]], refuseShorter);
	const give = async (use: UsePart): Promise<boolean> => {
		const next = parts.next();
		if (next.done === true) return false;
		await use(next.value);
		return true;
	};
	await placeEntry(found, { ...unpacking, content: { give } });
}

/** Its writers are stopped, so a file that became shorter is no success. */
function refuseShorter(): never {
	throw new Error("a file became shorter while it was copied");
}
