import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openSite, type Site } from "./open-site.ts";
import { assertTold, toldBy } from "./read-page.ts";

// What a person types about keeping archives that cannot be.

let site: Site;

before(async () => {
	site = await openSite();
	assert.match((await site.davit("backup", "photos", "-q")).stdout, /^[0-9a-f]{10}/);
});

after(() => site[Symbol.asyncDispose]());

async function refused(input: string, ...words: readonly string[]): Promise<void> {
	assertTold(input, toldBy(await site.davit(...words)));
}

test("a policy that cannot be is refused before anything is kept by it", async () => {
	const add = ["schedule", "add", "nightly", "photos", "--cron", "0 3 * * *"];
	await refused("a rule that keeps none", ...add, "--keep-daily", "0");
	await refused("a rule that is no number", ...add, "--keep-last", "many");
	await refused("a rule of more than there can be", ...add, "--keep-weekly", "20000");
	await refused("a policy that keeps nothing", ...add, "--keep-at-least", "3");
	await refused("a time to keep that is none", ...add, "--keep-within", "soon");
	await refused("a grace that is none", ...add, "--keep-daily", "7", "--keep-grace", "later");
	await refused("a zone of days that does not exist", ...add, "--keep-daily", "7", "--keep-zone", "Mars");
	assert.doesNotMatch((await site.davit("list", "schedules")).stdout, /nightly/);
});

test("what cannot be pinned, held, undeleted or simulated is named", async () => {
	await refused("a pin on what is not there", "pin", "photos@0123456789");
	await refused("an undelete of what does not go", "undelete", "photos@latest");
	await refused("a hold without a reason", "hold", "photos");
	await refused("a simulation where everything stays", "schedule", "simulate", "photos");
	await refused(
		"a simulation of too many days",
		"schedule",
		"simulate",
		"photos",
		"--keep-last",
		"1",
		"--days",
		"9999",
	);
	await refused("a schedule to edit that is not there", "schedule", "edit", "weekly", "--keep-last", "1");
	await refused("an edit of nothing", "schedule", "edit", "weekly");
});
