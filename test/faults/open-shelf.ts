import { generateKeyPairSync } from "node:crypto";
import {
	existsSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Archives, openArchives } from "@davit/agents/archives/archives.ts";
import { packTree } from "@davit/agents/files/pack-tree.ts";
import { performFileJob } from "@davit/agents/files/perform-job.ts";
import { manifestFor } from "@davit/agents/files/plant-archive.ts";
import { requireOwnArchive } from "@davit/agents/resource/require-own-archive.ts";
import { type ArchiveId, instantOf, newId, ResourceId } from "@davit/protocol";

/** The files of an archive that its signature or its sums bind. */
export const boundFiles = [
	"MANIFEST.json",
	"MANIFEST.json.sig",
	"SHA256SUMS",
	"RESTORE.md",
	"restore.sh",
	"content.tar.zst",
	"entries.jsonl.zst",
] as const;

export interface KeptArchive {
	readonly archive: ArchiveId;
	readonly resource: ResourceId;
	readonly folder: string;
	/** What its files hold while nothing is wrong. */
	readonly files: ReadonlyMap<string, Buffer>;
}

/** Some small real archives in memory, whose jobs are done in this very thread. */
export interface Shelf {
	readonly folder: string;
	readonly archives: Archives;
	readonly kept: readonly KeptArchive[];
	resourceOf(archive: ArchiveId): ResourceId;
	/** As a restore begins: the archive is found, its sums compared, and it is unpacked. `restored`, or the code of the refusal. */
	restore(archive: ArchiveId): Promise<string | undefined>;
}

export async function openShelf(signal: AbortSignal): Promise<Shelf> {
	const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "davit-shelf-"));
	const { privateKey, publicKey } = generateKeyPairSync("ed25519");
	const key = publicKey.export({ type: "spki", format: "der" }).toString("base64");
	const quiet = () => undefined;
	const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
	const path = join(folder, "archives");
	const archives = await openArchives({
		...{ path, privateKey, publicKey: key, log, now: Date.now },
		runJob: performFileJob,
	});
	const kept: KeptArchive[] = [];
	for (const [index, name] of ["volume:one", "volume:one", "volume:two", "path:/srv/three"].entries()) {
		const resource = ResourceId.parse(name);
		const command = newId();
		const archive = archives.archiveOf(command);
		const takenAt = instantOf(Date.UTC(2026, 10, 22, 2, index));
		const partial = await archives.begin(resource, archive, takenAt);
		const packed = await packTree({ root: plant(folder, index), directory: partial, signal });
		const manifest = { ...manifestFor(packed, { command, publicKey: key }), resource, takenAt };
		const place = await archives.commit(manifest, partial);
		kept.push({ archive, resource, folder: place, files: readAll(place) });
	}
	const target = join(folder, "restored");
	return {
		...{ folder, archives, kept },
		resourceOf: (archive) => findKept(kept, archive).resource,
		async restore(archive) {
			try {
				await requireOwnArchive(archive, findKept(kept, archive).resource, archives);
				const found = await archives.findSound(archive);
				await performFileJob({ kind: "unpack", archive: found.folder, target }, { signal });
				return "restored";
			} catch (error) {
				return error instanceof Error && "code" in error ? String(error.code) : String(error);
			} finally {
				rmSync(target, { recursive: true, force: true });
			}
		},
	};
}

function plant(folder: string, index: number): string {
	const root = join(folder, `tree-${index}`);
	mkdirSync(join(root, "sub"), { recursive: true });
	writeFileSync(join(root, "file"), `this is ${index}\n`.repeat(40));
	writeFileSync(join(root, "sub/other"), Buffer.alloc(3000, index));
	symlinkSync("../file", join(root, "sub/link"));
	return root;
}

function readAll(folder: string): ReadonlyMap<string, Buffer> {
	return new Map(boundFiles.map((name) => [name, readFileSync(join(folder, name))]));
}

function findKept(kept: readonly KeptArchive[], archive: ArchiveId): KeptArchive {
	const found = kept.find((one) => one.archive === archive);
	if (found === undefined) throw new Error(`no archive ${archive} is kept`);
	return found;
}
