import { generateKeyPairSync } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Archives, openArchives } from "@davit/agents/archives/archives.ts";
import { makeIdentity, recipientOf } from "@davit/agents/encryption/age-header.ts";
import { openKeyring } from "@davit/agents/encryption/keyring.ts";
import type { FileContext, FileJob } from "@davit/agents/files/job.ts";
import { packTree } from "@davit/agents/files/pack-tree.ts";
import { manifestFor } from "@davit/agents/files/plant-archive.ts";
import { runFileJob } from "@davit/agents/files/run-job.ts";
import { Instant, newId } from "@davit/protocol";
import { plantRestless, plantVolume } from "./plant-trees.ts";
import { portrayTree } from "./portray-tree.ts";
import { goldenResource } from "./take-archive.ts";

// node test/golden/main.ts FOLDER: makes the golden archives of the format that this very Davit writes. Done once for each version
// of the format, as root, with the code of that day; what it made is never made again. `golden.test.ts` restores them for ever.

const signal = AbortSignal.timeout(60_000);
const quiet = () => undefined;

async function main(folder: string): Promise<void> {
	const scratch = mkdtempSync(join(tmpdir(), "davit-golden-"));
	using _scratch = { [Symbol.dispose]: () => rmSync(scratch, { recursive: true }) };
	mkdirSync(folder, { recursive: true });
	if (readdirSync(folder).length > 0) throw new Error(`${folder} holds golden archives already`);
	// The private half is thrown away: nobody can ever sign another.
	const { privateKey, publicKey: key } = generateKeyPairSync("ed25519");
	const publicKey = key.export({ type: "spki", format: "der" }).toString("base64");
	const path = join(scratch, "archives");
	const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
	const keyring = openKeyring(scratch);
	const archives = await openArchives({ path, privateKey, publicKey, keyring, log, now: Date.now });

	const volume = join(scratch, "volume");
	plantVolume(volume);
	await take(archives, { root: volume, takenAt: "2026-11-28T16:00:00.000Z", publicKey });

	const restless = join(scratch, "restless");
	const { disturb } = plantRestless(restless);
	await take(archives, { root: restless, takenAt: "2026-11-28T17:00:00.000Z", publicKey, disturb });

	const identity = await makeIdentity();
	await keyring.trust([await recipientOf(identity, "a golden archive")]);
	await take(archives, { root: volume, takenAt: "2026-11-28T18:00:00.000Z", publicKey });

	cpSync(path, join(folder, "archives"), { recursive: true });
	writeFileSync(join(folder, "public-key.txt"), `${publicKey}\n`);
	writeFileSync(join(folder, "identity.txt"), `# opens a golden archive and nothing else\n${identity}\n`);
	await writeExpectations(archives, folder, scratch);
}

interface Taking {
	readonly root: string;
	readonly takenAt: string;
	readonly publicKey: string;
	readonly disturb?: () => void;
}

async function take(
	archives: Archives,
	{ root, takenAt, publicKey, disturb = quiet }: Taking,
): Promise<void> {
	const command = newId();
	const directory = await archives.begin(goldenResource, archives.archiveOf(command), Instant.parse(takenAt));
	const context: FileContext = { signal, onProgress: disturb };
	const job = await archives.equip<FileJob & { readonly kind: "pack" }>({ kind: "pack", root, directory });
	const packed = await packTree({ ...job, ...context });
	const manifest = { ...manifestFor(packed, { command, publicKey }), takenAt: Instant.parse(takenAt) };
	await archives.commit(manifest, directory);
}

/** What came out when this day's code restored them, and what their manifests said. */
async function writeExpectations(archives: Archives, folder: string, scratch: string): Promise<void> {
	for (const { id, outcome } of await archives.list(goldenResource)) {
		const { folder: archive, manifest } = await archives.find(id);
		const target = join(scratch, id);
		await runFileJob(await archives.equip({ kind: "unpack", archive, target } as const), { signal });
		const { entries, contentBytes, warnings, losses } = manifest;
		const expected = { outcome, entries, contentBytes, warnings, losses, tree: portrayTree(target) };
		writeFileSync(join(folder, `${id}.expected.json`), `${JSON.stringify(expected, undefined, "\t")}\n`);
	}
}

const [folder] = process.argv.slice(2);
if (folder === undefined) {
	process.stderr.write("usage: node test/golden/main.ts FOLDER\n");
	process.exitCode = 2;
} else await main(folder);
