import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type ArchiveId, Instant, newId, ResourceId } from "@davit/protocol";
import { makeIdentity, recipientOf } from "../encryption/age-header.ts";
import { hideNames } from "../encryption/hide-names.ts";
import { type Keyring, openKeyring, readIdentities } from "../encryption/keyring.ts";
import { isSameTree } from "../files/compare-tree.ts";
import { manifestFor } from "../files/plant-archive.ts";
import { plantCorpus } from "../files/plant-corpus.ts";
import { runFileJob } from "../files/run-job.ts";
import { type Archives, openArchives } from "./archives.ts";

const scratch = mkdtempSync(join(tmpdir(), "davit-encrypted-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const { privateKey, publicKey: key } = generateKeyPairSync("ed25519");
const publicKey = key.export({ type: "spki", format: "der" }).toString("base64");
const signal = AbortSignal.timeout(120_000);
const resource = ResourceId.parse("volume:grafana");
const takenAt = Instant.parse("2026-11-22T02:14:00.000Z");
const quiet = () => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const corpus = join(scratch, "corpus");
const recoveryIdentity = await makeIdentity();
const recovery = await recipientOf(recoveryIdentity, "a test");
let made = 0;

before(() => plantCorpus(corpus));

interface Host {
	readonly home: string;
	readonly keyring: Keyring;
	readonly archives: Archives;
}

async function open(home?: string): Promise<Host> {
	made += 1;
	const chosen = home ?? join(scratch, `home-${made}`);
	const keyring = openKeyring(chosen);
	const path = join(chosen, "archives");
	return {
		home: chosen,
		keyring,
		archives: await openArchives({ path, privateKey, publicKey, keyring, log, now: Date.now }),
	};
}

async function take({ archives }: Host, root = corpus): Promise<{ archive: ArchiveId; folder: string }> {
	const command = newId();
	const archive = archives.archiveOf(command);
	const directory = await archives.begin(resource, archive, takenAt);
	const packed = await runFileJob(await archives.equip({ kind: "pack", root, directory }), { signal });
	return { archive, folder: await archives.commit(manifestFor(packed, { command, publicKey }), directory) };
}

async function isRestored({ archives }: Host, folder: string): Promise<boolean> {
	made += 1;
	const target = join(scratch, `restored-${made}`);
	await runFileJob(await archives.equip({ kind: "unpack", archive: folder, target }), { signal });
	const wanted = { archive: folder };
	const job = { kind: "compare", wanted, root: target, exact: true } as const;
	return isSameTree(await runFileJob(await archives.equip(job), { signal }));
}

test("without a recovery key nothing is encrypted, and no key is made", async () => {
	const host = await open();
	const { archive, folder } = await take(host);
	assert.ok(readdirSync(folder).includes("content.tar.zst"));
	assert.equal((await host.archives.find(archive)).manifest.recipients, undefined);
	assert.throws(() => readdirSync(join(host.home, "agent")), { code: "ENOENT" });
});

test("with a recovery key an archive shows no name and no content, and comes back whole", async () => {
	const host = await open();
	await host.keyring.trust([recovery]);
	const { archive, folder } = await take(host);
	assert.deepEqual(readdirSync(folder).sort(), [
		...["MANIFEST.json", "MANIFEST.json.sig", "RESTORE.md", "SHA256SUMS"],
		...["content.tar.zst.age", "entries.jsonl.zst.age", "restore.sh"],
	]);
	const { manifest } = await host.archives.find(archive);
	assert.deepEqual(
		manifest.recipients?.map(({ role }) => role),
		["host", "recovery"],
	);
	assert.equal(manifest.recipients?.[1]?.recipient, recovery);
	await host.archives.verify(archive, { signal });
	assert.ok(await isRestored(host, folder));
	for (const name of readdirSync(folder)) {
		assert.ok(!readFileSync(join(folder, name)).includes("exactly-one-frame"), `${name} tells a name`);
	}
});

test("what a backup was warned of names no file where the archive is encrypted", () => {
	const warnings = ["secret-plan.txt: changed while it was read"];
	assert.deepEqual(hideNames({ warnings }), warnings);
	const [told = ""] = hideNames({ warnings, recipients: [{ role: "recovery", recipient: recovery }] });
	assert.ok(/^1 about files/.test(told) && !told.includes("secret-plan"));
});

test("without a key what is stored is compared, nothing is proven, and the message says which keys would open it", async () => {
	const host = await open();
	await host.keyring.trust([recovery]);
	const { archive, folder } = await take(host);
	rmSync(join(host.home, "agent"), { recursive: true });
	const locked = {
		code: "archive-locked",
		message: new RegExp(`stored as it was written.* recovery key ${recovery}`),
	};
	await assert.rejects(host.archives.verify(archive, { signal }), locked);
	const [listed] = await host.archives.list(resource);
	assert.deepEqual([listed?.proof, listed?.damaged], [["taken"], false]);
	await assert.rejects(isRestored(host, folder), { code: "archive-locked" });
	const path = join(folder, "content.tar.zst.age");
	const bytes = readFileSync(path);
	bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
	writeFileSync(path, bytes);
	await assert.rejects(host.archives.verify(archive, { signal }), { code: "archive-corrupt" });
	assert.equal((await host.archives.list(resource))[0]?.damaged, true);
});

test("a lost host key is made good by the recovery key, and a wrong one changes nothing", async () => {
	const host = await open();
	await host.keyring.trust([recovery]);
	const { archive, folder } = await take(host);
	const elsewhere = await open();
	cpSync(join(host.home, "archives"), join(elsewhere.home, "archives"), { recursive: true });
	const copy = folder.replace(host.home, elsewhere.home);
	await elsewhere.keyring.add([await makeIdentity()], "a wrong key");
	await assert.rejects(isRestored(elsewhere, copy), { code: "archive-locked" });
	assert.deepEqual(await elsewhere.keyring.add([recoveryIdentity], "the kit"), [recovery]);
	await elsewhere.archives.verify(archive, { signal });
	assert.ok(await isRestored(elsewhere, copy));
});

test("after a rotation old keys open old archives and new ones are for the new keys alone", async () => {
	const host = await open();
	await host.keyring.trust([recovery]);
	const before = await take(host);
	const newRecovery = await recipientOf(await makeIdentity(), "a test");
	const rotated = await host.keyring.rotate();
	await host.keyring.trust([newRecovery]);
	const after = await take(host);
	const { recipients } = (await host.archives.find(after.archive)).manifest;
	assert.deepEqual(
		recipients?.map(({ recipient }) => recipient),
		[rotated, newRecovery],
	);
	for (const { archive } of [before, after]) await host.archives.verify(archive, { signal });
	const old = await open();
	await old.keyring.add([recoveryIdentity], "the old kit");
	assert.ok(await isRestored(old, before.folder));
	await assert.rejects(isRestored(old, after.folder), { code: "archive-locked" });
});

test("a key that others can read, or that is none, stops a backup before it begins", async () => {
	const host = await open();
	await host.keyring.trust([recovery]);
	const { folder } = await take(host);
	const file = join(host.home, "agent", "age-identities.txt");
	chmodSync(file, 0o640);
	const open640 = { code: "key-invalid", message: /can be read by others \(mode 640\)/, hint: /^chmod 600 / };
	await assert.rejects(take(host), open640);
	await assert.rejects(isRestored(host, folder), open640);
	chmodSync(file, 0o600);
	const secret = readIdentities(file);
	writeFileSync(file, `${(await secret)[0]?.slice(0, -3)}\n`);
	await assert.rejects(take(host), { code: "key-invalid" });
	const recipients = join(host.home, "agent", "recovery-recipients.txt");
	writeFileSync(recipients, "age1nonsense\n");
	await assert.rejects(take(host), {
		code: "key-invalid",
		message: /recovery-recipients\.txt: "age1nonsense" is no age recipient/,
	});
});
