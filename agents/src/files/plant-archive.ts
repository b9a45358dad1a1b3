import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CommandId, Manifest, manifestVersion, newId } from "@davit/protocol";
import { archiveOf } from "../archives/name-folders.ts";
import type { PackedTree } from "./job.ts";
import { packTree } from "./pack-tree.ts";
import { readEntries } from "./read-entries.ts";
import { FrameReader } from "./read-frames.ts";
import type { TreeEntry } from "./tree-entry.ts";
import { ContentWriter, entriesFile } from "./write-content.ts";

/** A manifest as an operation makes it, for tests. */
export function manifestFor(
	packed: PackedTree,
	wanted: { command?: CommandId; publicKey?: string } = {},
): Manifest {
	const { command = newId(), publicKey = "" } = wanted;
	return Manifest.parse({
		format: "davit-capsule",
		version: manifestVersion,
		archive: archiveOf(command),
		...{ site: "home", host: "nas", resource: "volume:grafana", command },
		takenAt: "2026-11-22T02:14:00.000Z",
		...{
			durationMs: 12,
			consistency: "paused",
			writers: [],
			downtimeMs: 5,
			dataPath: packed.fidelity === "full" ? "host-path" : "archive-api",
		},
		...packed,
		...{ davit: "0.1.0", publicKey },
	});
}

/** An archive's folder with content and an unsigned manifest: all that unpacking and comparing read. */
export async function plantArchive(root: string, archive: string, signal: AbortSignal): Promise<PackedTree> {
	mkdirSync(archive);
	const packed = await packTree({ root, directory: archive, signal });
	writeFileSync(join(archive, "MANIFEST.json"), JSON.stringify(manifestFor(packed)));
	return packed;
}

export interface Forged extends Partial<TreeEntry> {
	/** Its content. */
	readonly bytes?: Buffer;
}

/** The same of entries that no tree has, as somebody with bad intentions would make it. */
export async function forgeArchive(
	archive: string,
	entries: readonly Forged[],
	lies: Partial<Manifest> = {},
): Promise<void> {
	mkdirSync(archive);
	using content = new ContentWriter(archive, { signal: new AbortController().signal, totalBytes: 0 });
	const plain = { type: "directory", mode: 0o755, uid: 0, gid: 0, size: 0, mtimeNs: 0n } as const;
	for (const { bytes, ...forged } of entries) {
		const entry = { path: ".", ...plain, ...forged };
		content.begin(entry);
		if (bytes !== undefined) content.write(bytes);
		content.end(entry);
	}
	const packed = await content.finish({ fidelity: "full", losses: [] });
	writeFileSync(join(archive, "MANIFEST.json"), JSON.stringify({ ...manifestFor(packed), ...lies }));
}

/** All lines of an archive's list of entries but those of what was skipped, for tests. */
export async function entriesOf(archive: string): Promise<readonly TreeEntry[]> {
	const entries: TreeEntry[] = [];
	for await (const entry of readEntries(new FrameReader(join(archive, entriesFile)))) {
		if (entry.skipped === undefined) entries.push(entry);
	}
	return entries;
}
