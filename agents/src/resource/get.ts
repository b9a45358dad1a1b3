import type { Stats } from "node:fs";
import { lstat, mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Bytes, type GetResult, instantOf, type Manifest, resourceOf, Sha256 } from "@davit/protocol";
import { freeBytesAt } from "../files/file-failure.ts";
import type { ComposedTree } from "../files/job.ts";
import { runFileJob } from "../files/run-job.ts";
import type { OperationContext, Reading } from "../operation.ts";
import { removeBeside } from "../restic/restore-tree.ts";
import { lackOfSpace } from "./check-space.ts";
import { requireOwnArchive } from "./require-own-archive.ts";
import { type MakeJob, restoreFromRepository } from "./restore-from-repository.ts";
import { showProgress } from "./show-progress.ts";

/** How long what was taken out is left for whoever wanted it. */
const keptMs = 24 * 3_600_000;
const folderName = "got";

/**
 * Puts one file or folder of an archive into a folder of the agent's own. Nothing of its resource is touched, and the bytes go
 * nowhere else: who wants them comes and takes them on this host.
 */
export const get: Reading<"volume.get" | "path.get"> = {
	async read(params, context, signal) {
		const { archive, inner } = params;
		const { folder, manifest } = await requireOwnArchive(archive, resourceOf(params), context.archives);
		const home = join(context.config.home, folderName);
		await forgetOld(home, context.now());
		const wanted = { archive: folder, choice: { paths: [inner] } };
		const { wantedBytes } = await runFileJob({ kind: "compare", wanted }, { signal });
		requireRoom(home, wantedBytes, context);
		const target = join(home, context.command);
		try {
			const onProgress = showProgress("get", context);
			const job = { kind: "compose", target, ...wanted } as const;
			const made =
				manifest.repository === undefined
					? await runFileJob(job, { signal, onProgress })
					: await getStored(manifest, job, { context, signal, onProgress });
			const file = join(target, inner);
			const seen = await lstat(file);
			const { entries, contentBytes } = seen.isDirectory()
				? await runFileJob({ kind: "measure", root: file }, { signal })
				: { entries: 1, contentBytes: seen.size };
			const digest = seen.isFile() ? made.sha256 : undefined;
			const result: GetResult = {
				...{ archive, path: inner, file, type: typeOf(seen) },
				...{ bytes: Bytes.parse(contentBytes), entries },
				...(digest === undefined ? {} : { sha256: Sha256.parse(digest) }),
				readBytes: Bytes.parse(made.storedBytes),
				losses: made.losses.slice(0, 50),
				keptUntil: instantOf(context.now() + keptMs),
			};
			return { state: made.losses.length === 0 ? "succeeded" : "partial", result };
		} catch (error) {
			await removeBeside(target);
			await rm(target, { recursive: true, force: true });
			throw error;
		}
	},
};

/** Content that comes out of a repository has no stored bytes of its own: what was read is what it holds. */
async function getStored(
	manifest: Manifest,
	job: MakeJob,
	watching: Parameters<typeof restoreFromRepository>[2],
): Promise<ComposedTree> {
	const made = await restoreFromRepository({ manifest, dataPath: "host-path" }, job, watching);
	const measured = { kind: "measure", root: job.target } as const;
	const { contentBytes } = await runFileJob(measured, { signal: watching.signal });
	return { ...made, storedBytes: contentBytes };
}

/** Makes the folder; what was taken out more than a day ago goes. */
async function forgetOld(home: string, nowMs: number): Promise<void> {
	await mkdir(home, { recursive: true, mode: 0o700 });
	for (const name of await readdir(home)) {
		const path = join(home, name);
		const { ctimeMs } = await stat(path);
		if (nowMs - ctimeMs > keptMs) await rm(path, { recursive: true, force: true });
	}
}

function requireRoom(home: string, needBytes: number, { config }: OperationContext): void {
	const lack = lackOfSpace({
		...{ what: "what is taken out of the archive", path: home, needBytes },
		...{ freeBytes: freeBytesAt(home), reserveBytes: config.minimumFreeBytes },
	});
	if (lack !== undefined) throw lack;
}

function typeOf(seen: Stats): string {
	if (seen.isFile()) return "file";
	if (seen.isDirectory()) return "directory";
	return seen.isSymbolicLink() ? "symlink" : "special";
}
