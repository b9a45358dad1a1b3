import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ResourceId } from "@davit/protocol";
import { Journal, journalFile } from "./journal/journal.ts";
import { lockHolder } from "./journal/locks.ts";
import { releaseResource } from "./release-resource.ts";

const command = "019ab0c4-1c7b-7a31-8d55-3f2a9c0d1e2f";
const now = () => Date.parse("2026-11-22T12:00:00.000Z");

function plantJournal(t: TestContext) {
	const home = mkdtempSync(join(tmpdir(), "davit-release-"));
	t.after(() => rmSync(home, { recursive: true }));
	const journal = Journal.open({ file: journalFile(home), now, reserveBytes: 0 });
	journal.write("plant", (database) => {
		database.prepare("INSERT INTO locks (resource, command) VALUES (?, ?)").run("volume:photos", command);
	});
	return { journal, home };
}

test("a resource that was left inconsistent is released once, by its name", (t) => {
	const { journal, home } = plantJournal(t);
	journal[Symbol.dispose]();
	assert.deepEqual(releaseResource("volume:photos", { home, now }), { resource: "volume:photos", command });
	using again = Journal.open({ file: journalFile(home), now, reserveBytes: 0 });
	assert.equal(
		again.read((database) => lockHolder(database, ResourceId.parse("volume:photos"))),
		undefined,
	);
	again[Symbol.dispose]();
	assert.throws(() => releaseResource("volume:photos", { home, now }), { code: "resource-not-found" });
});

test("nothing is released under a running agent, nor by a name that is none", (t) => {
	const { journal, home } = plantJournal(t);
	assert.throws(() => releaseResource("volume:photos", { home, now }), { code: "database-locked" });
	journal[Symbol.dispose]();
	assert.throws(() => releaseResource("photos", { home, now }), { code: "request-malformed" });
});
