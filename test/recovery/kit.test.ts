import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openSite, type Site } from "../bad-input/open-site.ts";
import { buildBareRoot } from "../davit-is-gone/build-bare-root.ts";
import { runInRoot } from "../davit-is-gone/run-in-root.ts";
import { labAvailability } from "../lab/availability.ts";

// A recovery kit through the command and the page of a real site, and what its key is good for.

const scratch = mkdtempSync(join(tmpdir(), "davit-kit-"));
const secretForm = /^AGE-SECRET-KEY-1[0-9A-Z]{58}$/m;
const signal = AbortSignal.timeout(240_000);
const { hosts: unavailable } = await labAvailability();
let site: Site;
let first: string;

before(async () => {
	site = await openSite();
});
after(async () => {
	await site?.[Symbol.asyncDispose]();
	rmSync(scratch, { recursive: true, force: true });
});

async function davit(...words: readonly string[]): Promise<string> {
	const { exitCode, stdout, stderr } = await site.davit(...words);
	assert.equal(exitCode, 0, `davit ${words.join(" ")}: ${stderr}`);
	return stdout;
}

/** The folders of all archives, the oldest first. */
function archives(): readonly string[] {
	const root = join(site.home, "archives");
	const entries = readdirSync(root, { recursive: true, withFileTypes: true });
	const folders = entries
		.filter((entry) => entry.isDirectory() && /^\d{8}T\d{6}Z-[0-9a-f]{10}$/.test(entry.name))
		.map((entry) => join(entry.parentPath, entry.name));
	return folders.sort((left, right) => statSync(left).ctimeMs - statSync(right).ctimeMs);
}

async function takeArchive(): Promise<{
	readonly id: string;
	readonly folder: string;
	readonly names: readonly string[];
}> {
	const before = new Set(archives());
	await davit("backup", "photos");
	const [folder = ""] = archives().filter((one) => !before.has(one));
	return { id: folder.slice(-10), folder, names: readdirSync(folder) };
}

function recipientsOf(folder: string): readonly string[] {
	const { recipients } = JSON.parse(readFileSync(join(folder, "MANIFEST.json"), "utf8"));
	return recipients.map(({ recipient }: { recipient: string }) => recipient);
}

/** Everything below a folder that holds the text. */
function holding(folder: string, secret: string): string[] {
	return readdirSync(folder, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath, entry.name))
		.filter((file) => readFileSync(file).includes(secret));
}

test("before anybody has a kit archives are plain; after it they are for this host and the kit", async () => {
	assert.ok((await takeArchive()).names.includes("content.tar.zst"));
	assert.match(await davit("key", "list"), /^encrypts +nothing/m);
	first = join(scratch, "kit.txt");
	await davit("recovery-kit", "-o", first);
	assert.equal(statSync(first).mode & 0o777, 0o600);
	const text = readFileSync(first, "utf8");
	assert.match(text, secretForm);
	assert.ok(text.split("\n").every((line) => line === "" || line.startsWith("#") || secretForm.test(line)));
	assert.match(text, new RegExp(`^# +${site.host}: ${site.home}/archives`, "m"));
	const { folder, names, id } = await takeArchive();
	assert.ok(names.includes("content.tar.zst.age") && names.includes("entries.jsonl.zst.age"));
	assert.match(text, new RegExp(recipientsOf(folder)[1] ?? "none"));
	await davit("verify", `photos@${id}`);
});

test("the secret key is in the kit and nowhere in Davit's home, neither a log nor a database", () => {
	const [secret = ""] = secretForm.exec(readFileSync(first, "utf8")) ?? [];
	assert.deepEqual(holding(site.home, secret), []);
	assert.deepEqual(holding(scratch, secret), [first]);
});

test("an encrypted archive is restored by its host like any other", async () => {
	writeFileSync(join(site.folder, "notes.txt"), "an accident\n");
	const { id } = await takeArchive();
	writeFileSync(join(site.folder, "notes.txt"), "another accident\n");
	assert.match(await davit("browse", `photos@${id}`), /notes\.txt/);
	assert.match(await davit("diff", `photos@${id}`), /notes\.txt/);
	await davit("verify", `photos@${id}`, "--sample", "50%");
	await davit("drill", `photos@${id}`);
	await davit("restore", `photos@${id}`, "--path", "notes.txt", "--confirm", site.folder);
	assert.equal(readFileSync(join(site.folder, "notes.txt"), "utf8"), "an accident\n");
	writeFileSync(join(site.folder, "notes.txt"), "another accident\n");
	assert.match(await davit("diff", `photos@${id}`, archives().at(1)?.slice(-10) ?? ""), /notes\.txt/);
	await davit("restore", `photos@${id}`, "--confirm", site.folder);
	assert.equal(readFileSync(join(site.folder, "notes.txt"), "utf8"), "an accident\n");
});

