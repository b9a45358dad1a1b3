import { spawnSync } from "node:child_process";
import { linkSync, lstatSync, mkdirSync, renameSync, symlinkSync } from "node:fs";
import { OperationError } from "@davit/protocol";
import { nameOfErrno, systemError } from "./call-system.ts";
import { errnoOf } from "./file-failure.ts";
import { type Filling, placeFile } from "./place-file.ts";
import { locate, parentOf, placeOf, type RawPath, rootPath, showRaw, systemPath } from "./raw-path.ts";
import { setMetadata } from "./set-metadata.ts";
import type { EntryType, TreeEntry } from "./tree-entry.ts";

export interface Unpacking extends Filling {
	/** The root, as text. */
	readonly target: string;
	/** Directories that were made here: the only places where something is put, so no symlink is ever followed. */
	readonly directories: Map<RawPath, TreeEntry>;
}

/** Makes one entry below the root, with its owner, mode and time; a directory's are set by `closeDirectories`. */
export async function placeEntry(entry: TreeEntry, unpacking: Unpacking): Promise<void> {
	refuseStray(entry, unpacking);
	try {
		await place(entry, unpacking);
	} catch (error) {
		if (errnoOf(error) !== "EEXIST") throw error;
		throw new OperationError("archive-corrupt", `the archive holds ${showRaw(entry.path)} twice`, {
			cause: error,
		});
	}
}

async function place(entry: TreeEntry, unpacking: Unpacking): Promise<void> {
	const { root, directories } = unpacking;
	const path = locate(root, entry.path);
	if (entry.type === "file") return placeFile(entry, unpacking);
	if (entry.type === "hardlink") return placeHardLink(entry, path, unpacking);
	if (entry.type === "directory") {
		if (entry.path !== rootPath) mkdirSync(path, 0o700);
		directories.set(entry.path, entry);
		return;
	}
	if (entry.type === "symlink") symlinkSync(systemPath(entry.target ?? ""), path);
	else if (!placeNode(entry, unpacking)) return;
	setMetadata(entry, unpacking);
}

/** Sets what making entries in them would have changed, or would have passed on to those; the innermost first. */
export function closeDirectories(unpacking: Unpacking): void {
	for (const entry of [...unpacking.directories.values()].reverse()) setMetadata(entry, unpacking);
}

function refuseStray({ path }: TreeEntry, { directories }: Unpacking): void {
	const isFirst = directories.size === 0;
	if (isFirst ? path === rootPath : path !== rootPath && directories.has(parentOf(path))) return;
	throw new OperationError(
		"archive-corrupt",
		`${showRaw(path)} cannot be unpacked: the archive did not make the directory that it is in`,
	);
}

/** Its target must be one that was made here: in a directory of ours, and no directory itself. */
function placeHardLink({ path, target = "" }: TreeEntry, at: string | Buffer, unpacking: Unpacking): void {
	const { root, directories } = unpacking;
	const from = locate(root, target);
	const isOurs = target !== rootPath && directories.has(parentOf(target)) && !directories.has(target);
	if (!isOurs || lstatSync(from, { throwIfNoEntry: false }) === undefined) {
		throw new OperationError(
			"archive-corrupt",
			`${showRaw(path)} cannot be unpacked: it is a link to ${showRaw(target)}, which does not come before it`,
		);
	}
	linkSync(from, at);
}

interface NodeKind {
	/** As `mknod` takes it. */
	readonly letter: string;
	/** Of its mode, from Linux's headers. */
	readonly bits: number;
}

const pipe: NodeKind = { letter: "p", bits: 0o010_000 };
const nodeKinds: Partial<Record<EntryType, NodeKind>> = {
	fifo: pipe,
	"character-device": { letter: "c", bits: 0o020_000 },
	"block-device": { letter: "b", bits: 0o060_000 },
};

/** Whether it could be made. */
function placeNode(entry: TreeEntry, unpacking: Unpacking): boolean {
	const kind = nodeKinds[entry.type] ?? pipe;
	const { root, system, losses } = unpacking;
	if (system === undefined) return placeByProgram(entry, kind, unpacking);
	const answer = system.makeNode(placeOf(root, entry.path), kind.bits | 0o600, entry.device ?? [0, 0]);
	if (answer < 0 && nameOfErrno(answer) === "EEXIST") {
		throw systemError(answer, { call: "mknod", path: entry.path });
	}
	if (answer < 0) losses.add(`the ${entry.type} could not be made (${nameOfErrno(answer)})`, entry.path);
	return answer === 0;
}

/** Node has no call for it, and an argument cannot hold raw bytes: made under a plain name, then renamed. */
function placeByProgram(
	entry: TreeEntry,
	{ letter }: NodeKind,
	{ root, target, losses }: Unpacking,
): boolean {
	const plain = `${target}/.davit-node-${process.pid}`;
	const numbers = (entry.device ?? []).map(String);
	const made = spawnSync("mknod", ["-m", "600", "--", plain, letter, ...numbers], { encoding: "utf8" });
	if (made.status === 0) {
		renameSync(plain, locate(root, entry.path));
		return true;
	}
	const why = made.error?.message ?? made.stderr.trim();
	losses.add(`the ${entry.type} could not be made (${why})`, entry.path);
	return false;
}
