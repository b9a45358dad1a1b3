import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type ArchiveId, ArchiveId as archiveId, OperationError } from "@davit/protocol";
import { makeFolder, writeDurably } from "../archives/write-durably.ts";
import { errnoOf } from "../files/file-failure.ts";
import type { Restic } from "./run-restic.ts";
import { forgetSnapshots, listSnapshots, tagOf } from "./snapshots.ts";

/**
 * Forgets every snapshot of an archive that is not to be. Where the repository cannot be reached that is written down, and done
 * before this host writes there again: nothing else is in the way of the undo, and no snapshot stays that nobody knows of.
 * @returns whether it was done
 */
export async function forgetArchive(
	restic: Restic,
	archive: ArchiveId,
	signal: AbortSignal,
): Promise<boolean> {
	try {
		const own = await listSnapshots(restic, { tag: tagOf.archive(archive), signal });
		await forgetSnapshots(
			restic,
			own.map(({ id }) => id),
			signal,
		);
		await rm(noteOf(restic, archive), { force: true });
		return true;
	} catch (error) {
		if (!(error instanceof OperationError)) throw error;
		await makeFolder(folderOf(restic));
		await writeDurably(noteOf(restic, archive), `${error.code}\n`);
		return false;
	}
}

/** Forgets what earlier undos could not. @throws OperationError of the repository */
export async function forgetOrphans(restic: Restic, signal: AbortSignal): Promise<readonly ArchiveId[]> {
	const orphans = (await notesIn(folderOf(restic))).map((name) => archiveId.parse(name));
	for (const orphan of orphans) {
		if (await forgetArchive(restic, orphan, signal)) continue;
		throw new OperationError(
			"repository-unreachable",
			`a snapshot of archive ${orphan}, which was given up, is still in repository ${restic.repository.name}`,
		);
	}
	return orphans;
}

/** Whether an undo gave the archive up and could not yet forget its snapshot. */
export function isGivenUp(restic: Restic, archive: ArchiveId): boolean {
	return existsSync(noteOf(restic, archive));
}

async function notesIn(folder: string): Promise<string[]> {
	try {
		return (await readdir(folder)).filter((name) => archiveId.safeParse(name).success);
	} catch (error) {
		if (errnoOf(error) === "ENOENT") return [];
		throw error;
	}
}

function folderOf({ home, repository }: Restic): string {
	return join(home, "agent", "orphans", repository.name);
}

function noteOf(restic: Restic, archive: ArchiveId): string {
	return join(folderOf(restic), archive);
}
