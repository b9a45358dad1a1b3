import type { KeyObject } from "node:crypto";
import { join } from "node:path";
import {
	type ArchiveId,
	type ArchivePart,
	type ArchiveSummary,
	type CommandId,
	type Instant,
	type Logger,
	type Manifest,
	newestFirst,
	OperationError,
	type ResourceId,
	resourceKey,
} from "@davit/protocol";
import { equipJob, type KeyedJob } from "../encryption/equip-job.ts";
import type { Keyring } from "../encryption/keyring.ts";
import { freeBytesAt } from "../files/file-failure.ts";
import type { Sample, SampledContent } from "../files/job.ts";
import type { runFileJob } from "../files/run-job.ts";
import {
	beginArchive,
	commitArchive,
	isOf,
	listArchives,
	listResources,
	presenceIn,
	removeAll,
	removeFolder,
	sweepFolders,
} from "./hold-archives.ts";
import { commitPart } from "./hold-parts.ts";
import { SummaryIndex } from "./index-summaries.ts";
import { checkSums, inspectPlaced } from "./inspect-archive.ts";
import { type KeepRecords, openKeepRecords, withRecords, withSequence } from "./keep-records.ts";
import { archiveOf, type FolderState, listFolders, searchFolders } from "./name-folders.ts";
import { drilledBy, recordDamage, recordDrill, sampleArchive, verifyArchive } from "./prove-archive.ts";
import type { ArchiveProof } from "./record-proof.ts";
import { type Rescanned, rescanFolders } from "./rescan-folders.ts";
import { type Staging, stagingIn } from "./stage-archives.ts";
import { makeFolder, renameDurably } from "./write-durably.ts";

export interface ArchivesOptions {
	/** The folder of all archives; made when it is missing. */
	readonly path: string;
	/** The agent's Ed25519 key; it signs each manifest. */
	readonly privateKey: KeyObject;
	/** The same, SPKI in base64. */
	readonly publicKey: string;
	/** Without it archives are not encrypted, and encrypted ones not opened. */
	readonly keyring?: Keyring;
	readonly log: Logger;
	/** Milliseconds since 1970. */
	readonly now: () => number;
	/** Milliseconds of a clock that nobody sets. */
	readonly elapsedMs?: () => number;
	/** Does a job on files; in a thread of its own where none is given. */
	readonly runJob?: typeof runFileJob;
}

export interface FoundArchive {
	readonly summary: ArchiveSummary;
	readonly folder: string;
	readonly manifest: Manifest;
}

export interface Verification {
	readonly bytes: number;
	readonly entries: number;
	readonly verifiedAt: Instant;
}

/** Reads all content of an archive whose folder does not hold it, and compares it with its entries. @throws OperationError archive-corrupt */
export type ReadContent = (found: {
	readonly folder: string;
	readonly manifest: Manifest;
}) => Promise<{ readonly entries: number; readonly bytes: number }>;

interface SampledStored {
	readonly entries: number;
	readonly bytes: number;
}

/** Reads some of the content of an archive whose folder does not hold it. @throws OperationError archive-corrupt */
export type ReadSample<Sampled extends SampledStored> = (found: {
	readonly folder: string;
	readonly manifest: Manifest;
}) => Promise<Sampled>;

export interface Watching {
	readonly signal: AbortSignal;
	readonly onProgress?: (progress: { readonly bytes: number; readonly totalBytes: number }) => void;
}

