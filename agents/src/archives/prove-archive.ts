import { type CommandId, instantOf, type Manifest, OperationError } from "@davit/protocol";
import { equipJob } from "../encryption/equip-job.ts";
import type { Keyring } from "../encryption/keyring.ts";
import type { Sample, SampledContent } from "../files/job.ts";
import { runFileJob } from "../files/run-job.ts";
import type { ArchivesOptions, ReadContent, ReadSample, Verification, Watching } from "./archives.ts";
import { verifyParts } from "./hold-parts.ts";
import { checkStored, checkSums, corrupt, inspectPlaced, storedBytes } from "./inspect-archive.ts";
import type { ArchiveFolder } from "./name-folders.ts";
import { manifestSumOf } from "./read-manifest.ts";
import { type ArchiveProof, readProof, recordProof } from "./record-proof.ts";

/** Reads all of an archive and records what came of it. */
export async function verifyArchive(
	folder: ArchiveFolder,
	{ signal, onProgress }: Watching,
	options: ArchivesOptions & { readonly readContent?: ReadContent | undefined },
): Promise<Verification> {
	const { manifest, summary } = await inspectPlaced(folder);
	const { manifestSha256 } = summary;
	return recordingDamage(folder, options, async () => {
		await checkSums(folder, manifest);
		const context = { signal, ...(onProgress === undefined ? {} : { onProgress }) };
		const { runJob = runFileJob } = options;
		const { entries, bytes } =
			options.readContent === undefined
				? await runJob(await openForVerifying(folder, manifest, options.keyring), context)
				: await options.readContent({ folder: folder.path, manifest });
		await verifyParts(folder, manifest, {
			signal,
			open: (part, inner) => openForVerifying(part, inner, options.keyring),
		});
		const verifiedAt = instantOf(options.now());
		await recordProof(folder.path, {
			manifestSha256,
			verifiedAt,
			...(await drillOf(folder, manifestSha256)),
		});
		return { bytes: options.readContent === undefined ? storedBytes(manifest) : bytes, entries, verifiedAt };
	});
}

/** Reads a part of an archive: what it finds is recorded, that it found nothing is not. */
export async function sampleArchive<Sampled extends Awaited<ReturnType<ReadContent>>>(
	folder: ArchiveFolder,
	{ sample, signal, onProgress }: Watching & { readonly sample: Sample },
	options: ArchivesOptions & { readonly readSample?: ReadSample<Sampled> | undefined },
): Promise<SampledContent | Sampled> {
	const { manifest } = await inspectPlaced(folder);
	return recordingDamage<SampledContent | Sampled>(folder, options, async () => {
		await checkSums(folder, manifest);
		if (options.readSample !== undefined) return options.readSample({ folder: folder.path, manifest });
		const opened = await openForVerifying(folder, manifest, options.keyring);
		const context = { signal, ...(onProgress === undefined ? {} : { onProgress }) };
		const { runJob = runFileJob } = options;
		return runJob({ ...opened, kind: "sample", sample }, context);
	});
}

async function recordingDamage<Result>(
	folder: ArchiveFolder,
	options: ArchivesOptions,
	work: () => Promise<Result>,
): Promise<Result> {
	try {
		return await work();
	} catch (error) {
		if (!(error instanceof OperationError) || error.code !== "archive-corrupt") throw error;
		await recordDamage(folder, error.message, options);
		throw corrupt(folder, error.message, error);
	}
}

/** Without a key only what is stored can be compared; that proves nothing of what it holds. */
async function openForVerifying(folder: ArchiveFolder, manifest: Manifest, keyring: Keyring | undefined) {
	const job = { kind: "verify", archive: folder.path } as const;
	if (keyring === undefined) return job;
	try {
		return await equipJob(job, keyring);
	} catch (error) {
		if (!(error instanceof OperationError) || error.code !== "archive-locked") throw error;
		await checkStored(folder, manifest);
		const message = `archive ${folder.archive} is stored as it was written, but ${error.message}`;
		throw new OperationError("archive-locked", message, { cause: error });
	}
}

/** A drill reads every byte too, so it verifies. */
export async function recordDrill(
	folder: ArchiveFolder,
	drill: NonNullable<ArchiveProof["drill"]>,
): Promise<void> {
	const manifestSha256 = await manifestSumOf(folder.path);
	await recordProof(folder.path, { manifestSha256, verifiedAt: drill.at, drill });
}

/** Takes back every proof there was. */
export async function recordDamage(
	folder: ArchiveFolder,
	reason: string,
	{ now }: Pick<ArchivesOptions, "now">,
): Promise<void> {
	const manifestSha256 = await manifestSumOf(folder.path);
	await recordProof(folder.path, { manifestSha256, damagedAt: instantOf(now()), reason });
}

/** The command of the newest drill that the archive passed. */
export async function drilledBy(folder: ArchiveFolder): Promise<CommandId | undefined> {
	return (await readProof(folder.path, await manifestSumOf(folder.path)))?.drill?.command;
}

/** A verification does not take back that it could be restored. */
async function drillOf(folder: ArchiveFolder, manifestSha256: string): Promise<Pick<ArchiveProof, "drill">> {
	const drill = (await readProof(folder.path, manifestSha256))?.drill;
	return drill === undefined ? {} : { drill };
}
