import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Manifest } from "@davit/protocol";
import { z } from "zod";
import type { FileProgress } from "../files/job.ts";
import type { RawPath } from "../files/raw-path.ts";
import { syncTree } from "../files/sync-tree.ts";
import { describeExit } from "./judge-exit.ts";
import { type Restic, runRestic } from "./run-restic.ts";
import { stallOf } from "./snapshots.ts";

export interface Restoring {
	readonly snapshot: string;
	readonly manifest: Manifest;
	/** The tree's new folder; missing or empty. */
	readonly target: string;
	readonly signal: AbortSignal;
	readonly onProgress: (progress: FileProgress) => void;
}

const Status = z.object({ bytes_restored: z.number().default(0), total_bytes: z.number().default(0) });

/**
 * Writes a snapshot's tree as a new folder, durably. It is made beside the target first, for restic gives the folder that it is told
 * to restore into no owner, mode and time of its own.
 */
export async function restoreTree(restic: Restic, restoring: Restoring): Promise<void> {
	const { target, signal } = restoring;
	await rename(await restoreBeside(restic, restoring, everything), target);
	await removeBeside(target);
	await syncTree(target, signal);
}

/** What of a snapshot's tree is restored: by text as it is typed, or by raw paths, none of which holds a line's end or edges of space. */
export type Wanted = { readonly paths: readonly string[] } | { readonly raw: readonly RawPath[] };

const everything: Wanted = { paths: [] };

/**
 * Writes a part of a snapshot's tree beside the target; no paths = all of it. Entries keep their paths, and what leads to them is
 * made. The caller removes it with `removeBeside`.
 * @returns the folder that stands for the tree's root
 */
export async function restoreBeside(
	restic: Restic,
	{ snapshot, manifest, target, signal, onProgress }: Restoring,
	wanted: Wanted,
): Promise<string> {
	const folder = manifest.repository?.folder ?? "";
	const beside = besideOf(target);
	await rm(beside, { recursive: true, force: true });
	await mkdir(beside, { mode: 0o700 });
	const answer = await runRestic(restic, {
		arguments: [
			...["restore", `${snapshot}:${dirname(folder)}`, "--target", beside, "--sparse"],
			...(await includes(wanted, `/${literal(basename(folder))}`, beside)),
		],
		...{ signal, lockWaitSeconds: restic.repository.lockSeconds, silenceMs: stallOf(restic) },
		onLine: (line) => {
			const status = line["message_type"] === "status" ? Status.safeParse(line) : undefined;
			if (status?.success === true) {
				onProgress({ bytes: status.data.bytes_restored, totalBytes: status.data.total_bytes });
			}
		},
	});
	if (answer.code !== 0) throw describeExit(answer, { repository: restic.repository.name, doing: "restore" });
	return join(beside, basename(folder));
}

async function includes(wanted: Wanted, root: string, beside: string): Promise<string[]> {
	if ("paths" in wanted) {
		const paths = wanted.paths.length === 0 ? [root] : wanted.paths.map((path) => `${root}/${literal(path)}`);
		return paths.flatMap((path) => ["--include", path]);
	}
	// In a file a dollar sign would begin a variable's name.
	const begin = Buffer.from(`${root}/`.replaceAll("$", "$$$$"));
	const lines = wanted.raw.map((path) =>
		Buffer.concat([begin, Buffer.from(`${literal(path).replaceAll("$", "$$$$")}\n`, "latin1")]),
	);
	const file = join(beside, ".davit-include");
	await writeFile(file, Buffer.concat(lines), { mode: 0o600 });
	return ["--include-file", file];
}

/** What an interrupted restore left beside its target. */
export async function removeBeside(target: string): Promise<void> {
	await rm(besideOf(target), { recursive: true, force: true });
}

function besideOf(target: string): string {
	return join(dirname(target), `.davit-restic-${basename(target).replace(/^\./, "")}`);
}

function literal(name: string): string {
	return name.replaceAll(/[*?[\\]/g, "\\$&");
}
