import { spawnSync } from "node:child_process";
import {
	chmodSync,
	closeSync,
	constants,
	fchmodSync,
	fchownSync,
	futimesSync,
	lchownSync,
	linkSync,
	lstatSync,
	lutimesSync,
	mkdirSync,
	openSync,
	renameSync,
	symlinkSync,
	writeSync,
} from "node:fs";
import { OperationError } from "@davit/protocol";
import { errnoOf } from "./file-failure.ts";
import { locate, parentOf, type RawPath, rootPath, showRaw, systemPath } from "./raw-path.ts";
import type { ContentReader } from "./read-content.ts";
import type { EntryType, TreeEntry } from "./tree-entry.ts";

export interface Unpacking {
	/** The new tree's root; nobody else writes below it. */
	readonly root: RawPath;
	/** The same, as text. */
	readonly target: string;
	readonly content: ContentReader;
	/** Directories that were made here: the only places where something is put, so no symlink is ever followed. */
	readonly directories: Map<RawPath, TreeEntry>;
	readonly mayOwn: boolean;
	readonly losses: string[];
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
	if (entry.type === "file") return placeFile(entry, path, unpacking);
	if (entry.type === "hardlink") return placeHardLink(entry, path, unpacking);
	if (entry.type === "directory") {
		if (entry.path !== rootPath) mkdirSync(path, 0o700);
		directories.set(entry.path, entry);
	} else if (entry.type === "symlink") {
		symlinkSync(systemPath(entry.target ?? ""), path);
		setPlain(entry, path, unpacking);
	} else placeNode(entry, path, unpacking);
}

/** Sets what making entries in them would have changed; the innermost first. */
export function closeDirectories({ root, directories, mayOwn }: Unpacking): void {
	for (const entry of [...directories.values()].reverse()) {
		const path = locate(root, entry.path);
		if (mayOwn) lchownSync(path, entry.uid, entry.gid);
		chmodSync(path, entry.mode);
		lutimesSync(path, seconds(entry), seconds(entry));
	}
}

function refuseStray({ path }: TreeEntry, { directories }: Unpacking): void {
	const isFirst = directories.size === 0;
	if (isFirst ? path === rootPath : path !== rootPath && directories.has(parentOf(path))) return;
	throw new OperationError(
		"archive-corrupt",
		`${showRaw(path)} cannot be unpacked: the archive did not make the directory that it is in`,
	);
}

async function placeFile(entry: TreeEntry, path: string | Buffer, unpacking: Unpacking): Promise<void> {
	const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
	const fd = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
	using _file = { [Symbol.dispose]: () => closeSync(fd) };
	for (let part = await unpacking.content.content(); part; part = await unpacking.content.content()) {
		for (let at = 0; at < part.length; ) at += writeSync(fd, part, at);
	}
	if (unpacking.mayOwn) fchownSync(fd, entry.uid, entry.gid);
	fchmodSync(fd, entry.mode);
	futimesSync(fd, seconds(entry), seconds(entry));
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

const nodeLetters: Partial<Record<EntryType, string>> = {
	fifo: "p",
	"character-device": "c",
	"block-device": "b",
};

/** Node has no call for it, and an argument cannot hold raw bytes: made under a plain name, then renamed. */
function placeNode(entry: TreeEntry, path: string | Buffer, unpacking: Unpacking): void {
	const plain = `${unpacking.target}/.davit-node-${process.pid}`;
	const numbers = (entry.device ?? []).map(String);
	const made = spawnSync("mknod", ["-m", "600", "--", plain, nodeLetters[entry.type] ?? "p", ...numbers], {
		encoding: "utf8",
	});
	if (made.status !== 0) {
		const why = made.error?.message ?? made.stderr.trim();
		unpacking.losses.push(`${showRaw(entry.path)}: the ${entry.type} could not be made (${why})`);
		return;
	}
	renameSync(plain, path);
	setPlain(entry, path, unpacking);
}

function setPlain(entry: TreeEntry, path: string | Buffer, { mayOwn }: Unpacking): void {
	if (mayOwn) lchownSync(path, entry.uid, entry.gid);
	if (entry.type !== "symlink") chmodSync(path, entry.mode);
	lutimesSync(path, seconds(entry), seconds(entry));
}

/** Node takes times as doubles: the result is within a microsecond of the wanted one. */
function seconds({ mtimeNs }: TreeEntry): number {
	return Number(mtimeNs) / 1e9;
}
