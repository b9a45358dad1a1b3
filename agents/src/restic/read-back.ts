import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { type Manifest, OperationError } from "@davit/protocol";
import { manifestFile } from "../archives/read-manifest.ts";
import { type RawPath, rawOf, rootPath, showRaw } from "../files/raw-path.ts";
import { ByteSource } from "../files/read-bytes.ts";
import { readEntries } from "../files/read-entries.ts";
import { FrameReader } from "../files/read-frames.ts";
import { TarReader } from "../files/read-tar.ts";
import type { TreeEntry } from "../files/tree-entry.ts";
import { entriesFile } from "../files/write-content.ts";
import { describeExit } from "./judge-exit.ts";
import { type Restic, runRestic } from "./run-restic.ts";
import { listSnapshots, newestFence, stallOf } from "./snapshots.ts";

/** One file of a snapshot. */
export async function readStoredFile(
	restic: Restic,
	{
		snapshot,
		path,
		signal,
	}: { readonly snapshot: string; readonly path: string; readonly signal: AbortSignal },
): Promise<Buffer> {
	let content = Buffer.alloc(0);
	const answer = await runRestic(restic, {
		...{
			arguments: ["dump", snapshot, path],
			signal,
			lockWaitSeconds: restic.repository.lockSeconds,
			silenceMs: stallOf(restic),
		},
		read: async (output) => {
			content = await buffer(output);
		},
	});
	if (answer.code !== 0) throw describeExit(answer, { repository: restic.repository.name, doing: "dump" });
	return content;
}

export interface Confirming {
	readonly snapshot: string;
	/** The folder that describes it, on this host and in the snapshot. */
	readonly described: string;
	/** The command that wrote it. */
	readonly command: string;
	readonly signal: AbortSignal;
}

/**
 * Whether a snapshot is there, holds the description that was given to it byte for byte, and no later command wrote meanwhile: then
 * the lease had gone to another.
 * @throws OperationError archive-corrupt | lease-lost
 */
export async function requireConfirmed(
	restic: Restic,
	{ snapshot, described, command, signal }: Confirming,
): Promise<void> {
	const snapshots = await listSnapshots(restic, { signal });
	const shown = `snapshot ${snapshot.slice(0, 8)}`;
	if (!snapshots.some(({ id }) => id === snapshot)) {
		throw new OperationError("archive-corrupt", `${shown} is not in repository ${restic.repository.name}`);
	}
	const newest = newestFence(snapshots);
	if (newest > command) {
		throw new OperationError(
			"lease-lost",
			`repository ${restic.repository.name} was written by a later command, ${newest}, before this one had ended`,
		);
	}
	const path = join(described, manifestFile);
	const stored = await readStoredFile(restic, { snapshot, path, signal });
	if (stored.equals(await readFile(path))) return;
	throw new OperationError("archive-corrupt", `${shown} does not hold the manifest that was given to it`);
}

export interface ReadingBack {
	readonly snapshot: string;
	/** The archive's folder, with the list of entries. */
	readonly folder: string;
	readonly manifest: Manifest;
	readonly signal: AbortSignal;
	readonly onProgress?: (progress: { readonly bytes: number; readonly totalBytes: number }) => void;
}

/**
 * Reads every byte of a snapshot out of the repository and compares it: the tree with the archive's entries by names, kinds, owners,
 * modes, targets and digests, and its description with the archive's folder.
 * @throws OperationError archive-corrupt; of the repository
 */
export async function readBack(
	restic: Restic,
	reading: ReadingBack,
): Promise<{ readonly entries: number; readonly bytes: number }> {
	const { snapshot, manifest, signal } = reading;
	const left = { entries: await readWanted(reading), described: await readDescribed(reading.folder) };
	const entries = left.entries.size;
	let bytes = 0;
	const answer = await runRestic(restic, {
		arguments: ["dump", "--archive", "tar", snapshot, "/"],
		...{ signal, lockWaitSeconds: restic.repository.lockSeconds, silenceMs: stallOf(restic) },
		read: async (output) => {
			bytes = await compareStream(output, left, reading);
		},
	});
	if (answer.code !== 0) throw describeExit(answer, { repository: restic.repository.name, doing: "dump" });
	const [missing] = [
		...[...left.entries.values()].filter(hasContent).map(({ path }) => showRaw(path)),
		...left.described.keys(),
	];
	if (missing !== undefined) throw differs(manifest, `${missing} is not in it`);
	return { entries, bytes };
}

/** A dump leaves special files out; that they are there is told by a restore, which is compared whole. */
function hasContent({ type }: TreeEntry): boolean {
	return type === "file" || type === "directory" || type === "symlink" || type === "hardlink";
}

/** What was not found yet. */
interface Left {
	readonly entries: Map<RawPath, TreeEntry>;
	/** Digests of the files that describe the archive, by their names. */
	readonly described: Map<string, string>;
}

