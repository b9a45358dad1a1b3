import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { OperationError, ProjectName } from "@davit/protocol";
import { z } from "zod";
import type { FoundArchive } from "../archives/archives.ts";
import { openKeyring } from "../encryption/keyring.ts";
import type { OperationContext } from "../operation.ts";
import { reachOf } from "../resource/reach-place.ts";
import { filesFolder, plantFile } from "./gather-project.ts";
import { openSecrets } from "./seal-secrets.ts";

/** As `gather-project` wrote it from what the engine said. */
export const StackNetwork = z.object({
	...{
		name: z.string(),
		driver: z.string(),
		isIPv6: z.boolean(),
		isInternal: z.boolean(),
		isAttachable: z.boolean(),
	},
	...{ labels: z.record(z.string(), z.string()), options: z.record(z.string(), z.string()) },
	addressing: z.object({
		driver: z.string(),
		options: z.record(z.string(), z.string()),
		pools: z.array(
			z.object({
				...{ subnet: z.string().optional(), gateway: z.string().optional(), range: z.string().optional() },
				reserved: z.record(z.string(), z.string()).optional(),
			}),
		),
	}),
});
const StackImage = z.object({
	...{
		name: z.string(),
		id: z.string(),
		tags: z.array(z.string()),
		digests: z.array(z.string()),
		bytes: z.int(),
	},
});
const Project = z.object({
	...{ project: ProjectName, folder: z.string() },
	...{ configFiles: z.array(z.string()), environmentFiles: z.array(z.string()) },
});

/** What an archive says of a project; its files lie below `files`. */
export type ReadProject = z.infer<typeof Project> & {
	readonly networks: z.infer<typeof StackNetwork>[];
	readonly images: z.infer<typeof StackImage>[];
	/** Absolute, as they are put back. */
	readonly paths: readonly string[];
};

/**
 * Unpacks a project's own files into an empty folder, the secret ones with them.
 * @throws OperationError stack-secrets-sealed | archive-corrupt
 */
export async function readProject(
	{ folder, manifest }: FoundArchive,
	context: OperationContext,
	{ into, signal }: { readonly into: string; readonly signal: AbortSignal },
): Promise<ReadProject> {
	const { stack, resource, archive } = manifest;
	if (stack === undefined)
		throw new OperationError("archive-corrupt", `archive ${archive} says nothing of a stack`);
	await rm(into, { recursive: true, force: true });
	await mkdir(join(into, ".."), { recursive: true, mode: 0o700 });
	const place = { resource, folder: into, exists: true };
	const reach = reachOf({ place, dataPath: "host-path" }, context);
	await reach.do({ kind: "unpack", archive: folder, target: into }, { signal });
	if (stack.hasSecrets) {
		if (stack.secrets === null) {
			throw new OperationError(
				"stack-secrets-sealed",
				`the secrets of archive ${archive} were left out of it: there was no key`,
				{
					hint: "unpack its parts by hand: RESTORE.md in each part's folder says how",
				},
			);
		}
		const { files } = await openSecrets(folder, await openKeyring(context.config.home).identities());
		for (const { content, ...file } of files) {
			await plantFile({ ...file, content: Buffer.from(content, "base64") }, join(into, filesFolder));
		}
	}
	const read = async (name: string): Promise<unknown> => JSON.parse(await readFile(join(into, name), "utf8"));
	return {
		...Project.parse(await read("project.json")),
		networks: z.array(StackNetwork).parse(await read("networks.json")),
		images: z.array(StackImage).parse(await read("images.json")),
		paths: await listFiles(join(into, filesFolder)),
	};
}

/** Of every file below a folder, its path as if that folder were the root. */
export async function listFiles(below: string): Promise<string[]> {
	const isThere = await stat(below).then(
		() => true,
		// A project of which every file is missing has none.
		() => false,
	);
	if (!isThere) return [];
	const entries = await readdir(below, { recursive: true, withFileTypes: true });
	return entries
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath, entry.name).slice(below.length))
		.sort();
}
