import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { after, test } from "node:test";
import { instantOf, newId, ResourceId } from "@davit/protocol";
import { packTree } from "../files/pack-tree.ts";
import { manifestFor } from "../files/plant-archive.ts";
import { type Archives, openArchives } from "./archives.ts";

const scratch = mkdtempSync(join(tmpdir(), "davit-index-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const signal = new AbortController().signal;
const resource = ResourceId.parse("volume:grafana");
const { privateKey, publicKey: key } = generateKeyPairSync("ed25519");
const publicKey = key.export({ type: "spki", format: "der" }).toString("base64");
const warned: string[] = [];
const quiet = () => undefined;
const log = { debug: quiet, info: quiet, error: quiet, warn: () => void warned.push("warned") };

function open(): Promise<Archives> {
	return openArchives({ path: join(scratch, "archives"), privateKey, publicKey, log, now: Date.now });
}

async function take(archives: Archives, day: number) {
	const root = join(scratch, `tree-${day}`);
	mkdirSync(root);
	writeFileSync(join(root, "file"), `day ${day}`);
	const command = newId();
	const archive = archives.archiveOf(command);
	const takenAt = instantOf(Date.UTC(2026, 0, day));
	const partial = await archives.begin(resource, archive, takenAt);
	const packed = await packTree({ root, directory: partial, signal });
	const folder = await archives.commit({ ...manifestFor(packed, { command, publicKey }), takenAt }, partial);
	return { archive, folder };
}

test("a list is read anew where an archive's manifest, signature or proof was written, and only there", async () => {
	const archives = await open();
	const [one, two] = [await take(archives, 1), await take(archives, 2)];
	const proofs = async () => (await archives.list(resource)).map(({ id, proof }) => [id, proof.at(-1)]);
	assert.deepEqual(await proofs(), [
		[two.archive, "taken"],
		[one.archive, "taken"],
	]);
	await archives.verify(one.archive, { signal });
	assert.deepEqual(await proofs(), [
		[two.archive, "taken"],
		[one.archive, "verified"],
	]);
	const signature = join(two.folder, "MANIFEST.json.sig");
	const good = readFileSync(signature);
	writeFileSync(signature, good.subarray(1));
	assert.deepEqual(
		(await archives.list(resource)).map(({ damaged }) => damaged),
		[true, false],
	);
	const said = warned.length;
	assert.ok(said > 0);
	await archives.list(resource);
	assert.equal(warned.length, said, "what is known is not read again");
	writeFileSync(signature, good);
	assert.deepEqual(
		(await archives.list(resource)).map(({ damaged }) => damaged),
		[false, false],
	);
	await archives.remove(one.archive);
	assert.deepEqual(await proofs(), [[two.archive, "taken"]]);
});

test("with nothing but the archives an agent knows all of them, their proofs and their resources", async () => {
	const archives = await open();
	const { archive } = await take(archives, 3);
	await archives.recordDrill(archive, { command: newId(), at: instantOf(5), restoreMs: 1, compareMs: 1 });
	const before = await archives.list(resource);
	rmSync(join(scratch, "archives/.keeping"), { recursive: true, force: true });
	const again = await open();
	assert.deepEqual(await again.resources(), [resource]);
	const known = (await again.list(resource)).map(({ sequence: _sequence, ...summary }) => summary);
	assert.deepEqual(
		known,
		before.map(({ sequence: _sequence, ...summary }) => summary),
	);
	assert.ok(known.some(({ id, proof }) => id === archive && proof.includes("drilled")));
});

test("an archive that was copied below another name of a folder is shown as damaged, whatever was known of it", async () => {
	const archives = await open();
	const [newest] = await archives.list(resource);
	assert.ok(newest !== undefined);
	const { folder } = await archives.find(newest.id);
	const copy = join(dirname(folder), basename(folder).replace(/^\d{8}/, "20200101"));
	cpSync(folder, copy, { recursive: true });
	const twice = (await archives.list(resource)).filter(({ id }) => id === newest.id);
	assert.deepEqual(twice.map(({ damaged }) => damaged).sort(), [false, true]);
	rmSync(copy, { recursive: true });
	assert.equal((await archives.list(resource)).filter(({ id }) => id === newest.id).length, 1);
});
