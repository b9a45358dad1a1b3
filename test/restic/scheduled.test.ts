import assert from "node:assert/strict";
import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { SchedulesDocument, StatusDocument } from "@davit/protocol";
import type { Site } from "../bad-input/open-site.ts";
import { labAvailability } from "../lab/availability.ts";
import { pollUntil } from "../lab/process/poll.ts";
import { openRepositorySite, type RepositorySite } from "./open-repository-site.ts";

// Schedules that back up into a repository, check and prune it, without anybody's help.

const { restic: unavailable } = await labAvailability();
const options = { skip: unavailable ?? false, timeout: 150_000 };
let opened: RepositorySite | undefined;
let site: Site;

before(async () => {
	if (unavailable !== undefined) return;
	opened = await openRepositorySite({ checkParts: 1 });
	site = opened.site;
});

after(() => opened?.[Symbol.asyncDispose]());

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
		const data = join(opened?.repository ?? "", "data");
		for (const name of await readdir(data, { recursive: true })) {
			if (name.length < 60) continue;
			const pack = join(data, name);
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
