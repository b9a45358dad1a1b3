import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { type Archives, openArchives } from "@davit/agents/archives/archives.ts";
import { isRoot } from "@davit/agents/files/plant-corpus.ts";
import { runFileJob } from "@davit/agents/files/run-job.ts";
import { ArchiveId, ResourceId } from "@davit/protocol";
import { z } from "zod";
import { labAvailability } from "../lab/availability.ts";
import { installPackages } from "../lab/provision/install-packages.ts";
import { differences, Portrait, portrayTree } from "./portray-tree.ts";

// One folder for each version of the format, made by `main.ts` on the day that the version was new.

const golden = import.meta.dirname;
const resource = ResourceId.parse("volume:grafana");
const signal = AbortSignal.timeout(60_000);
const scratch = mkdtempSync(join(tmpdir(), "davit-golden-"));
const { hosts: unavailable } = await labAvailability();
/** Node takes times as doubles. */
const toleranceNs = 1000n;

const Expected = z.object({
	outcome: z.enum(["succeeded", "partial"]),
	entries: z.int(),
	contentBytes: z.int(),
	warnings: z.array(z.string()),
	losses: z.array(z.string()),
	tree: z.array(Portrait),
});

after(() => rmSync(scratch, { recursive: true, force: true }));

suite("golden archives", { skip: unavailable ?? (isRoot ? false : "needs root") }, () => {
	before(() => installPackages(["archives"], signal));

	for (const version of readdirSync(golden).filter((name) => existsSync(join(golden, name, "archives")))) {
		test(`archives of format ${version} are proven and restored as on the day they were made`, async () => {
			const archives = await openCopy(version);
			const found = await archives.list(resource);
			const files = readdirSync(join(golden, version)).filter((name) => name.endsWith(".expected.json"));
			assert.equal(found.length, files.length);
			assert.ok(found.length >= 2);
			for (const file of files) {
				const archive = ArchiveId.parse(file.slice(0, 10));
				const expected = Expected.parse(JSON.parse(readFileSync(join(golden, version, file), "utf8")));
				await archives.verify(archive, { signal });
				const { folder, manifest } = await archives.find(archive);
				const { outcome, entries, contentBytes, warnings, losses } = manifest;
				const { tree, ...said } = expected;
				assert.deepEqual({ outcome, entries, contentBytes, warnings, losses }, said);
				assert.equal(
					manifest.publicKey,
					readFileSync(join(golden, version, "public-key.txt"), "utf8").trim(),
				);
				const target = join(scratch, `${version}-${archive}`);
				await runFileJob({ kind: "unpack", archive: folder, target }, { signal });
				assert.deepEqual(differences(portrayTree(target), tree, toleranceNs), []);
			}
		});
	}
});

/** Proofs are written beside what they prove, so a copy is proven; it was signed with a key that is gone. */
async function openCopy(version: string): Promise<Archives> {
	const path = join(scratch, version);
	cpSync(join(golden, version, "archives"), path, { recursive: true });
	const { privateKey } = generateKeyPairSync("ed25519");
	const quiet = () => undefined;
	const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
	return openArchives({
		...{ path, privateKey },
		...{ publicKey: "not asked for", log, now: Date.now },
	});
}
