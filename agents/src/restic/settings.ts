import { isAbsolute, normalize } from "node:path";
import { RepositoryName } from "@davit/protocol";
import { z } from "zod";

const AbsolutePath = z
	.string()
	.max(4096)
	.refine((path) => isAbsolute(path) && normalize(path) === path, "write an absolute path without . or ..");

/** As restic has it: `/mnt/disk`, `sftp:user@host:/path`, `rest:https://host/`, `s3:https://host/bucket`. */
const RepositoryUrl = z
	.string()
	.max(2000)
	.regex(
		/^(?:\/|local:\/|(?:sftp|rest|s3|b2|azure|gs|swift|rclone):).+$/,
		"write a path or an address as restic has it",
	)
	.refine(
		(url) => !/\/\/[^/@]*:[^/@]*@/.test(url),
		"leave the password out; give it as RESTIC_REST_PASSWORD in environmentFiles",
	);

/** A restic repository that a host may write archives into. */
export const RepositorySettings = z.strictObject({
	name: RepositoryName,
	url: RepositoryUrl,
	/** Holds the repository's password; only the agent's user may read it. */
	passwordFile: AbsolutePath,
	/** Files that hold what restic takes from its environment, as `AWS_SECRET_ACCESS_KEY`. */
	environmentFiles: z
		.record(z.string().regex(/^(?:AWS|B2|AZURE|GOOGLE|OS|ST|RCLONE|RESTIC_REST)_[A-Z0-9_]+$/), AbsolutePath)
		.default({}),
	/** The command that speaks SFTP on its standard input and output, in the place of `ssh`. */
	sftpCommand: z.string().min(1).max(1000).optional(),
	/** Arguments that `ssh` gets besides. */
	sftpArguments: z.string().min(1).max(1000).optional(),
	/** PEM file of an authority to trust beside the system's own. */
	certificateAuthorityFile: AbsolutePath.optional(),
	/** Seconds that another program's lock is waited for. */
	lockSeconds: z.int().min(0).max(3600).default(120),
	/** Into how many parts its content is divided for checks, each of which reads one. */
	checkParts: z.int().min(1).max(1000).default(10),
	/** Seconds that its server may stay silent before it counts as unreachable. */
	contactSeconds: z.int().min(1).max(3600).default(30),
	/** Seconds without any progress after which a call that is under way counts as lost. */
	stallSeconds: z.int().min(1).max(86_400).default(600),
});
export type RepositorySettings = z.infer<typeof RepositorySettings>;
