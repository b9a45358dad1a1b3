import { type ArchiveId, OperationError } from "@davit/protocol";
import { z } from "zod";
import { runPastDeadLocks } from "./dead-locks.ts";
import { describeExit } from "./judge-exit.ts";
import { type Restic, requireSuccess } from "./run-restic.ts";

const Snapshot = z.object({
	id: z.string().regex(/^[0-9a-f]{64}$/),
	time: z.string(),
	hostname: z.string(),
	paths: z.array(z.string()),
	tags: z.array(z.string()).nullish(),
});
export type Snapshot = z.infer<typeof Snapshot>;

/** The tags that a snapshot of Davit's has. */
export const tagOf = {
	archive: (archive: ArchiveId) => `davit.archive=${archive}`,
	/** The command that wrote it: later ones have later ids, so it is the token of the lease (ADR 0058). */
	fence: (command: string) => `davit.fence=${command}`,
	run: (run: string) => `davit.run=${run}`,
	resource: (key: string) => `davit.resource=${key}`,
} as const;

/** Snapshots that have a tag; all where none is named. */
export async function listSnapshots(
	restic: Restic,
	{ tag, signal }: { readonly tag?: string; readonly signal: AbortSignal },
): Promise<readonly Snapshot[]> {
	const filter = tag === undefined ? [] : ["--tag", tag];
	const output = await requireSuccess(restic, {
		...{ arguments: ["snapshots", ...filter], signal, silenceMs: silenceOf(restic) },
	});
	return z.array(Snapshot).parse(parse(output, restic));
}

/** The newest command of the site that wrote into the repository. */
export function newestFence(snapshots: readonly Snapshot[]): string {
	const prefix = tagOf.fence("");
	const fences = snapshots.flatMap(({ tags }) => (tags ?? []).filter((tag) => tag.startsWith(prefix)));
	return (
		fences
			.map((tag) => tag.slice(prefix.length))
			.toSorted()
			.at(-1) ?? ""
	);
}

const RepositoryConfig = z.object({ id: z.string().regex(/^[0-9a-f]{64}$/), version: z.int() });

/**
 * The repository's own id; the first thing that is asked of one, for it shows that it is there, that the password fits and that no
 * other program keeps it for itself.
 * @throws OperationError repository-not-found | repository-locked | repository-refused | repository-unreachable | restic-failed
 */
export async function readRepositoryId(restic: Restic, signal: AbortSignal): Promise<string> {
	const answer = await runPastDeadLocks(restic, {
		...{ arguments: ["cat", "config"], signal, silenceMs: silenceOf(restic) },
	});
	if (answer.code !== 0) throw describeExit(answer, { repository: restic.repository.name, doing: "cat" });
	return RepositoryConfig.parse(parse(answer.output, restic)).id;
}

/** Removes exactly these snapshots; what only they held stays until `prune`. Harmless for one that is gone. */
export async function forgetSnapshots(
	restic: Restic,
	ids: readonly string[],
	signal: AbortSignal,
): Promise<void> {
	if (ids.length === 0) return;
	const answer = await runPastDeadLocks(restic, {
		...{ arguments: ["forget", ...ids], signal, silenceMs: stallOf(restic) },
	});
	if (answer.code !== 0) throw describeExit(answer, { repository: restic.repository.name, doing: "forget" });
}

export function silenceOf({ repository }: Restic): number {
	return repository.contactSeconds * 1000;
}

/** For a call that moves content; restic itself tries each request again for a quarter of an hour. */
export function stallOf({ repository }: Restic): number {
	return repository.stallSeconds * 1000;
}

function parse(output: string, { repository }: Restic): unknown {
	try {
		return JSON.parse(output);
	} catch (cause) {
		throw new OperationError(
			"restic-failed",
			`restic's answer about repository ${repository.name} is not JSON`,
			{
				cause,
			},
		);
	}
}
