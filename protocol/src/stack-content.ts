import { z } from "zod";
import { ResourceId } from "./resource.ts";
import { ArchiveId, Bytes, ProjectName, Sha256 } from "./vocabulary.ts";

/** An archive within an archive: a whole one of its own, with manifest, signature and RESTORE.md, in a folder of the outer one. */
export const ArchivePart = z.object({
	archive: ArchiveId,
	resource: ResourceId,
	/** Its folder, seen from the outer archive's. */
	folder: z.string().max(300),
	/** Of its MANIFEST.json: a part of another archive does not fit here. */
	manifestSha256: Sha256,
	bytes: Bytes,
	contentBytes: Bytes,
	entries: z.int().nonnegative(),
	outcome: z.enum(["succeeded", "partial"]),
});
export type ArchivePart = z.infer<typeof ArchivePart>;

/** What an archive of a stack holds beside the project's own files, which are its content. */
export const StackContent = z.object({
	project: ProjectName,
	/** Volumes and folders, in the order in which they were copied. */
	parts: z.array(ArchivePart).max(500),
	/** The images themselves, as `docker save` writes them, where they were asked for. */
	images: ArchivePart.nullable(),
	/** Everything secret of the project's files, encrypted; null = there was nothing, or no key to encrypt it with. */
	secrets: z.object({ path: z.literal("secrets.age"), bytes: Bytes, sha256: Sha256 }).nullable(),
	/** Something of the project's files was secret, so that they are not whole without `secrets`. */
	hasSecrets: z.boolean(),
	/** What containers mount that is not in here. `isLoss` = it may hold data. */
	leftOut: z.array(z.object({ what: z.string(), why: z.string(), isLoss: z.boolean() })).max(500),
});
export type StackContent = z.infer<typeof StackContent>;
