import { createHash } from "node:crypto";
import { type BigIntStats, closeSync, constants, copyFileSync, fstatSync, openSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { systemCalls } from "./call-system.ts";
import { CopiedList } from "./copied-list.ts";
import { hasHoles, openFile } from "./copy-file.ts";
import { errnoOf, fileFailure } from "./file-failure.ts";
import { findStretches } from "./find-holes.ts";
import type { CopiedTree, Copying, FileContext } from "./job.ts";
import { listTree } from "./list-tree.ts";
import { noContent, type UsePart } from "./part-source.ts";
import { closeDirectories, placeEntry, type Unpacking } from "./place-entry.ts";
import { locate, type RawPath, rawOf, showRaw } from "./raw-path.ts";
import { readStretches } from "./read-stretches.ts";
import { setOpenMetadata } from "./set-metadata.ts";
import { syncTree } from "./sync-tree.ts";
import type { TreeEntry } from "./tree-entry.ts";
import { dropInherited, makeEmpty, openUnpacking } from "./unpack-tree.ts";

/**
 * Makes `target` what the tree below `root` is, with all its metadata, and makes it durable. Files share their blocks with the
 * original where the file system can (FICLONE). After a failure what was made stays, for the caller to remove. Blocks its thread.
 * @throws OperationError disk-full | path-not-allowed
 */
export async function copyTree({
	root,
	target,
	listed,
	totalBytes,
	...context
}: Copying & FileContext): Promise<CopiedTree> {
	try {
		const list = new CopiedList(listed);
		list.open(listed);
		makeEmpty(target);
		const unpacking = openUnpacking(target, noContent);
		dropInherited(unpacking);
		const copier = new Copier({ root: rawOf(root), unpacking, context, totalBytes });
		for (const entry of listTree(rawOf(root), systemCalls())) {
			const placed = await copier.place(entry);
			if (placed !== undefined) list.add(placed);
		}
		closeDirectories(unpacking);
		list.flush();
		await syncTree(target, context.signal);
		return copier.totals();
	} catch (error) {
		throw fileFailure(error, { doing: `copying ${root}`, path: target });
	}
}

/** Errors of a file system that cannot share blocks at all, or not with that one. */
const cannotShare: ReadonlySet<string> = new Set(["ENOTSUP", "EOPNOTSUPP", "EXDEV", "ENOTTY", "ENOSYS"]);
const entriesATurn = 500;
const maximumWarnings = 50;

interface Parts {
	readonly root: RawPath;
	readonly unpacking: Unpacking;
	readonly context: FileContext;
	readonly totalBytes: number;
}

class Copier {
	readonly #parts: Parts;
	readonly #warnings: string[] = [];
	#mayShare = true;
	#entries = 0;
	#contentBytes = 0;
	#sharedBytes = 0;
	#sockets = 0;

	constructor(parts: Parts) {
		this.#parts = parts;
	}

	/** What was put in place; undefined where nothing was. */
	async place(entry: TreeEntry): Promise<TreeEntry | undefined> {
		if (entry.type === "socket") {
			this.#sockets += 1;
			return undefined;
		}
		this.#entries += 1;
		if (this.#entries % entriesATurn === 0) await this.#turn();
		if (entry.type === "file") return this.#placeFile(entry);
		await placeEntry(entry, this.#parts.unpacking);
		return entry;
	}

	totals(): CopiedTree {
		return {
			...{ entries: this.#entries, contentBytes: this.#contentBytes, sharedBytes: this.#sharedBytes },
			...{ sockets: this.#sockets, losses: this.#parts.unpacking.losses.lines },
			warnings: this.#warnings,
		};
	}

	async #placeFile(entry: TreeEntry): Promise<TreeEntry | undefined> {
		using source = openFile(locate(this.#parts.root, entry.path));
		const { fd, code } = source;
		if (fd === undefined && code === "ENOENT") {
			this.#entries -= 1;
			this.#warn(entry, "vanished before it was read");
			return undefined;
		}
		const path = showRaw(entry.path);
		if (fd === undefined) throw Object.assign(new Error(`${path} cannot be read`), { code, path });
		const before = fstatSync(fd, { bigint: true });
		const placed = this.#share(entry, fd) ?? (await this.#read(entry, { fd, stat: before }));
		const after = fstatSync(fd, { bigint: true });
		if (after.mtimeNs !== entry.mtimeNs || after.ctimeNs !== before.ctimeNs) {
			this.#warn(entry, "changed while it was read");
		}
		this.#contentBytes += placed.size;
		return placed;
	}

	/** By reference, under the open file's own name: another file that took its place meanwhile is not it. */
	#share(entry: TreeEntry, fd: number): TreeEntry | undefined {
		if (!this.#mayShare) return undefined;
		const { unpacking } = this.#parts;
		const path = locate(unpacking.root, entry.path);
		const { COPYFILE_EXCL, COPYFILE_FICLONE_FORCE, O_WRONLY, O_NOFOLLOW } = constants;
		try {
			copyFileSync(`/proc/self/fd/${fd}`, path, COPYFILE_EXCL | COPYFILE_FICLONE_FORCE);
		} catch (error) {
			const code = errnoOf(error) ?? "";
			if (cannotShare.has(code)) this.#mayShare = false;
			// Of one file only, as where copy-on-write is switched off for it.
			else if (code !== "EINVAL") throw error;
			return undefined;
		}
		const made = openSync(path, O_WRONLY | O_NOFOLLOW);
		using _made = { [Symbol.dispose]: () => closeSync(made) };
		const shared = { ...entry, size: fstatSync(made).size };
		setOpenMetadata(made, shared, unpacking);
		this.#sharedBytes += shared.size;
		return shared;
	}

	async #read(
		entry: TreeEntry,
		{ fd, stat }: { readonly fd: number; readonly stat: BigIntStats },
	): Promise<TreeEntry> {
		const { unpacking, context } = this.#parts;
		const { system } = unpacking;
		const sparse = system !== undefined && hasHoles(stat) ? findStretches(system, fd, entry.size) : undefined;
		const found = sparse === undefined ? entry : { ...entry, sparse };
		const digest = createHash("sha256");
		const parts = readStretches(fd, sparse ?? [[0, entry.size]], () => context.signal.throwIfAborted());
		const give = async (use: UsePart): Promise<boolean> => {
			const next = parts.next();
			if (next.done === true) return false;
			const used = use(next.value);
			digest.update(next.value);
			await used;
			if (entry.size > next.value.length) await this.#turn();
			return true;
		};
		await placeEntry(found, { ...unpacking, content: { give } });
		return { ...found, sha256: digest.digest("hex") };
	}

	async #turn(): Promise<void> {
		const { context, totalBytes } = this.#parts;
		await nextTurn();
		context.signal.throwIfAborted();
		const bytes = this.#contentBytes;
		context.onProgress?.({ bytes, totalBytes: Math.max(bytes, totalBytes) });
	}

	#warn({ path }: TreeEntry, what: string): void {
		if (this.#warnings.length < maximumWarnings) this.#warnings.push(`${showRaw(path)}: ${what}`);
	}
}
