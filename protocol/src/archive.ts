import { z } from "zod";
import { Consistency } from "./consistency.ts";
import { HookReport } from "./hooks.ts";
import { ResourceId } from "./resource.ts";
import { StackContent } from "./stack-content.ts";
import {
	ArchiveId,
	Bytes,
	CommandId,
	HostName,
	Instant,
	RepositoryName,
	RunId,
	Sha256,
	SiteName,
} from "./vocabulary.ts";

/** One file of an archive, by its path inside the archive's folder. */
export const Artefact = z.object({
	path: z.string().max(300),
	/** `tar.zst`: PAX tar in independent zstd frames of 4 MiB. `entries`: one JSON line an entry, in one or more zstd frames. */
	kind: z.enum(["tar.zst", "entries"]),
	bytes: Bytes,
	sha256: Sha256,
	/** Of the bytes after decompression. */
	contentBytes: Bytes,
	/** Of format 1; later `sha256`, the frames' checksums and the digest of each entry say the same without another pass. */
	contentSha256: Sha256.optional(),
	/** zstd frames that hold content; the seek table's skippable frame is not counted. */
	frames: z.int().nonnegative(),
});
export type Artefact = z.infer<typeof Artefact>;

/** Whose key opens an encrypted archive; the recipient is as `age-keygen -y` prints it. */
export const KeyHolder = z.object({
	role: z.enum(["host", "recovery"]),
	recipient: z.string().regex(/^age1[0-9a-z]{58}$/),
});
export type KeyHolder = z.infer<typeof KeyHolder>;

/** The format that new archives have; readers take every one from 1 on. */
export const manifestVersion = 2;

/** What an archive is, committed last: an archive without a readable manifest does not exist. */
export const Manifest = z.object({
	format: z.literal("davit-capsule"),
	/** 2 can be encrypted, and hold extended attributes and sparse files, which 1 never does; the rest is the same. */
	version: z.literal([1, manifestVersion]),
	archive: ArchiveId,
	site: SiteName,
	host: HostName,
	resource: ResourceId,
	command: CommandId,
	run: RunId.optional(),
	takenAt: Instant,
	durationMs: z.int().nonnegative(),
	/** What was done with the writers, which they were, and how long the longest of them did not serve. */
	consistency: Consistency,
	writers: z.array(z.object({ container: z.string(), treatment: Consistency })),
	downtimeMs: z.int().nonnegative(),
	/** What `downtimeMs` was predicted to be when it began; absent where nothing like it was measured before. */
	predictedDowntimeMs: z.int().nonnegative().optional(),
	/**
	 * What the downtime went into: until the last of them was stopped or paused, until the copy or the snapshot was there, until the
	 * engine said that all run again. Absent where nobody was held, and in archives of earlier versions.
	 */
	downtimeParts: z
		.object({
			stopMs: z.int().nonnegative(),
			copyMs: z.int().nonnegative(),
			startMs: z.int().nonnegative(),
		})
		.optional(),
	/** What it was read from, where its consistency is a snapshot. */
	snapshot: z.enum(["btrfs", "zfs", "lvm", "reflink"]).optional(),
	/** How the bytes were read; the archive API loses what `losses` lists. */
	dataPath: z.enum(["host-path", "helper", "archive-api"]),
	fidelity: z.enum(["full", "reduced"]),
	losses: z.array(z.string()),
	outcome: z.enum(["succeeded", "partial"]),
	warnings: z.array(z.string()).max(1000),
	/** What hooks before and after it did. */
	hooks: z.array(HookReport).optional(),
	/** What was done otherwise than asked, and why, without a loss; absent = nothing. */
	notes: z.array(z.string()).max(50).optional(),
	entries: z.int().nonnegative(),
	/** What the tar holds of files' content: holes do not count. */
	contentBytes: Bytes,
	artefacts: z.array(Artefact).min(1),
	/** Of an encrypted archive: its artefacts are age files, `sha256` is of them as they lie there. */
	recipients: z.array(KeyHolder).min(1).optional(),
	davit: z.string(),
	engine: z.string().optional(),
	/** Of a volume: the labels it had, so that one that was deleted can be made again. */
	volumeLabels: z.record(z.string(), z.string()).optional(),
	/** Of a stack: its parts and what was left out. */
	stack: StackContent.optional(),
	/** The signing key of the host, SPKI in base64. */
	publicKey: z.string(),
	/**
	 * Of an archive whose content is a snapshot of a restic repository: which one, and the folder as the snapshot names it. Its
	 * artefacts are the list of entries alone.
	 */
	repository: z.object({ name: RepositoryName, id: Sha256, folder: z.string().max(4096) }).optional(),
});
export type Manifest = z.infer<typeof Manifest>;

/** One entry of the archive's `entries` file. Bytes that are not UTF-8 are given in base64 with the `…Bytes` key instead. */
export const ArchiveEntry = z.object({
	path: z.string().optional(),
	pathBytes: z.base64().optional(),
	type: z.enum([
		"file",
		"directory",
		"symlink",
		"hardlink",
		"fifo",
		"character-device",
		"block-device",
		"socket",
	]),
	mode: z.int().nonnegative(),
	uid: z.int().nonnegative(),
	gid: z.int().nonnegative(),
	size: z.int().nonnegative(),
	/** Seconds since 1970 with up to nine decimals, as PAX writes it. */
	mtime: z.string(),
	target: z.string().optional(),
	targetBytes: z.base64().optional(),
	sha256: Sha256.optional(),
	/** Names and base64 values; access control lists are among them, as the kernel gives them (`system.posix_acl_access`). */
	xattrs: z.record(z.string(), z.base64()).optional(),
	/**
	 * Of a file with holes, by rising offset, `[offset, length]` of each stretch of content; the rest of its `size` is holes. The tar
	 * holds the stretches alone, and `sha256` is of them, joined.
	 */
	sparse: z.array(z.tuple([z.int().nonnegative(), z.int().positive()])).optional(),
	device: z.tuple([z.int(), z.int()]).optional(),
	/** It was seen but is not in the tar, and why. */
	skipped: z.string().optional(),
});
export type ArchiveEntry = z.infer<typeof ArchiveEntry>;
