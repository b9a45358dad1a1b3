import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { makeIdentity, openHeader, recipientOf } from "@davit/agents/encryption/age-header.ts";
import { makeSeals } from "@davit/agents/encryption/equip-job.ts";
import { openKeyring } from "@davit/agents/encryption/keyring.ts";
import { openHome, runDavit } from "@davit/cli/testing/run-davit.ts";
import { environment, openSite } from "../bad-input/open-site.ts";

// Whoever makes or changes a key is killed before each of its writes. No archive may ever be there that no existing key opens.

const scratch = mkdtempSync(join(tmpdir(), "davit-keys-"));
const shim = fileURLToPath(new URL("die-at-call/main.ts", import.meta.url));
const changer = fileURLToPath(new URL("change-keys/main.ts", import.meta.url));
const recoveryIdentity = await makeIdentity();
const recovery = await recipientOf(recoveryIdentity, "a test");

after(() => rmSync(scratch, { recursive: true, force: true }));

/** Runs the program of `change-keys/` and answers whether it was killed. */
function isKilled(words: readonly string[], dieAt: number): boolean {
	const env = { ...process.env, DAVIT_DIE_AT: String(dieAt), DAVIT_DIE_WITHIN: "/agent" };
	const argv = ["--import", shim, changer, ...words];
	const { signal: by, status, stderr } = spawnSync(process.execPath, argv, { env, encoding: "utf8" });
	if (by === null) assert.equal(status, 0, stderr);
	return by === "SIGKILL";
}

/** Every archive's header is opened with the host's keys as they are now, and with the recovery key. */
async function assertOpened(home: string): Promise<number> {
	const folder = join(home, "headers");
	const headers = existsSync(folder) ? readdirSync(folder) : [];
	const identities = await openKeyring(home).identities();
	for (const name of headers) {
		const header = readFileSync(join(folder, name));
		assert.ok((await openHeader(header, identities)) !== undefined, "the host opens it");
		assert.ok((await openHeader(header, [recoveryIdentity])) !== undefined, "the kit opens it");
	}
	return headers.length;
}

test("whoever makes a host's first key is killed before any write: what was archived opens, and the next archive is made", async () => {
	let kills = 0;
	for (let dieAt = 1; ; dieAt += 1) {
		const home = mkdtempSync(join(scratch, "first-"));
		if (!isKilled([home, recovery], dieAt)) break;
		kills += 1;
		assert.equal(await assertOpened(home), 0);
		// The next life, in this process.
		const keyring = openKeyring(home);
		await keyring.trust([recovery]);
		const { content } = (await makeSeals(keyring)) ?? {};
		const header = Buffer.from(content?.header ?? "", "base64");
		assert.equal(await openHeader(header, await keyring.identities()), content?.fileKey);
		assert.equal(await openHeader(header, [recoveryIdentity]), content?.fileKey);
	}
	assert.ok(kills >= 8, `${kills} points were hit`);
});

test("whoever rotates a host's key is killed before any write: no key that was used is lost", async () => {
	const home = mkdtempSync(join(scratch, "rotated-"));
	assert.ok(!isKilled([home, recovery], 0));
	let kills = 0;
	for (let dieAt = 1; ; dieAt += 1) {
		const before = await openKeyring(home).identities();
		const wasKilled = isKilled([home, recovery, "rotate"], dieAt);
		const after = await openKeyring(home).identities();
		assert.deepEqual(after.slice(-before.length), before, "the old keys are still there");
		await assertOpened(home);
		if (!wasKilled) break;
		kills += 1;
	}
	assert.ok(kills >= 4, `${kills} points were hit`);
	assert.equal(await assertOpened(home), 2);
});

test("whoever writes a recovery kit is killed before any write: a key counts only when its kit is whole", async () => {
	await using site = await openSite();
	await using kits = await openHome();
	let kills = 0;
	for (let dieAt = 1; ; dieAt += 1) {
		const file = join(kits.path, `kit-${dieAt}.txt`);
		const shimmed = {
			...{ ...environment, NODE_OPTIONS: `--import ${shim}` },
			...{ DAVIT_DIE_AT: String(dieAt), DAVIT_DIE_WITHIN: kits.path },
		};
		const { exitCode } = await runDavit(site.home, ["recovery-kit", "-o", file, "--new-key"], shimmed);
		const saved = savedRecipients(site.home);
		for (const recipient of saved) {
			const known = readdirSync(kits.path).filter((name) => name.endsWith(".txt"));
			const texts = known.map((name) => readFileSync(join(kits.path, name), "utf8"));
			const kit = texts.find((text) => text.includes(`Recovery key ${recipient}`));
			assert.ok(kit !== undefined, `${recipient} counts, and no whole kit has it`);
			const [identity = ""] = /^AGE-SECRET-KEY-1\w+$/m.exec(kit) ?? [];
			assert.equal(await recipientOf(identity, "the kit"), recipient);
		}
		if (exitCode === 0) {
			assert.equal(saved.length, 1);
			break;
		}
		kills += 1;
		assert.deepEqual(saved, [], "a key whose kit was cut off does not count");
	}
	assert.ok(kills >= 4, `${kills} points were hit`);
});

function savedRecipients(home: string): readonly string[] {
	const file = join(home, "coordinator", "recovery.json");
	if (!existsSync(file)) return [];
	const { kits } = JSON.parse(readFileSync(file, "utf8"));
	return kits.map(({ recipient }: { recipient: string }) => recipient);
}
