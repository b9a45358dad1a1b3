import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { ArchiveId, Instant, Manifest, RepositoryName, ResourceId } from "@davit/protocol";
import { resourceKey } from "@davit/protocol";
import { fileFailure } from "../files/file-failure.ts";
import type { ArchivesOptions } from "./archives.ts";
import { commitSteps } from "./commit-archive.ts";
import { type KeepRecords, withSequence } from "./keep-records.ts";
import { folderName } from "./name-folders.ts";
import { makeFolder, renameDurably } from "./write-durably.ts";

/** Of an archive that is staged: what names its folder. */
export interface Adopted {
	readonly resource: ResourceId;
	readonly archive: ArchiveId;
	readonly takenAt: Instant;
}

/** Archives whose content goes into a repository, until the repository has it. */
export interface Staging {
	/** Where an archive is described whose content goes into a repository: each time the same folder, so that restic knows it again. */
	stagingOf(resource: ResourceId, repository: RepositoryName): string;
	/** Makes that folder anew, empty. */
	stage(resource: ResourceId, repository: RepositoryName): Promise<string>;
	/** Writes all of an archive but its content into a staging folder. */
	describe(manifest: Manifest, staging: string): Promise<void>;
	/** Makes a staging folder an archive. May be called again after a crash. */
	adopt(staging: string, archive: Adopted): Promise<void>;
}

export function stagingIn(
	path: string,
	options: ArchivesOptions & { readonly records: KeepRecords },
): Staging {
	const folderOf = (resource: ResourceId) => join(path, resourceKey(resource));
	const stagingOf = (resource: ResourceId, repository: RepositoryName) =>
		join(folderOf(resource), `.staging-${repository}`);
	return {
		stagingOf,
		async stage(resource, repository) {
			const staging = stagingOf(resource, repository);
			await rm(staging, { recursive: true, force: true });
			await makeFolder(staging);
			return staging;
		},
		describe: (manifest, staging) => describeArchive(manifest, staging, options),
		async adopt(staging, { resource, archive, takenAt }) {
			const final = join(folderOf(resource), folderName(archive, takenAt));
			await options.records.change(resource, (keeping) => withSequence(keeping, archive));
			await renameDurably(staging, final);
		},
	};
}

/** All of the writes that make an archive but the last. */
async function describeArchive(
	manifest: Manifest,
	staging: string,
	{ privateKey }: ArchivesOptions,
): Promise<void> {
	try {
		for (const step of commitSteps({ manifest, partial: staging, final: "", privateKey })) {
			if (step.name !== "rename") await step.run();
		}
	} catch (error) {
		throw fileFailure(error, { doing: `describing archive ${manifest.archive}`, path: staging });
	}
}
