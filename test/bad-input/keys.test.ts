import assert from "node:assert/strict";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openHome } from "@davit/cli/testing/run-davit.ts";
import { pollUntil } from "../lab/process/poll.ts";
import { openSite, type Site } from "./open-site.ts";
import { assertTold, toldBy } from "./read-page.ts";

// Keys that are none, kits that would be lost, archives whose key is elsewhere.

let site: Site;
let scratch: Awaited<ReturnType<typeof openHome>>;

before(async () => {
	[site, scratch] = [await openSite(), await openHome()];
});
after(async () => {
	await site?.[Symbol.asyncDispose]();
	await scratch?.[Symbol.asyncDispose]();
});

function keyFile(name: string, text: string, mode = 0o600): string {
	const file = join(scratch.path, name);
	writeFileSync(file, text, { mode });
	chmodSync(file, mode);
	return file;
}

async function refused(input: string, ...words: readonly string[]): Promise<void> {
	const before = agentFiles();
	assertTold(input, toldBy(await site.davit(...words)));
	assert.deepEqual(agentFiles(), before, input);
}

/** The key files of the agent, with what they hold. */
function agentFiles(): readonly (readonly [string, string])[] {
	const folder = join(site.home, "agent");
	return readdirSync(folder)
		.filter((name) => name.endsWith(".txt"))
		.map((name) => [name, readFileSync(join(folder, name), "utf8")] as const);
}

test("a recovery kit is never written over something, or where it cannot lie", async () => {
	const file = keyFile("kit.txt", "an older kit\n");
	await refused("recovery kit into a file that exists", "recovery-kit", "-o", file);
	assert.equal(readFileSync(file, "utf8"), "an older kit\n");
	await refused("recovery kit into a folder that is not there", "recovery-kit", "-o", "/nonexistent/kit.txt");
	assert.ok(!existsSync(join(site.home, "coordinator", "recovery.json")), "no key counts");
});

test("a file that holds no key that Davit can use is refused whole", async () => {
	const add = ["key", "add", "--identity-file"] as const;
	const kit = join(scratch.path, "real.txt");
	assert.equal((await site.davit("recovery-kit", "-o", kit)).exitCode, 0);
	// The coordinator tells its hosts of the new key a moment later.
	const isTold = () => agentFiles().some(([name]) => name === "recovery-recipients.txt");
	const wish = { what: "the recovery key at the host", timeoutMs: 30_000 };
	await pollUntil(isTold, { ...wish, signal: AbortSignal.timeout(30_000) });
	const [secret = ""] = /^AGE-SECRET-KEY-1\w+$/m.exec(readFileSync(kit, "utf8")) ?? [];
	await refused("key file that is missing", ...add, "/nonexistent/kit.txt");
	await refused("key file that others can read", ...add, keyFile("open.txt", `${secret}\n`, 0o644));
	await refused("key file without a key", ...add, keyFile("empty.txt", "# a kit without its key\n"));
	const last = secret.endsWith("Q") ? "P" : "Q";
	await refused(
		"key with a mistyped character",
		...add,
		keyFile("typo.txt", `${secret.slice(0, -1)}${last}\n`),
	);
	await refused("key of another kind", ...add, keyFile("other.txt", "AGE-PLUGIN-YUBIKEY-1QQPQYDGVXVHDQ\n"));
	await refused("key add without a file", "key", "add");
});

test("an archive whose key is not here is named with those that open it, and the way", async () => {
	assert.equal((await site.davit("backup", "photos")).exitCode, 0);
	const file = join(site.home, "agent", "age-identities.txt");
	const kept = readFileSync(file);
	rmSync(file);
	await refused("archive whose key is not here, to verify", "verify", "photos@latest");
	await refused(
		"archive whose key is not here, to restore",
		"restore",
		"photos@latest",
		"--confirm",
		site.folder,
	);
	writeFileSync(file, kept, { mode: 0o600 });
	assert.equal(readFileSync(join(site.folder, "notes.txt"), "utf8"), "before\n");
	assert.equal((await site.davit("verify", "photos@latest")).exitCode, 0);
});

test("a host whose own keys cannot be trusted makes no archive", async () => {
	const file = join(site.home, "agent", "age-identities.txt");
	chmodSync(file, 0o644);
	await refused("host key that others can read", "backup", "photos");
	chmodSync(file, 0o600);
	const recipients = join(site.home, "agent", "recovery-recipients.txt");
	const kept = readFileSync(recipients);
	writeFileSync(recipients, "age1nonsense\n");
	await refused("recovery key that is none", "backup", "photos");
	writeFileSync(recipients, kept);
	assert.equal((await site.davit("backup", "photos")).exitCode, 0);
});
