import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { callRaw } from "@davit/cli/door/call.ts";
import { openHome } from "@davit/cli/testing/run-davit.ts";
import { z } from "zod";
import { pollUntil } from "../lab/process/poll.ts";
import { findAgent } from "./find-children.ts";
import { makeFolder, openSite, type Site } from "./open-site.ts";
import { assertTold, toldBy } from "./read-page.ts";
import { startAgent, writeAgentSettings } from "./start-agent.ts";

// What goes wrong between the hosts of one fleet: held resources, wrong clocks, names that two answer to.

const life = new AbortController();
const { signal } = life;
let site: Site;
let place: Awaited<ReturnType<typeof openHome>>;

before(async () => {
	[site, place] = await Promise.all([openSite(), openHome()]);
	assert.equal((await site.davit("backup", "photos")).exitCode, 0);
	// The host tells of its archives a moment after the run's end.
	const isKnown = async () => (await site.davit("list", "archives", "-q")).stdout.trim() !== "";
	await pollUntil(isKnown, { what: "the archive in the list", timeoutMs: 30_000, intervalMs: 50, signal });
});

after(async () => {
	await site[Symbol.asyncDispose]();
	await place[Symbol.asyncDispose]();
	life.abort();
});

async function refused(input: string, ...words: readonly string[]): Promise<void> {
	assertTold(input, toldBy(await site.davit(...words)));
}

test("a resource that another operation holds is refused with what holds it, and is free after it", async () => {
	const agent = await findAgent(site.running.process.pid ?? 0);
	// It has not answered yet, so the backup is under way for as long as it stands still.
	process.kill(agent, "SIGSTOP");
	const run = (await site.davit("backup", "photos", "--detach", "-q")).stdout.trim();
	assert.match(run, /^r[a-z2-7]{8}$/);
	await refused("verify of a resource that is being backed up", "verify", "photos@latest");
	await refused("restore of a resource that is being backed up", "restore", "photos@latest", "--plan");
	assert.match(
		(await site.davit("show", run)).stdout,
		/requested|accepted/,
		"the backup held it all the while",
	);
	process.kill(agent, "SIGCONT");
	assert.equal((await site.davit("watch", run)).exitCode, 0);
	assert.equal((await site.davit("verify", "photos@latest")).exitCode, 0);
});

test("with a host's clock ten minutes ahead nothing is restored there, and backups go on", async () => {
	const folder = await makeFolder(place.path);
	const address = `attic/path:${folder}`;
	const home = join(place.path, "attic");
	const file = await writeAgentSettings(home, { ...(await admit("attic", home)), folders: [folder] });
	const program = fileURLToPath(new URL("./wrong-clock/main.ts", import.meta.url));
	{
		await using _attic = await startAgent(file, program);
		await pollUntil(async () => (await site.davit("show", address)).exitCode === 0, {
			...{ what: "attic's folder", timeoutMs: 10_000, signal },
		});
		assert.equal((await site.davit("backup", address)).exitCode, 0);
		await writeFile(join(folder, "notes.txt"), "written since\n");
		await refused(
			"restore on a host whose clock is 10 minutes ahead",
			"restore",
			`${address}@latest`,
			"--confirm",
			folder,
		);
		assert.equal(await readFile(join(folder, "notes.txt"), "utf8"), "written since\n");
		assert.match((await site.davit("show", "attic")).stdout, /its clock is 600 s off/, "the fault fired");
	}
});

test("of a host that was let in and never came nothing is asked", async () => {
	await admit("cellar", join(place.path, "cellar"));
	await refused("rescan of a host that was never heard", "repository", "rescan", "cellar");
});

test("of two agents with one name the second ends, and the first goes on", async () => {
	await refused("a host's name that another agent has", "host", "join", site.host);
	const settings = JSON.parse(await readFile(join(site.home, "config", "agent.json"), "utf8"));
	const home = join(place.path, "copy");
	await using copy = await startAgent(await writeAgentSettings(home, { ...settings, home }));
	const ended = await copy.ended;
	assert.match(copy.log, /"agent serves"/, "it was let in, because it has the first one's account");
	assertTold("a second agent with a host's name", { ...toldBy(withExit(ended, "host-name-taken")) });
	const backup = async () => (await site.davit("backup", site.address)).exitCode === 0;
	await pollUntil(backup, { what: "a backup by the first", timeoutMs: 15_000, intervalMs: 200, signal });
	const made = (await readdir(join(home, "archives"))).filter((name) => !name.startsWith("."));
	assert.deepEqual(made, [], "nothing was done by the second");
});

/** An agent alone says no exit code: its process ends with it. */
function withExit<Ending extends { readonly stderr: string; readonly exitCode: number | null }>(
	ended: Ending,
	code: string,
): Ending {
	return { ...ended, stderr: `${ended.stderr}  exit  ${ended.exitCode} (${code})\n` };
}

/** Lets a host in as `davit start` does, and puts its key where its agent looks for it. */
async function admit(host: string, home: string): Promise<object> {
	const key = generateKeyPairSync("ed25519");
	await mkdir(join(home, "agent"), { recursive: true });
	const pem = key.privateKey.export({ format: "pem", type: "pkcs8" });
	await writeFile(join(home, "agent", "key.pem"), pem, { mode: 0o600 });
	const publicKey = key.publicKey.export({ format: "der", type: "spki" }).toString("base64");
	const call = { method: "POST", path: "/hosts", body: { host, publicKey } } as const;
	return z.looseObject({ site: z.string() }).parse(await callRaw(call, { home: site.home, signal }));
}
