import { generateKeyPairSync } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Archives, openArchives } from "@davit/agents/archives/archives.ts";
import { openKeyring } from "@davit/agents/encryption/keyring.ts";
import { manifestFor } from "@davit/agents/files/plant-archive.ts";
import { runFileJob } from "@davit/agents/files/run-job.ts";
import { Instant, Manifest, newId, ResourceId } from "@davit/protocol";

export const goldenResource = ResourceId.parse("volume:grafana");
const takenAt = Instant.parse("2026-11-22T02:14:00.000Z");

interface Taking {
	/** Of what is archived. */
	readonly root: string;
	/** Of an agent; the archive is made in its `archives`. */
	readonly home: string;
	readonly signal: AbortSignal;
	/** An age recipient beside the host's; without it the archive is plain. */
	readonly recovery?: string;
}

/** An archive as an agent of today makes it, and its folder. */
export async function takeArchive(taking: Taking): Promise<string> {
	const { archives, pack } = await openTaker(taking);
	const command = newId();
	const directory = await archives.begin(goldenResource, archives.archiveOf(command), takenAt);
	const packed = await pack(taking.root, directory);
	return archives.commit(manifestFor(packed, { command, publicKey: archives.publicKey }), directory);
}

/** The archive of a stack: the project's files, with the archive of one volume in it. Both folders. */
export async function takeStack({ volume, ...taking }: Taking & { readonly volume: string }) {
	const { archives, pack } = await openTaker(taking);
	const { publicKey } = archives;
	const command = newId();
	const resource = ResourceId.parse("stack:home");
	const directory = await archives.begin(resource, archives.archiveOf(command), takenAt);
	const tree = await pack(taking.root, directory);
	const part = "parts/volume-grafana";
	mkdirSync(join(directory, part), { recursive: true });
	const packed = await pack(volume, join(directory, part));
	const made = await archives.commitPart(manifestFor(packed, { publicKey }), { folder: directory, part });
	const content = {
		project: "home",
		parts: [made],
		images: null,
		secrets: null,
		hasSecrets: false,
		leftOut: [],
	};
	const manifest = { ...manifestFor(tree, { command, publicKey }), resource, stack: content };
	const folder = await archives.commit(Manifest.parse(manifest), directory);
	await archives.verify(archives.archiveOf(command), { signal: taking.signal });
	return { folder, part: join(folder, part) };
}

async function openTaker({ home, signal, recovery }: Taking) {
	const { privateKey, publicKey: key } = generateKeyPairSync("ed25519");
	const publicKey = key.export({ type: "spki", format: "der" }).toString("base64");
	const quiet = () => undefined;
	const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
	const keyring = openKeyring(home);
	if (recovery !== undefined) await keyring.trust([recovery]);
	const archives: Archives = await openArchives({
		...{ path: join(home, "archives"), privateKey, publicKey, keyring, log, now: Date.now },
	});
	const pack = async (root: string, directory: string) =>
		runFileJob(await archives.equip({ kind: "pack", root, directory } as const), { signal });
	return { archives, pack };
}
