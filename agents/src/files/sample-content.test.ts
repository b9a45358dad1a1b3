import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { plantArchive } from "./plant-archive.ts";
import { chooseFrames, sampleContent } from "./sample-content.ts";

const signal = AbortSignal.timeout(60_000);
const scratch = mkdtempSync(join(tmpdir(), "davit-sample-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const archive = join(scratch, "archive");
const files = ["content.tar.zst", "entries.jsonl.zst"] as const;
const good = new Map<string, Buffer>();

before(async () => {
	const tree = join(scratch, "tree");
	mkdirSync(tree);
	// Ten frames of 4 MiB that do not compress.
	writeFileSync(join(tree, "large"), randomBytes(39 * 1024 * 1024));
	await plantArchive(tree, archive, signal);
	for (const name of files) good.set(name, readFileSync(join(archive, name)));
});
beforeEach(() => {
	for (const [name, bytes] of good) writeFileSync(join(archive, name), bytes);
});

test("a sample reads the share of frames that was asked for, at least one, and says how much that was", async () => {
	for (const [percent, frames] of [
		[0.01, 1],
		[10, 1],
		[11, 2],
		[50, 5],
		[100, 10],
	] as const) {
		const found = await sampleContent({ archive, sample: { percent, seed: 7 }, signal });
		assert.deepEqual([found.frames, found.ofFrames, found.entries], [frames, 10, 2], `${percent} %`);
		const share = found.bytes / (good.get("content.tar.zst")?.length ?? 0);
		assert.ok(Math.abs(share - frames / 10) < 0.05, `${percent} % read ${share}`);
	}
});

test("the same seed chooses the same frames, and over many seeds every frame is as likely", () => {
	assert.deepEqual(chooseFrames(1000, { percent: 1, seed: 3 }), chooseFrames(1000, { percent: 1, seed: 3 }));
	const hits = Array.from({ length: 20 }, () => 0);
	for (let seed = 0; seed < 20_000; seed += 1) {
		const chosen = chooseFrames(20, { percent: 10, seed });
		assert.equal(new Set(chosen).size, 2);
		for (const number of chosen) hits[number] = (hits[number] ?? 0) + 1;
	}
	assert.ok(
		hits.every((count) => count > 1800 && count < 2200),
		hits.join(),
	);
	assert.deepEqual(chooseFrames(0, { percent: 10, seed: 1 }), []);
});

test("damage in a frame is found exactly by the samples that read it", async () => {
	const bytes = Buffer.from(good.get("content.tar.zst") ?? "");
	bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
	writeFileSync(join(archive, "content.tar.zst"), bytes);
	let found = 0;
	for (let seed = 0; seed < 12; seed += 1) {
		const sample = { percent: 30, seed };
		// The middle of ten frames lies in the fifth, or at the very start of the sixth.
		const isRead = chooseFrames(10, sample).some((number) => number === 4 || number === 5);
		const sampled = await sampleContent({ archive, sample, signal }).then(
			() => "whole",
			({ code }) => code,
		);
		if (sampled === "archive-corrupt") found += 1;
		if (!isRead) assert.equal(sampled, "whole", `seed ${seed}`);
	}
	assert.ok(found > 0 && found < 12, `${found} of 12 samples found it`);
	await assert.rejects(sampleContent({ archive, sample: { percent: 100, seed: 1 }, signal }), {
		code: "archive-corrupt",
	});
});

test("a list of entries that is not the manifest's, or a content of another length, is found by any sample", async () => {
	const sample = { percent: 0.01, seed: 1 };
	for (const name of files) {
		truncateSync(join(archive, name), (good.get(name)?.length ?? 0) - 1);
		await assert.rejects(sampleContent({ archive, sample, signal }), { code: "archive-corrupt" }, name);
		writeFileSync(join(archive, name), good.get(name) ?? "");
	}
	const list = Buffer.from(good.get("entries.jsonl.zst") ?? "");
	list[20] = (list[20] ?? 0) ^ 4;
	writeFileSync(join(archive, "entries.jsonl.zst"), list);
	await assert.rejects(sampleContent({ archive, sample, signal }), { code: "archive-corrupt" });
});
