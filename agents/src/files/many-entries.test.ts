import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

// In memory where there is such a place: this is about entries, not about a disk.
const place = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
const scratch = mkdtempSync(join(place, "davit-many-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const filesInFolder = 1_000;

/**
 * In a process of its own, so that its peak is of this alone, with the flags that `davit start` gives an agent, and with a heap that is
 * collected before it grows: what is left is what is needed.
 */
const program = `
	const { plantArchive } = await import(${JSON.stringify(import.meta.resolve("./plant-archive.ts"))});
	const { verifyContent } = await import(${JSON.stringify(import.meta.resolve("./verify-content.ts"))});
	const [root, archive] = process.argv.slice(1);
	const { signal } = new AbortController();
	await plantArchive(root, archive, signal);
	const { entries } = await verifyContent({ archive, signal });
	console.log(JSON.stringify({ entries, peakKiB: process.resourceUsage().maxRSS }));`;

function growTo(folders: number): string {
	const root = join(scratch, "tree");
	for (let folder = 0; folder < folders; folder += 1) {
		const path = join(root, `${folder}`);
		if (existsSync(path)) continue;
		mkdirSync(path, { recursive: true });
		for (let file = 0; file < filesInFolder; file += 1) writeFileSync(join(path, `${file}.txt`), `${file}`);
	}
	return root;
}

function packAndRead(folders: number): number {
	const flags = ["--max-semi-space-size=1", "--optimize-for-size", "--max-old-space-size=40"];
	const words = [
		...flags,
		"--input-type=module",
		"--eval",
		program,
		growTo(folders),
		join(scratch, `archive-${folders}`),
	];
	const said = execFileSync(process.execPath, words, { encoding: "utf8", timeout: 60_000 });
	// What the program above prints.
	const { entries, peakKiB } = JSON.parse(said) as { entries: number; peakKiB: number };
	assert.equal(entries, folders * filesInFolder + folders + 1);
	return peakKiB / 1024;
}

test("an archive of 100,000 small files is written and read in the memory that one of 20,000 takes", (t) => {
	const [few, many] = [packAndRead(20), packAndRead(100)];
	t.diagnostic(`peak memory: ${Math.round(few)} MiB with 20,000 files, ${Math.round(many)} MiB with 100,000`);
	assert.ok(many < few + 30, `${many} MiB instead of ${few}`);
});
