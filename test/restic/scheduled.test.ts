import assert from "node:assert/strict";
import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openHome } from "@davit/cli/testing/run-davit.ts";
import { SchedulesDocument, StatusDocument } from "@davit/protocol";
import { openSite, type Site, startSite } from "../bad-input/open-site.ts";
import { labAvailability } from "../lab/availability.ts";
import { pollUntil } from "../lab/process/poll.ts";
import { run } from "../lab/process/run.ts";
import { findRestic } from "../lab/provision/unpack-restic.ts";

// Schedules that back up into a repository, check and prune it, without anybody's help.

const { restic: unavailable } = await labAvailability();
const options = { skip: unavailable ?? false, timeout: 150_000 };
const opened = new AsyncDisposableStack();
let site: Site;
let repository: string;

before(async () => {
	if (unavailable !== undefined) return;
	const program = await findRestic(AbortSignal.timeout(60_000));
	const folder = opened.use(await openHome()).path;
	repository = join(folder, "repository");
	const passwordFile = join(folder, "password");
	await writeFile(passwordFile, "right\n", { mode: 0o600 });
	const argv = [program, "--repo", repository, "--password-file", passwordFile, "--no-cache", "init"];
	await run([program, ...argv.slice(1)], { signal: AbortSignal.timeout(60_000) });
	const home = opened.use(await openHome()).path;
	site = opened.use(await openSite({ home }));
	await site.stop();
	const file = join(home, "config", "agent.json");
	const settings = JSON.parse(await readFile(file, "utf8"));
	const repositories = [{ name: "disk", url: repository, passwordFile, lockSeconds: 1, checkParts: 1 }];
	await writeFile(file, JSON.stringify({ ...settings, resticProgram: program, repositories }));
	opened.use(await startSite(home, []));
});

after(() => opened.disposeAsync());

async function asked<Document>(
	schema: { parse: (value: unknown) => Document },
	...words: string[]
): Promise<Document> {
	const { stdout } = await site.davit(...words, "--json");
	return schema.parse(JSON.parse(stdout));
}

async function add(...words: readonly string[]): Promise<void> {
	const { exitCode, stderr } = await site.davit("schedule", "add", ...words, "--cron", "* * * * *");
	assert.equal(exitCode, 0, stderr);
}

async function lastRuns(): Promise<Record<string, string | undefined>> {
	const { items } = await asked(SchedulesDocument, "list", "schedules");
	return Object.fromEntries(items.map(({ task, lastRun }) => [task, lastRun?.state]));
}

test(
	"a repository is filled, checked and pruned by schedules alone, and damage is on the first screen",
	options,
	async () => {
		await add("away", site.address, "--to", "disk", "--keep-last", "2");
		await add("check-disk", `${site.host}/disk`, "--check");
		await add("prune-disk", "disk", "--prune");
		const waiting = { timeoutMs: 120_000, signal: AbortSignal.timeout(120_000) };
		await pollUntil(
			async () => {
				const { check, prune } = await lastRuns();
				const archives = (await site.davit("list", "archives", "-q")).stdout.trim();
				return check !== undefined && prune !== undefined && archives !== "";
			},
			{ what: "all three schedules had their turn", ...waiting },
		);
		assert.deepEqual(await lastRuns(), { backup: undefined, check: "succeeded", prune: "succeeded" });
		const runs = (await site.davit("list", "runs")).stdout;
		assert.doesNotMatch(runs, /failed|rejected/, "each waited for the others");
		await site.davit("schedule", "pause", "away");
		await site.davit("schedule", "pause", "prune-disk");
		for (const name of await readdir(join(repository, "data"), { recursive: true })) {
			if (name.length < 60) continue;
			const pack = join(repository, "data", name);
			const bytes = await readFile(pack);
			bytes[10] = (bytes[10] ?? 0) ^ 1;
			await chmod(pack, 0o600);
			await writeFile(pack, bytes);
		}
		// The schedule's next check would find it within a minute.
		assert.equal((await site.davit("repository", "check", "disk")).exitCode, 7);
		const { needs } = await asked(StatusDocument, "status");
		const need = needs.find(({ address }) => address === `${site.host}/disk`);
		assert.equal(need?.state, "failed");
		assert.match(need?.sentence ?? "", /check of repository disk \(r\w+\) failed: part 1 of 1 .* is damaged/);
		assert.equal((await site.davit("status", "--check")).exitCode, 1);
	},
);
