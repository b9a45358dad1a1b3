import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { appendFile, chmod, cp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openHome, runDavit } from "@davit/cli/testing/run-davit.ts";
import Sqlite from "better-sqlite3";
import { brokerKinds } from "../broker/kinds.ts";
import { environment, openSite, startSite } from "./open-site.ts";
import { assertTold, toldBy } from "./read-page.ts";

// What keeps `davit start` from serving: it ends at once with a sentence, and changes nothing of what is there.

const settings = {
	coordinator: "config/coordinator.json",
	agent: "config/agent.json",
	integration: "config/integration.json",
};
const databases = { coordinator: "coordinator/history.sqlite", agent: "agent/journal.sqlite" };

let place: Awaited<ReturnType<typeof openHome>>;
/** Of a Davit that ran, made a backup and ended. */
let home: string;
let archive: string;

before(async () => {
	place = await openHome();
	home = join(place.path, "h");
	await using site = await openSite({ home });
	archive = (await site.davit("backup", "photos", "-q")).stdout.trim();
	assert.match(archive, /^[0-9a-f]{10}$/);
});

after(() => place[Symbol.asyncDispose]());

interface Wish {
	readonly words?: readonly string[];
	readonly environment?: Readonly<Record<string, string>>;
}

async function refused(input: string, { words = [], environment: more = {} }: Wish = {}): Promise<void> {
	const ended = await runDavit(home, ["start", ...words], { ...environment, ...more });
	assertTold(input, toldBy(ended));
	assert.equal(ended.stdout, "", "it never said that it serves");
}

/** Lets `work` see the file as `change` left it, which the refusals must leave so; then puts it back. */
async function withFile(
	file: string,
	change: (path: string) => Promise<void>,
	work: () => Promise<void>,
): Promise<void> {
	const path = join(home, file);
	const kept = await readFile(path);
	try {
		await change(path);
		const changed = await readFile(path);
		await work();
		assert.deepEqual(await readFile(path), changed, `${file} is left as it was found`);
	} finally {
		await writeFile(path, kept);
	}
}

async function withKey(
	file: string,
	key: Readonly<Record<string, unknown>>,
	work: () => Promise<void>,
): Promise<void> {
	const change = async (path: string) =>
		writeFile(
			path,
			`${JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), ...key }, undefined, "\t")}\n`,
		);
	await withFile(file, change, work);
}

test("a configuration that cannot be used is named by file, key, value and fix", async () => {
	await withKey(settings.coordinator, { pages: 1 }, () => refused("unknown key of the coordinator"));
	await withKey(settings.coordinator, { offlineGraceSeconds: "soon" }, () =>
		refused("value of a wrong type for the coordinator"),
	);
	await withFile(
		settings.coordinator,
		(path) => writeFile(path, "{ nope"),
		() => refused("settings that are not JSON"),
	);
	await withKey(settings.agent, { folder: ["/srv"] }, () => refused("unknown key of the agent"));
	await withKey(settings.agent, { undoSeconds: "7d" }, () => refused("value of a wrong type for the agent"));
	await withKey(settings.agent, { host: "NAS/1" }, () =>
		refused("a host's name that is none in the settings"),
	);
	await withKey(settings.integration, { colour: "red" }, () => refused("unknown key of the integration"));
	await refused("a port that is none", { environment: { DAVIT_PORT: "99999" } });
	await refused("a broker's address that is none", { words: ["--broker", "http://127.0.0.1:1883"] });
});

test("a port that another program has is named with what to do", async () => {
	const other = createServer();
	await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
	const address = other.address();
	const port = typeof address === "object" && address !== null ? address.port : 0;
	await refused("the page's port is taken", { environment: { DAVIT_PORT: String(port) } });
	const broker = { kind: "embedded", host: "127.0.0.1", port };
	await withKey(settings.coordinator, { broker, http: { host: "127.0.0.1", port: 0 } }, () =>
		refused("the broker's port is taken"),
	);
	await new Promise((resolve) => other.close(resolve));
});

test("a broker that refuses the password ends the start, and the old broker stays the chosen one", async () => {
	const [kind] = brokerKinds;
	assert.ok(kind);
	await using broker = await kind.open([], new AbortController().signal);
	const file = join(place.path, "password");
	await writeFile(file, "not the password\n");
	const words = ["--broker", broker.url, "--broker-user", "coordinator", "--broker-password-file", file];
	const kept = await readFile(join(home, settings.coordinator), "utf8");
	await refused("the broker refuses the password", { words });
	await writeFile(join(home, settings.coordinator), kept);
});

test("a locked database of the coordinator ends the start", async () => {
	await whileLocked(databases.coordinator, "the coordinator's database is locked");
});

test("a locked database of the agent ends the start", async () => {
	await whileLocked(databases.agent, "the agent's database is locked");
});

test("a damaged database of the coordinator ends the start and is not written over", async () => {
	await withFile(databases.coordinator, damage, () => refused("the coordinator's database is damaged"));
	await withFile(databases.coordinator, putNotes, () =>
		refused("the coordinator's database is another file"),
	);
});

test("a damaged database of the agent ends the start and is not written over", async () => {
	await withFile(databases.agent, damage, () => refused("the agent's database is damaged"));
	await withFile(databases.agent, putNotes, () => refused("the agent's database is another file"));
});

test("a database of the coordinator that can only be read ends the start", async (t) => {
	await using fault = await forbidWriting(join(home, databases.coordinator));
	if (!fault.isForbidden) return t.skip(cannotForbid);
	await refused("the coordinator's database is read-only");
});

test("a database of the agent that can only be read ends the start", async (t) => {
	await using fault = await forbidWriting(join(home, databases.agent));
	if (!fault.isForbidden) return t.skip(cannotForbid);
	await refused("the agent's database is read-only");
});

test("a second davit start on the same home is refused, and the first goes on", async () => {
	await using started = await startSite(home, []);
	await refused("a second davit start on one home");
	assert.equal(started.running.process.exitCode, null);
	const { stdout } = await runDavit(home, ["list", "archives", "-q"], environment);
	assert.equal(stdout.trim(), archive, "after all these refusals everything is as before");
});

async function whileLocked(file: string, input: string): Promise<void> {
	const other = new Sqlite(join(home, file));
	other.exec("BEGIN EXCLUSIVE");
	await refused(input);
	other.exec("ROLLBACK");
	other.close();
}

/** All but the first page, as a disk that lost its cache may leave it. */
async function damage(path: string): Promise<void> {
	const bytes = await readFile(path);
	assert.ok(bytes.length > 8192);
	await writeFile(path, bytes.fill(0xa5, 4096));
}

async function putNotes(path: string): Promise<void> {
	await writeFile(path, "these are somebody's notes\n".repeat(400));
}

const cannotForbid = "this file system cannot forbid root to write";

/** Forbids even root to write a file, and shows that it did. */
async function forbidWriting(path: string): Promise<AsyncDisposable & { readonly isForbidden: boolean }> {
	const copy = `${path}.copy`;
	await cp(path, copy);
	const isRoot = process.getuid?.() === 0;
	if (isRoot) spawnSync("chattr", ["+i", path]);
	else await chmod(path, 0o400);
	const isForbidden = await appendFile(path, "x").then(
		() => false,
		() => true,
	);
	return {
		isForbidden,
		[Symbol.asyncDispose]: async () => {
			if (isRoot) spawnSync("chattr", ["-i", path]);
			else await chmod(path, 0o600);
			await cp(copy, path);
			await rm(copy);
		},
	};
}
