import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { OperationError } from "@davit/protocol";
import { z } from "zod";
import type { FileProgress } from "../files/job.ts";
import type { RawPath } from "../files/raw-path.ts";
import { runPastDeadLocks } from "./dead-locks.ts";
import { describeExit, incompleteCode } from "./judge-exit.ts";
import type { Restic, ResticAnswer } from "./run-restic.ts";
import { stallOf } from "./snapshots.ts";

export interface Storing {
	/** The tree's folder and the one with its manifest; both become part of one snapshot, under these names. */
	readonly folders: readonly [tree: string, described: string];
	readonly host: string;
	readonly tags: readonly string[];
	/** Raw paths below the tree's folder that are left out. */
	readonly without: readonly RawPath[];
	/** A folder for what the call needs meanwhile. */
	readonly scratch: string;
	readonly signal: AbortSignal;
	readonly onProgress: (progress: FileProgress) => void;
}

export interface Stored {
	readonly snapshot: string;
	/** What the repository grew by. */
	readonly addedBytes: number;
	/** Of what could not be read, what restic said; not empty = the snapshot lacks something. */
	readonly unread: readonly string[];
}

const Summary = z.object({
	snapshot_id: z.string().regex(/^[0-9a-f]{64}$/),
	data_added_packed: z.number().optional(),
	data_added: z.number(),
});
const Status = z.object({ bytes_done: z.number().default(0), total_bytes: z.number().default(0) });

/**
 * Writes the tree and its description as one snapshot. restic writes the snapshot last, so a call that ends early leaves none.
 * @throws OperationError of the repository; restic-failed where no snapshot was told
 */
export async function storeTree(restic: Restic, storing: Storing): Promise<Stored> {
	const { folders, host, tags, signal, onProgress } = storing;
	let summary: z.infer<typeof Summary> | undefined;
	const answer = await runPastDeadLocks(restic, {
		arguments: [
			...["backup", "--host", host, "--exclude-file", await writeExcludes(storing)],
			...tags.flatMap((tag) => ["--tag", tag]),
			...["--", ...folders],
		],
		...{ signal, silenceMs: stallOf(restic) },
		onLine: (line) => {
			if (line["message_type"] === "summary") summary = Summary.parse(line);
			const status = line["message_type"] === "status" ? Status.safeParse(line) : undefined;
			if (status?.success === true) {
				onProgress({ bytes: status.data.bytes_done, totalBytes: status.data.total_bytes });
			}
		},
	});
	if (answer.code !== 0 && answer.code !== incompleteCode) throw failureOf(answer, restic);
	if (summary === undefined) throw failureOf({ ...answer, code: -1 }, restic);
	return {
		snapshot: summary.snapshot_id,
		addedBytes: Math.round(summary.data_added_packed ?? summary.data_added),
		unread: answer.code === 0 ? [] : [...answer.complaints, "restic left something out"],
	};
}

function failureOf(answer: ResticAnswer, { repository }: Restic): OperationError {
	return describeExit(answer, { repository: repository.name, doing: "backup" });
}

/** A pattern of restic's matches itself literally where its special characters are escaped; a line cannot hold a line's end. */
async function writeExcludes({ without, folders, scratch }: Storing): Promise<string> {
	const [tree] = folders;
	const lines = without.map((path) => {
		if (/[\r\n]/.test(path) || path !== path.trim()) {
			throw new OperationError(
				"source-changed",
				"a file whose name holds a line's end changed while it was read",
			);
		}
		return Buffer.concat([Buffer.from(literal(`${tree}/`)), Buffer.from(`${literal(path)}\n`, "latin1")]);
	});
	const file = join(scratch, "excludes");
	await writeFile(file, Buffer.concat(lines), { mode: 0o600 });
	return file;
}

function literal(path: string): string {
	// A dollar sign would begin a variable's name.
	return path.replaceAll(/[*?[\\]/g, "\\$&").replaceAll("$", "$$$$");
}