/** What came after the snapshot was made is not in it. */
const laterFiles: ReadonlySet<string> = new Set(["snapshot.json", "proof.json"]);

async function readDescribed(folder: string): Promise<Map<string, string>> {
	const digests = new Map<string, string>();
	for (const name of await readdir(folder)) {
		if (!laterFiles.has(name)) digests.set(name, digestOf(await readFile(join(folder, name))));
	}
	return digests;
}

function digestOf(bytes: Uint8Array): string {
	return createHash("sha256").update(bytes).digest("hex");
}

async function readWanted({ folder, signal }: ReadingBack): Promise<Map<RawPath, TreeEntry>> {
	const wanted = new Map<RawPath, TreeEntry>();
	using frames = new FrameReader(join(folder, entriesFile));
	for await (const entry of readEntries(frames)) {
		signal.throwIfAborted();
		if (entry.skipped === undefined) wanted.set(entry.path, entry);
	}
	return wanted;
}

/** Takes what was found out of `left`; returns the bytes that were read. */
async function compareStream(
	output: AsyncIterable<Buffer>,
	left: Left,
	{ manifest, signal, onProgress }: ReadingBack,
): Promise<number> {
	const root = rawOf((manifest.repository?.folder ?? "").slice(1));
	const digests = new Map<RawPath, string>();
	const tar = new TarReader(new ByteSource(output, () => differs(manifest, "it was cut off")));
	let bytes = 0;
	for (let found = await tar.next(); found !== undefined; found = await tar.next()) {
		signal.throwIfAborted();
		const digest = createHash("sha256");
		for (let part = await tar.content(); part !== undefined; part = await tar.content()) {
			digest.update(part);
			bytes += part.length;
		}
		const sha256 = found.type === "file" ? digest.digest("hex") : undefined;
		const path = found.path === root ? rootPath : found.path.slice(root.length + 1);
		if (found.path === root || found.path.startsWith(`${root}/`)) {
			if (sha256 !== undefined) digests.set(path, sha256);
			takeEntry(left, { path, found, sha256, digests }, manifest);
		} else if (sha256 !== undefined) takeDescribed(left, { path: found.path, sha256 }, manifest);
		onProgress?.({ bytes, totalBytes: Math.max(bytes, manifest.contentBytes) });
	}
	return bytes;
}

function takeEntry(
	{ entries }: Left,
	{ path, ...found }: Omit<Pair, "want"> & { readonly path: RawPath },
	manifest: Manifest,
): void {
	const want = entries.get(path);
	if (want === undefined) throw differs(manifest, `it holds ${showRaw(path)}, which it should not`);
	requireSame({ want, ...found }, manifest);
	entries.delete(path);
}

function takeDescribed(
	{ described }: Left,
	{ path, sha256 }: { readonly path: RawPath; readonly sha256: string },
	manifest: Manifest,
): void {
	const name = path.slice(path.lastIndexOf("/") + 1);
	if (described.get(name) !== sha256) throw differs(manifest, `its ${showRaw(name)} is not what it was`);
	described.delete(name);
}

interface Pair {
	readonly want: TreeEntry;
	readonly found: TreeEntry;
	readonly sha256: string | undefined;
	/** Of files that came before. */
	readonly digests: ReadonlyMap<RawPath, string>;
}

function requireSame({ want, found, sha256, digests }: Pair, manifest: Manifest): void {
	const isSameContent =
		want.type === "file"
			? sha256 === want.sha256
			: want.type !== "hardlink" || isLinked(want, sha256, digests);
	const isSameKind = isOfKind(want, found);
	const isSameOwner = want.uid === found.uid && want.gid === found.gid;
	const isSameMode = want.type === "symlink" || want.mode === found.mode;
	if (isSameContent && isSameKind && isSameOwner && isSameMode) return;
	throw differs(manifest, `${showRaw(want.path)} is not what it was`);
}

/** restic gives links and special files as plain files; what they are is told by a restore, which is compared whole. */
function isOfKind(want: TreeEntry, found: TreeEntry): boolean {
	if (want.type === "file" || want.type === "directory") return want.type === found.type;
	if (want.type === "symlink") return want.type === found.type && want.target === found.target;
	return true;
}

/** restic gives a link's content again where its format of a dump has no links. */
function isLinked(
	want: TreeEntry,
	sha256: string | undefined,
	digests: ReadonlyMap<RawPath, string>,
): boolean {
	const target = want.target === undefined ? undefined : digests.get(want.target);
	return sha256 === undefined || target === undefined || sha256 === target;
}

function differs({ archive, repository }: Manifest, what: string): OperationError {
	return new OperationError(
		"archive-corrupt",
		`archive ${archive} in repository ${repository?.name ?? ""} does not match its manifest: ${what}`,
	);
}