/** The archives of this host, on its disk. */
export interface Archives extends Staging {
	/** The key that its manifests are signed with, SPKI in base64; each must name it. */
	readonly publicKey: string;
	/** What is pinned, held and marked for removal, and in which order the archives were made. */
	readonly records: KeepRecords;
	/** The archive that a command makes: always the same one. */
	archiveOf(command: CommandId): ArchiveId;
	/** Makes an empty folder to build the archive in, durably; a half archive of the same id goes first. */
	begin(resource: ResourceId, archive: ArchiveId, takenAt: Instant): Promise<string>;
	/** Makes what was built in `partialFolder` an archive and returns its folder. May be called again after a crash. */
	commit(manifest: Manifest, partialFolder: string): Promise<string>;
	/** The same for an archive within one that is being built: it is whole in its place, and the outer manifest names it. */
	commitPart(
		manifest: Manifest,
		place: { readonly folder: string; readonly part: string },
	): Promise<ArchivePart>;
	/** Removes a half archive; harmless when there is none, and never touches a complete one. */
	discard(resource: ResourceId, archive: ArchiveId): Promise<void>;
	presence(resource: ResourceId, archive: ArchiveId): Promise<"absent" | "partial" | "complete">;
	/** Newest first, in the order in which they were made. One whose manifest cannot be trusted is listed as damaged. */
	list(resource: ResourceId): Promise<ArchiveSummary[]>;
	/** Every resource that has an archive. */
	resources(): Promise<ResourceId[]>;
	/** @throws OperationError archive-not-found | archive-corrupt | archive-too-new */
	find(archive: ArchiveId): Promise<FoundArchive>;
	/**
	 * The same, every file of it compared with its sums but the content's two, which prove themselves as they are read.
	 * @throws OperationError archive-not-found | archive-corrupt | archive-too-new
	 */
	findSound(archive: ArchiveId): Promise<FoundArchive>;
	/**
	 * Reads every stored byte and records durably what came of it: the proof, or that the archive is damaged.
	 * @throws OperationError archive-not-found | archive-corrupt | archive-too-new
	 */
	verify(archive: ArchiveId, watching: Watching, readContent?: ReadContent): Promise<Verification>;
	/**
	 * Reads some of an archive's content, its list of entries and all that is small; records damage, and proves nothing.
	 * @throws OperationError archive-not-found | archive-corrupt | archive-too-new | archive-locked
	 */
	sample<Sampled extends SampledStored = SampledContent>(
		archive: ArchiveId,
		sampling: Watching & { readonly sample: Sample },
		readSample?: ReadSample<Sampled>,
	): Promise<SampledContent | Sampled>;
	/** Records durably that the archive was restored whole and found the same. */
	recordDrill(archive: ArchiveId, drill: NonNullable<ArchiveProof["drill"]>): Promise<void>;
	/** Records durably that the archive is damaged, and why. */
	recordDamage(archive: ArchiveId, reason: string): Promise<void>;
	/** The command of the newest drill that the archive passed. */
	drilledBy(archive: ArchiveId): Promise<CommandId | undefined>;
	/** Takes the archive out of sight, then deletes it; harmless when it is gone. What is recorded of it stays. */
	remove(archive: ArchiveId): Promise<void>;
	/**
	 * Forgets what was read before, looks at every archive but its content, and records durably which are damaged.
	 * @throws the signal's reason
	 */
	rescan(signal: AbortSignal): Promise<Rescanned>;
	freeBytes(): Promise<number>;
	/** The same job with the keys to what it writes or reads. @throws OperationError archive-locked | key-invalid */
	equip<Job extends KeyedJob>(job: Job): Promise<Job>;
	/** Deletes half built and half removed archives, except those with an id in `open`; returns their folders. */
	sweep(open: ReadonlySet<ArchiveId>): Promise<string[]>;
}

/** Opens the archives' folder, and makes it when it is missing. */
export async function openArchives(options: ArchivesOptions): Promise<Archives> {
	const { path } = options;
	await makeFolder(path);
	const index = new SummaryIndex();
	const records = await openKeepRecords(path, options.elapsedMs ?? (() => performance.now()));
	const folderOf = (resource: ResourceId) => join(path, resourceKey(resource));
	const search = (archive: ArchiveId, state: FolderState) => searchFolders(path, isOf(archive, state));
	const demand = async (archive: ArchiveId) => {
		const [folder, ...others] = await search(archive, "complete");
		if (folder === undefined) {
			throw new OperationError("archive-not-found", `no archive on this host has the id ${archive}`);
		}
		if (others.length === 0) return folder;
		const places = [folder, ...others].map((one) => one.path).join(" and ");
		throw new OperationError("archive-corrupt", `archive ${archive} cannot be told from another: ${places}`, {
			hint: "move the one that was copied there out of the archives' folder",
		});
	};
	const find = async (archive: ArchiveId) => {
		const folder = await demand(archive);
		return { folder, found: { folder: folder.path, ...(await inspectPlaced(folder)) } };
	};
	return {
		publicKey: options.publicKey,
		records,
		archiveOf,
		begin: (resource, archive, takenAt) => beginArchive(folderOf(resource), archive, takenAt),
		commit: async (manifest, partialFolder) => {
			await records.change(manifest.resource, (keeping) => withSequence(keeping, manifest.archive));
			return commitArchive(manifest, partialFolder, options);
		},
		commitPart: (manifest, place) => commitPart(manifest, place, options),
		...stagingIn(path, { ...options, records }),
		discard: async (resource, archive) =>
			removeAll(await listFolders(folderOf(resource)), isOf(archive, "partial")),
		presence: async (resource, archive) => presenceIn(await listFolders(folderOf(resource)), archive),
		list: async (resource) => {
			const summaries = await listArchives(folderOf(resource), { log: options.log, index });
			return newestFirst(withRecords(summaries, await records.read(resource)));
		},
		resources: () => listResources(path),
		find: async (archive) => (await find(archive)).found,
		findSound: async (archive) => {
			const { folder, found } = await find(archive);
			await checkSums(folder, found.manifest);
			return found;
		},
		recordDrill: async (archive, drill) => recordDrill(await demand(archive), drill),
		recordDamage: async (archive, reason) => recordDamage(await demand(archive), reason, options),
		drilledBy: async (archive) => drilledBy(await demand(archive)),
		verify: async (archive, watching, readContent) =>
			verifyArchive(await demand(archive), watching, { ...options, readContent }),
		sample: async (archive, sampling, readSample) =>
			sampleArchive(await demand(archive), sampling, { ...options, readSample }),
		remove: async (archive) => {
			for (const { path: complete } of await search(archive, "complete")) {
				await renameDurably(complete, `${complete}.removing`);
			}
			for (const removing of await search(archive, "removing")) await removeFolder(removing.path);
		},
		equip: async (job) => (options.keyring === undefined ? job : equipJob(job, options.keyring)),
		rescan: async (signal) => {
			index.clear();
			return rescanFolders(path, options, signal);
		},
		freeBytes: async () => freeBytesAt(path),
		sweep: (open) => sweepFolders(path, open),
	};
}
