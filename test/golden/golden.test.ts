import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { type Archives, openArchives } from "@davit/agents/archives/archives.ts";
import { openKeyring } from "@davit/agents/encryption/keyring.ts";
import { isRoot } from "@davit/agents/files/plant-corpus.ts";
import { runFileJob } from "@davit/agents/files/run-job.ts";
import { ArchiveId } from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import { installPackages } from "../lab/provision/install-packages.ts";
import { findGolden } from "./find-golden.ts";
import { differences, portrayTree } from "./portray-tree.ts";
import { goldenResource } from "./take-archive.ts";

// One folder for each version of the format, made by `main.ts` on the day that the version was new.

const signal = AbortSignal.timeout(60_000);
const scratch = mkdtempSync(join(tmpdir(), "davit-golden-"));
const { hosts: unavailable } = await labAvailability();
/** Node took times as doubles when format 1 was new. */
const toleranceNs = 1000n;

after(() => rmSync(scratch, { recursive: true, force: true }));

suite("golden archives", { skip: unavailable ?? (isRoot ? false : "needs root") }, () => {
	before(() => installPackages(["archives"], signal));

	const versions = [...new Set(findGolden().map(({ version }) => version))];
	for (const version of versions) {
		test(`archives of format ${version} are proven and restored as on the day they were made`, async () => {
			const expected = findGolden().filter((golden) => golden.version === version);
			const archives = await openCopy(version);
			assert.equal((await archives.list(goldenResource)).length, expected.length);
			assert.ok(expected.length >= 2);
			for (const {
				archive: id,
				version: _version,
				folder: _folder,
				identity: _identity,
				tree,
				...said
			} of expected) {
				const archive = ArchiveId.parse(id);
				await archives.verify(archive, { signal });
				const { folder, manifest } = await archives.find(archive);
				const { outcome, entries, contentBytes, warnings, losses } = manifest;
				assert.deepEqual({ outcome, entries, contentBytes, warnings, losses }, said);
				assert.equal(manifest.publicKey, publicKeyOf(version));
				const target = join(scratch, `${version}-${archive}`);
				await runFileJob(await archives.equip({ kind: "unpack", archive: folder, target } as const), {
					signal,
				});
				assert.deepEqual(differences(portrayTree(target), tree, toleranceNs), []);
			}
		});
	}
});

function publicKeyOf(version: string): string {
	return readFileSync(join(import.meta.dirname, version, "public-key.txt"), "utf8").trim();
}

/** Proofs are written beside what they prove, so a copy is proven; it was signed with a key that is gone. */
async function openCopy(version: string): Promise<Archives> {
	const home = join(scratch, version);
	const path = join(home, "archives");
	cpSync(join(import.meta.dirname, version, "archives"), path, { recursive: true });
	const keyring = openKeyring(home);
	const [identity] = findGolden().flatMap((golden) =>
		golden.version === version && golden.identity !== undefined ? [golden.identity] : [],
	);
	if (identity !== undefined) await keyring.add([identity], version);
	const { privateKey } = generateKeyPairSync("ed25519");
	const quiet = () => undefined;
	const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
	return openArchives({ path, privateKey, publicKey: "not asked for", keyring, log, now: Date.now });
}
