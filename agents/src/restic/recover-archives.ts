import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ArchiveId, type HostName, instantOf, OperationError, resourceKey } from "@davit/protocol";
import type { Archives } from "../archives/archives.ts";
import { checkSums, corrupt, inspectArchive } from "../archives/inspect-archive.ts";
import { type ArchiveFolder, folderName } from "../archives/name-folders.ts";
import { makeFolder } from "../archives/write-durably.ts";
import { syncTree } from "../files/sync-tree.ts";
import { describeExit } from "./judge-exit.ts";
import { isGivenUp } from "./orphans.ts";
import { type Restic, runRestic } from "./run-restic.ts";
import { listSnapshots, readRepositoryId, type Snapshot, stallOf, tagOf } from "./snapshots.ts";

export interface Recovering {
	readonly archives: Archives;
	readonly archivesPath: string;
	readonly host: HostName;
	readonly signal: AbortSignal;
}

export interface Recovered {
	/** Archives of this host that the repository holds. */
	readonly archives: number;
	/** Those that this host did not know any more. */
	readonly broughtBack: number;
}

/**
 * Makes archives known again whose descriptions this host has lost: they are in their snapshots. Archives whose snapshot is gone are
 * recorded as damaged. What is being written now, and what an undo gave up, is left alone.
 * @throws OperationError of the repository; archive-corrupt where a description is not what was signed
 */
export async function recoverArchives(restic: Restic, recovering: Recovering): Promise<Recovered> {
	const { host, archives, signal } = recovering;
	// Listed before the snapshots: what is written meanwhile is then missing from neither.
	const known = await knownIn(restic, archives);
	const id = await readRepositoryId(restic, signal);
	const held = new Map<ArchiveId, Snapshot>();
	for (const snapshot of await listSnapshots(restic, { signal })) {
		const archive = snapshot.hostname === host ? archiveIn(snapshot) : undefined;
		if (archive !== undefined) held.set(archive, snapshot);
	}
	for (const archive of known) {
		if (!held.has(archive)) await recordGone(archive, { restic, id, archives });
	}
	let broughtBack = 0;
	for (const [archive, snapshot] of held) {
		if (known.has(archive) || (await isThere(archive, archives))) continue;
		if (await bringBack({ restic, archive, snapshot }, recovering)) broughtBack += 1;
	}
	return { archives: held.size, broughtBack };
}

async function knownIn({ repository }: Restic, archives: Archives): Promise<Set<ArchiveId>> {
	const known = new Set<ArchiveId>();
	for (const resource of await archives.resources()) {
		for (const { id, repository: name } of await archives.list(resource)) {
			if (name === repository.name) known.add(id);
		}
	}
	return known;
}

function archiveIn({ tags }: Snapshot): ArchiveId | undefined {
	const [prefix] = tagOf.archive(ArchiveId.parse("0000000000")).split("=");
	const tag = tags?.find((one) => one.startsWith(`${prefix}=`));
	return ArchiveId.safeParse(tag?.slice(tag.indexOf("=") + 1)).data;
}

/** Only where the repository is the very one that it was written into: another under the same name says nothing of it. */
async function recordGone(
	archive: ArchiveId,
	{ restic, id, archives }: { readonly restic: Restic; readonly id: string; readonly archives: Archives },
): Promise<void> {
	const { manifest } = await archives.find(archive);
	if (manifest.repository?.id !== id) return;
	await archives.recordDamage(
		archive,
		`its snapshot is not in repository ${restic.repository.name} any more`,
	);
}

/** Also where it cannot be trusted: what lies in its place is not overwritten. */
async function isThere(archive: ArchiveId, archives: Archives): Promise<boolean> {
	try {
		await archives.find(archive);
		return true;
	} catch (error) {
		if (!(error instanceof OperationError)) throw error;
		return error.code !== "archive-not-found";
	}
}

interface Lost {
	readonly restic: Restic;
	readonly archive: ArchiveId;
	readonly snapshot: Snapshot;
}

async function bringBack(
	{ restic, archive, snapshot }: Lost,
	{ archives, archivesPath, host, signal }: Recovering,
): Promise<boolean> {
	const { name } = restic.repository;
	const staging = `.staging-${name}`;
	const described = snapshot.paths.find((path) => basename(path) === staging);
	if (described === undefined || isGivenUp(restic, archive)) return false;
	const key = basename(dirname(described));
	if (!/^(?:volume|path|stack)-[a-z0-9_-]+$/.test(key)) return false;
	const parent = join(archivesPath, key);
	// A backup is under way there, or was, and its next life decides.
	if (existsSync(join(parent, staging))) return false;
	const takenAt = instantOf(Date.parse(snapshot.time));
	// Named like a half archive, so that it is swept where this life ends.
	const path = join(parent, `${folderName(archive, takenAt)}.partial`);
	const folder: ArchiveFolder = { archive, state: "partial", takenAt, path };
	await rm(path, { recursive: true, force: true });
	await makeFolder(path);
	try {
		await restoreFolder(restic, { from: `${snapshot.id}:${described}`, to: path, signal });
		const { manifest } = await inspectArchive(folder);
		await checkSums(folder, manifest);
		const isOwn = manifest.host === host && manifest.repository?.name === name;
		if (!isOwn || resourceKey(manifest.resource) !== key) throw corrupt(folder, "its snapshot is of another");
		await archives.adopt(path, { resource: manifest.resource, archive, takenAt: manifest.takenAt });
		return true;
	} catch (error) {
		await rm(path, { recursive: true, force: true });
		throw error;
	}
}

async function restoreFolder(
	restic: Restic,
	{ from, to, signal }: { readonly from: string; readonly to: string; readonly signal: AbortSignal },
): Promise<void> {
	const answer = await runRestic(restic, {
		arguments: ["restore", from, "--target", to],
		...{ signal, lockWaitSeconds: restic.repository.lockSeconds, silenceMs: stallOf(restic) },
		onLine: () => undefined,
	});
	if (answer.code !== 0) throw describeExit(answer, { repository: restic.repository.name, doing: "restore" });
	await syncTree(to, signal);
}
