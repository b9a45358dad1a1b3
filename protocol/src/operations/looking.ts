import { z } from "zod";
import { ArchiveId, Bytes, FolderPath, Instant, Sha256, VolumeName } from "../vocabulary.ts";

/** A file or folder inside a resource, from its root: no `/` at either end, no `..`, no control characters. */
export const InnerPath = z
	.string()
	.max(4096)
	.refine(
		isInnerPath,
		"a path in an archive begins at its root without a slash and has no .., // or control characters",
	)
	.brand<"InnerPath">();
export type InnerPath = z.infer<typeof InnerPath>;

/** How many entries one answer holds at most; long names make it fewer. */
export const entriesAtMost = 200;

/** From which entry on an answer begins, counted from 0. */
export const EntryNumber = z.int().nonnegative().max(1_000_000_000);

/** One entry of a folder in an archive. */
export const BrowsedEntry = z.object({
	name: z.string(),
	/** Base64, where the name is not UTF-8; `name` is then only like it. */
	nameBytes: z.base64().optional(),
	type: z.string().max(32),
	size: Bytes,
	/** Absent where no calendar has it. */
	modifiedAt: Instant.optional(),
	/** Permissions with setuid, setgid and sticky. */
	mode: z.int().nonnegative(),
	uid: z.int().nonnegative(),
	gid: z.int().nonnegative(),
	/** Where a symbolic link points; of a hard link, the entry with the content. */
	target: z.string().optional(),
	/** It was seen but is not in the archive, and why. */
	skipped: z.string().optional(),
});
export type BrowsedEntry = z.infer<typeof BrowsedEntry>;

export const BrowseResult = z.object({
	archive: ArchiveId,
	/** Empty = the root. */
	folder: z.string(),
	/** In the order of their bytes. */
	entries: z.array(BrowsedEntry).max(entriesAtMost),
	/** In the folder. */
	total: z.int().nonnegative(),
	from: EntryNumber,
	/** Where the next answer begins; null = there is no more. */
	next: EntryNumber.nullable(),
});
export type BrowseResult = z.infer<typeof BrowseResult>;

/** What an archive is compared with: what is in place now, or another archive of the same resource. */
export const Against = z.union([z.literal("live"), ArchiveId]);
export type Against = z.infer<typeof Against>;

export const DifferenceKind = z.enum(["added", "removed", "changed", "metadata"]);
export type DifferenceKind = z.infer<typeof DifferenceKind>;

/** `added` = the archive lacks it, `removed` = only the archive has it, `metadata` = owner, mode or time differ and nothing else. */
export const DiffResult = z.object({
	archive: ArchiveId,
	against: Against,
	counts: z.object({
		added: z.int().nonnegative(),
		removed: z.int().nonnegative(),
		changed: z.int().nonnegative(),
		metadata: z.int().nonnegative(),
		same: z.int().nonnegative(),
	}),
	differences: z
		.array(z.object({ path: z.string(), kind: DifferenceKind, type: z.string().max(32) }))
		.max(entriesAtMost),
	from: EntryNumber,
	next: EntryNumber.nullable(),
});
export type DiffResult = z.infer<typeof DiffResult>;

export const GetResult = z.object({
	archive: ArchiveId,
	path: z.string(),
	type: z.string().max(32),
	/** Where it lies now, on the archive's host. */
	file: z.string(),
	/** What its files hold. */
	bytes: Bytes,
	entries: z.int().positive(),
	/** Of a file's content, which was compared with the archive's own. */
	sha256: Sha256.optional(),
	/** Stored bytes of the archive that were read for it. */
	readBytes: Bytes,
	/** What could not be made as it was. */
	losses: z.array(z.string()).max(50),
	/** Davit removes it at the first get after this. */
	keptUntil: Instant,
});
export type GetResult = z.infer<typeof GetResult>;

/** Verbs that only look. */
export const lookingVerbs = ["browse", "diff", "get", "preview", "rescan"] as const;
export type LookingVerb = (typeof lookingVerbs)[number];

const browse = { archive: ArchiveId, folder: InnerPath.optional(), from: EntryNumber.optional() } as const;
const get = { archive: ArchiveId, inner: InnerPath } as const;
const diff = { archive: ArchiveId, against: Against, from: EntryNumber.optional() } as const;

export const lookingOperations = {
	/** Lists one folder of an archive of a volume, a page at a time. */
	"volume.browse": {
		effect: "reads",
		params: z.strictObject({ volume: VolumeName, ...browse }),
		result: BrowseResult,
	},
	/** Says what differs between an archive of a volume and its present data or another archive, a page at a time. */
	"volume.diff": {
		effect: "reads",
		params: z.strictObject({ volume: VolumeName, ...diff }),
		result: DiffResult,
	},
	/** Puts one file or folder of an archive of a volume into a folder of Davit's own on the archive's host, its digest checked. */
	"volume.get": {
		effect: "reads",
		params: z.strictObject({ volume: VolumeName, ...get }),
		result: GetResult,
	},
	/** Puts one file or folder of an archive of a folder into a folder of Davit's own on the archive's host, its digest checked. */
	"path.get": {
		effect: "reads",
		params: z.strictObject({ path: FolderPath, ...get }),
		result: GetResult,
	},
	/** Lists one folder of an archive of a folder, a page at a time. */
	"path.browse": {
		effect: "reads",
		params: z.strictObject({ path: FolderPath, ...browse }),
		result: BrowseResult,
	},
	/** Says what differs between an archive of a folder and its present data or another archive, a page at a time. */
	"path.diff": {
		effect: "reads",
		params: z.strictObject({ path: FolderPath, ...diff }),
		result: DiffResult,
	},
} as const;

function isInnerPath(path: string): boolean {
	if (/\p{Cc}/u.test(path)) return false;
	return path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}
