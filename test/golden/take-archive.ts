import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { openArchives } from "@davit/agents/archives/archives.ts";
import { openKeyring } from "@davit/agents/encryption/keyring.ts";
import { manifestFor } from "@davit/agents/files/plant-archive.ts";
import { runFileJob } from "@davit/agents/files/run-job.ts";
import { Instant, newId, ResourceId } from "@davit/protocol";

export const goldenResource = ResourceId.parse("volume:grafana");

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
export async function takeArchive({ root, home, signal, recovery }: Taking): Promise<string> {
	const { privateKey, publicKey: key } = generateKeyPairSync("ed25519");
	const publicKey = key.export({ type: "spki", format: "der" }).toString("base64");
	const quiet = () => undefined;
	const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
	const keyring = openKeyring(home);
	if (recovery !== undefined) await keyring.trust([recovery]);
	const archives = await openArchives({
		...{ path: join(home, "archives"), privateKey, publicKey, keyring, log, now: Date.now },
	});
	const command = newId();
	const archive = archives.archiveOf(command);
	const directory = await archives.begin(goldenResource, archive, Instant.parse("2026-11-22T02:14:00.000Z"));
	const packed = await runFileJob(await archives.equip({ kind: "pack", root, directory } as const), {
		signal,
	});
	return archives.commit(manifestFor(packed, { command, publicKey }), directory);
}