test("asked again the kit has no key, and a new key is for new archives alone", async () => {
	assert.doesNotMatch(await davit("recovery-kit"), secretForm);
	const before = await takeArchive();
	const page = join(scratch, "second.html");
	await davit("recovery-kit", "-o", page, "--new-key");
	assert.match(readFileSync(page, "utf8"), /<pre id="key">AGE-SECRET-KEY-1[0-9A-Z]{58}<\/pre><svg/);
	const after = await takeArchive();
	assert.notEqual(recipientsOf(after.folder)[1], recipientsOf(before.folder)[1]);
	assert.equal(recipientsOf(after.folder).length, 2);
	await davit("key", "rotate");
	const rotated = await takeArchive();
	assert.notEqual(recipientsOf(rotated.folder)[0], recipientsOf(after.folder)[0]);
	for (const { id } of [before, after, rotated]) await davit("verify", `photos@${id}`);
});

test("where no Davit is, a kit alone opens what was encrypted for it, an older one older archives, and no other", {
	skip: unavailable ?? (process.getuid?.() === 0 ? false : "needs root"),
}, async () => {
	const root = await buildBareRoot(signal);
	const [, older = ""] = archives();
	const newer = archives().at(-1) ?? "";
	const kits = [first, join(scratch, "second.html")].map((file) => {
		const folder = mkdtempSync(join(scratch, "kit-"));
		// Of the printed page somebody types off the key.
		const [, typed] = /<pre id="key">([^<]+)</.exec(readFileSync(file, "utf8")) ?? [];
		writeFileSync(join(folder, "kit.txt"), typed ?? readFileSync(file, "utf8"));
		return folder;
	});
	for (const [archive, kit, code] of [
		[older, kits[0], 0],
		[newer, kits[1], 0],
		[older, kits[1], 2],
		[newer, kits[0], 2],
	] as const) {
		const work = mkdtempSync(join(scratch, "work-"));
		const places = { archive, kit: kit ?? "", work };
		const ended = await runInRoot(root, "sh /archive/restore.sh /work/out /kit/kit.txt", { places, signal });
		assert.equal(ended.code, code, ended.stderr);
		const restored = readdirSync(join(work, "out"));
		assert.deepEqual(restored, code === 0 ? ["notes.txt"] : []);
	}
});

test("a host that lost its key opens its archives with the kit's, and says so until then", async () => {
	const [, encrypted = ""] = archives();
	const id = encrypted.slice(-10);
	rmSync(join(site.home, "agent", "age-identities.txt"));
	const locked = await site.davit("verify", `photos@${id}`);
	assert.equal(locked.exitCode, 4, locked.stderr);
	assert.match(locked.stderr, new RegExp(`recovery key ${recipientsOf(encrypted)[1]}.*--identity-file`, "s"));
	await davit("key", "add", "--identity-file", first);
	await davit("verify", `photos@${id}`);
	await davit("restore", `photos@${id}`, "--confirm", site.folder);
	assert.equal(readFileSync(join(site.folder, "notes.txt"), "utf8"), "before\n");
	// A key that is lost is made again, so the next archive opens too.
	await davit("verify", `photos@${(await takeArchive()).id}`);
});

test("the page shows no key; its download holds one, which counts when its number was given back", async () => {
	const link = (await davit("page")).trim();
	const entered = await fetch(link, { redirect: "manual" });
	const cookie = (entered.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
	const root = new URL("/", link).href;
	const look = async () =>
		(await fetch(`${root}recovery`, { headers: { cookie, accept: "text/html" } })).text();
	const press = async (path: string, fields: Record<string, string>, token: string) =>
		fetch(`${root}${path}`, {
			...{ method: "POST", redirect: "manual", body: new URLSearchParams({ token, ...fields }) },
			headers: { cookie, accept: "text/html", origin: new URL(root).origin },
		});
	const page = await look();
	assert.match(page, /There is a recovery kit/);
	const [, token = ""] = /name="token" value="([^"]+)"/.exec(page) ?? [];
	const download = await press("recovery-kit", { withKey: "yes" }, token);
	assert.match(
		download.headers.get("content-disposition") ?? "",
		/^attachment; filename="davit-recovery-kit-/,
	);
	const kit = await download.text();
	const [, secret = ""] = /<pre id="key">([^<]+)</.exec(kit) ?? [];
	assert.match(secret, secretForm);
	const [, number = ""] = /<h1>Davit recovery kit ([a-z0-9]+)</.exec(kit) ?? [];
	const before = await takeArchive();
	assert.equal((await press("recovery", { kit: number }, token)).status, 303);
	const after = await takeArchive();
	assert.deepEqual(
		[before, after].map(({ folder }) => recipientsOf(folder)[1]?.slice(4, 12) === number),
		[false, true],
	);
	assert.ok(!(await look()).includes(secret));
	assert.deepEqual(holding(site.home, secret), []);
});
