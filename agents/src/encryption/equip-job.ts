import { open } from "node:fs/promises";
import { join } from "node:path";
import { type KeyHolder, OperationError } from "@davit/protocol";
import { readManifest } from "../archives/read-manifest.ts";
import { errnoOf } from "../files/file-failure.ts";
import type { FileKeys, Seals } from "../files/job.ts";
import { sealedEnding } from "../files/write-content.ts";
import { makeSeal, openHeader } from "./age-header.ts";
import { headerIn, maximumHeaderBytes } from "./find-header.ts";
import type { Keyring } from "./keyring.ts";

/** What is done with the files of archives, as far as keys go. */
export type KeyedJob = {
	readonly kind: string;
	readonly archive?: string;
	/** What it compares; each may name an archive. */
	readonly wanted?: object;
	readonly before?: object;
	readonly after?: object;
};

/**
 * The same job with the keys that it needs: of the files it writes, or of the archive it reads. Identities stay here; a thread or a
 * container gets no more than the keys of the files in question.
 * @throws OperationError archive-locked | archive-corrupt | archive-not-found | archive-too-new | key-invalid
 */
export async function equipJob<Job extends KeyedJob>(job: Job, keyring: Keyring): Promise<Job> {
	if (job.kind === "pack") {
		const seals = await makeSeals(keyring);
		return seals === undefined ? job : { ...job, seals };
	}
	const sides: Record<string, object> = {};
	for (const side of ["wanted", "before", "after"] as const) {
		const named = job[side];
		if (named === undefined || !("archive" in named) || typeof named.archive !== "string") continue;
		sides[side] = { ...named, ...(await keysOf(named.archive, keyring)) };
	}
	return { ...job, ...(job.archive === undefined ? {} : await keysOf(job.archive, keyring)), ...sides };
}

/** How a new archive is to be encrypted; undefined where it is not. */
export async function makeSeals(keyring: Keyring): Promise<Seals | undefined> {
	const holders = await keyring.holders();
	if (holders === undefined) return undefined;
	const recipients = holders.map(({ recipient }) => recipient);
	// A key of its own for each file, as age wants it.
	return { content: await makeSeal(recipients), entries: await makeSeal(recipients), recipients: holders };
}

async function keysOf(archive: string, keyring: Keyring): Promise<{ fileKeys?: FileKeys }> {
	const { artefacts, recipients = [] } = await readManifest(archive);
	const sealed = artefacts.filter(({ path }) => path.endsWith(sealedEnding));
	if (sealed.length === 0) return {};
	const identities = await keyring.identities();
	const fileKeys: Record<string, string> = {};
	for (const { path } of sealed) {
		fileKeys[path] = await keyOf(join(archive, path), { identities, recipients });
	}
	return { fileKeys };
}

async function keyOf(
	file: string,
	{ identities, recipients }: { identities: readonly string[]; recipients: readonly KeyHolder[] },
): Promise<string> {
	const header = headerIn(await readStart(file));
	if (header === undefined) throw corrupt(file);
	const fileKey = await openHeader(header, identities).catch((error: unknown) => {
		throw corrupt(file, error);
	});
	if (fileKey !== undefined) return fileKey;
	throw new OperationError(
		"archive-locked",
		`${file} is encrypted for ${listHolders(recipients)}, and this host has none of these keys`,
	);
}

async function readStart(file: string): Promise<Buffer> {
	try {
		await using handle = await open(file);
		const { buffer, bytesRead } = await handle.read(
			Buffer.alloc(maximumHeaderBytes),
			0,
			maximumHeaderBytes,
			0,
		);
		return buffer.subarray(0, bytesRead);
	} catch (error) {
		if (errnoOf(error) !== "ENOENT") throw error;
		throw new OperationError("archive-corrupt", `the archive's ${file} cannot be read: it is missing`, {
			cause: error,
		});
	}
}

/** `host age1…, recovery age1…`: as `age-keygen -y KEYFILE` prints them. */
export function listHolders(holders: readonly KeyHolder[]): string {
	return holders.map(({ role, recipient }) => `${role} key ${recipient}`).join(" and ");
}

function corrupt(file: string, cause?: unknown): OperationError {
	return new OperationError(
		"archive-corrupt",
		`the archive's ${file} cannot be read: its age header is damaged`,
		{
			cause,
		},
	);
}
