import { v7 } from "uuid";
import { z } from "zod";

/** A host's name: topic level, MQTT user and client id. Lower case, digits and hyphens, 1 to 48 characters. */
export const HostName = z
	.string()
	.regex(
		/^[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?$/,
		"a host name has 1 to 48 of a-z, 0-9 and -, not at its ends",
	)
	.brand<"HostName">();
export type HostName = z.infer<typeof HostName>;

/** A site's name (one fleet); the same alphabet as a host's. */
export const SiteName = z
	.string()
	.regex(
		/^[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?$/,
		"a site name has 1 to 48 of a-z, 0-9 and -, not at its ends",
	)
	.brand<"SiteName">();
export type SiteName = z.infer<typeof SiteName>;

/** Who asks: `home-assistant`, `page`, `cli`, `schedule`, or an account's name. */
export const PrincipalName = z
	.string()
	.regex(
		/^[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?$/,
		"a principal has 1 to 48 of a-z, 0-9 and -, not at its ends",
	)
	.brand<"PrincipalName">();
export type PrincipalName = z.infer<typeof PrincipalName>;

/** A Docker volume's name, by Docker's own rule, at most 255 bytes. */
export const VolumeName = z
	.string()
	.max(255)
	.regex(
		/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/,
		"a volume name starts with a letter or digit and has only letters, digits, _ . and -",
	)
	.brand<"VolumeName">();
export type VolumeName = z.infer<typeof VolumeName>;

/** A Compose project's name, by Compose's own rule. */
export const ProjectName = z
	.string()
	.max(255)
	.regex(
		/^[a-z0-9][a-z0-9_-]*$/,
		"a Compose project's name starts with a-z or a digit and has only a-z, digits, _ and -",
	)
	.brand<"ProjectName">();
export type ProjectName = z.infer<typeof ProjectName>;

/** An absolute, normal path of a configured folder: no `..`, no `//`, no control characters, no trailing slash. */
export const FolderPath = z
	.string()
	.max(4096)
	.refine(isFolderPath, "a folder is an absolute path without .., //, control characters or a trailing slash")
	.brand<"FolderPath">();
export type FolderPath = z.infer<typeof FolderPath>;

/** Version 7 UUID, ordered by time; names a command, a request, a report's operation. */
export const CommandId = z.uuidv7().brand<"CommandId">();
export type CommandId = z.infer<typeof CommandId>;

export const RequestId = z.uuidv7().brand<"RequestId">();
export type RequestId = z.infer<typeof RequestId>;

/** One execution as a person names it: `r` and eight of a-z and 2-7. */
export const RunId = z
	.string()
	.regex(/^r[a-z2-7]{8}$/, "a run's id is r and eight of a-z, 2-7")
	.brand<"RunId">();
export type RunId = z.infer<typeof RunId>;

/** A plan's id: `p` and eight of a-z and 2-7. */
export const PlanId = z
	.string()
	.regex(/^p[a-z2-7]{8}$/, "a plan's id is p and eight of a-z, 2-7")
	.brand<"PlanId">();
export type PlanId = z.infer<typeof PlanId>;

/** An archive's id: ten hexadecimal digits, derived from the command that took it. */
export const ArchiveId = z
	.string()
	.regex(/^[0-9a-f]{10}$/, "an archive's id is ten hexadecimal digits")
	.brand<"ArchiveId">();
export type ArchiveId = z.infer<typeof ArchiveId>;

/** How a host's configuration calls a restic repository; the same name means the same repository on every host of the site. */
export const RepositoryName = z
	.string()
	.max(40)
	.regex(/^[a-z0-9][a-z0-9-]*$/, "a repository's name is of a-z, 0-9 and -, at most 40 characters")
	.brand<"RepositoryName">();
export type RepositoryName = z.infer<typeof RepositoryName>;

/** SHA-256 as 64 lower-case hexadecimal digits. */
export const Sha256 = z
	.string()
	.regex(/^[0-9a-f]{64}$/)
	.brand<"Sha256">();
export type Sha256 = z.infer<typeof Sha256>;

/** A count of bytes. */
export const Bytes = z.int().nonnegative().brand<"Bytes">();
export type Bytes = z.infer<typeof Bytes>;

/** ISO 8601 in UTC with milliseconds, as `Date.toISOString` writes it. */
export const Instant = z.iso.datetime({ precision: 3 }).brand<"Instant">();
export type Instant = z.infer<typeof Instant>;

/** A new id, ordered by time. */
export function newId(): CommandId {
	return CommandId.parse(v7());
}

/** The instant of a clock reading in milliseconds since 1970. */
export function instantOf(epochMs: number): Instant {
	return Instant.parse(new Date(epochMs).toISOString());
}

function isFolderPath(path: string): boolean {
	if (!path.startsWith("/") || path === "/" || path.endsWith("/")) return false;
	if (/\p{Cc}/u.test(path)) return false;
	return path
		.slice(1)
		.split("/")
		.every((part) => part !== "" && part !== "." && part !== "..");
}
