import { globSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";

// `npm test [-- WORD…]`: every test that can run where it is; a word keeps only the files whose path holds it.

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const words = process.argv.slice(2);

/** A file that hangs fails after this, and its process is ended, so that the others are still heard. */
const fileLimitMs = 20 * 60_000;
/** What has not begun by then is counted as failed: a run that somebody cuts off tells nobody anything. */
const wholeLimitMs = 75 * 60_000;
const slowest = 15;

/** Programs alone first, two at a time; then what starts engines and browsers, one at a time. */
const stages = [
	{ pattern: "{protocol,agents,coordinator,ha-integration,cli}/src/**/*.test.ts", concurrency: 2 },
	{ pattern: "test/**/*.test.ts", concurrency: 1 },
];

interface Counts {
	passed: number;
	failed: number;
	skipped: number;
}

const total: Counts = { passed: 0, failed: 0, skipped: 0 };
const leftOut: string[] = [];
const took = new Map<string, number>();
process.env["DAVIT_TEST_FILE_LIMIT_MS"] = String(fileLimitMs);
const whole = AbortSignal.timeout(wholeLimitMs);

for (const { pattern, concurrency } of stages) {
	const files = globSync(pattern, { cwd: root, exclude: (path) => path.includes("node_modules") })
		.filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
		.map((file) => join(root, file))
		.sort();
	if (files.length === 0) continue;
	const execArgv = [`--import=${join(root, "test/limit-file.ts")}`];
	const stream = run({ files, concurrency, cwd: root, execArgv, signal: whole });
	stream.on("test:pass", ({ name, skip, file }) => {
		if (skip === undefined || skip === false) return;
		leftOut.push(`${relative(root, file ?? "")}: ${name}${typeof skip === "string" ? ` (${skip})` : ""}`);
	});
	stream.on("test:summary", ({ file, counts, duration_ms: durationMs }) => {
		if (file !== undefined) {
			took.set(relative(root, file), durationMs);
			return;
		}
		total.passed += counts.passed;
		total.failed += counts.tests - counts.passed - counts.skipped - counts.todo;
		total.skipped += counts.skipped + counts.todo;
	});
	for await (const text of stream.compose(spec)) process.stdout.write(text);
}

if (words.length === 0) tellSlowest();
for (const line of leftOut) process.stdout.write(`left out: ${line}\n`);
if (whole.aborted) process.stdout.write(`stopped after ${wholeLimitMs / 60_000} minutes, before the end\n`);
process.stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
process.exitCode = total.failed === 0 && total.passed > 0 && !whole.aborted ? 0 : 1;

function tellSlowest(): void {
	const files = [...took].sort(([, left], [, right]) => right - left).slice(0, slowest);
	for (const [file, ms] of files) process.stdout.write(`took ${Math.round(ms / 1000)} s: ${file}\n`);
}
