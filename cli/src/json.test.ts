import assert from "node:assert/strict";
import test from "node:test";
import { ErrorDocument, ResultLine } from "@davit/protocol";
import { runProgram } from "./program.ts";
import * as documents from "./testing/documents.ts";
import { openFakeCoordinator } from "./testing/fake-coordinator.ts";
import { openContext } from "./testing/open-context.ts";
import { openHome } from "./testing/run-davit.ts";
import { commands } from "./tree/commands.ts";

const rounds = 2000;
const nasty = [
	"",
	"nas",
	"nas/grafana-data",
	"nas/grafana-data@latest",
	"7f3a",
	"rabcdefgh",
	"pabcdefgh",
	"no such thing",
	"../../etc/passwd",
	"a\nb",
	"\u001b[2J",
	"💾".repeat(50),
	"--",
	"-",
	"hosts",
	"archives",
	"--help",
	"--version",
	"--frob",
	"-q",
	"--plan",
	"--detach",
	"--confirm",
	"--confirm=grafana-data",
	"--timeout=0.01s",
	"--timeout=never",
	"--page=1",
	"--consistency=live",
];
/** Neither a process nor files are made here. */
const left = new Set(["start", "host join"]);

test(`whatever is typed with --json, standard output is JSON and what runs ends in one result (${rounds} lines)`, async () => {
	await using home = await openHome();
	await using coordinator = await openFakeCoordinator(home.path);
	const random = openRandom(20261122);
	const verbs = commands.filter((spec) => !left.has(spec.name));
	const seen = new Set<number>();
	for (let round = 0; round < rounds; round += 1) {
		coordinator.tellRun(
			documents.runDocument(random.pick(["succeeded", "failed", "running", "cancelled"] as const)),
		);
		const spec = random.pick(verbs);
		const words = [...spec.name.split(" "), ...random.some(nasty, 3), "--json"];
		// After it nothing is an option any more, --json neither.
		if (words.includes("--")) continue;
		const line = JSON.stringify(words);
		const { stdout, exitCode } = await run(words, home.path);
		seen.add(exitCode);
		const lines = stdout.split("\n").filter((text) => text !== "");
		const parsed = lines.map((text) => JSON.parse(text) as Record<string, unknown>); // a line that is no JSON throws
		assert.ok(parsed.length > 0, `${line} printed nothing`);
		const results = parsed.filter((document) => document["type"] === "result");
		const isText = parsed.length === 1 && parsed[0]?.["schema"] === "davit/text/1";
		const isPlan = parsed.length === 1 && parsed[0]?.["schema"] === "davit/plan/1";
		if (spec.runs === true && !isText && !isPlan) {
			assert.equal(results.length, 1, `${line}: ${stdout}`);
			assert.equal(ResultLine.parse(parsed.at(-1)).exitCode, exitCode, line);
		} else {
			assert.equal(parsed.length, 1, `${line}: ${stdout}`);
			const isError = parsed[0]?.["schema"] === "davit/error/1";
			assert.equal(isError, exitCode !== 0 && !isPlan, `${line} ended with ${exitCode}: ${stdout}`);
			if (isError) assert.equal(ErrorDocument.parse(parsed[0]).exitCode, exitCode, line);
		}
	}
	for (const code of [0, 1, 2, 9, 10, 130]) assert.ok(seen.has(code), `the lines never ended with ${code}`);
});

async function run(words: readonly string[], home: string): Promise<{ stdout: string; exitCode: number }> {
	const wish = { json: words.includes("--json"), quiet: words.includes("-q"), mayAsk: false };
	const context = openContext(home, { wish });
	// A run that goes on is left after a moment.
	const going = words.some((word) => word.startsWith("--timeout")) ? words : withTimeout(words);
	const exitCode = await runProgram(going, context, "0.0.0");
	return { stdout: context.written.out, exitCode };
}

function withTimeout(words: readonly string[]): readonly string[] {
	const typed = words.join(" ");
	const spec = commands.find(({ name, runs }) => runs === true && `${typed} `.startsWith(`${name} `));
	const length = spec?.name.split(" ").length ?? 0;
	return length === 0 ? words : [...words.slice(0, length), "--timeout=0.05s", ...words.slice(length)];
}

/** Numbers that are the same each time (mulberry32). */
function openRandom(seed: number) {
	let state = seed;
	const next = (below: number): number => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
	};
	const pick = <Value>(values: readonly Value[]): Value => {
		const value = values[next(values.length)];
		if (value === undefined) throw new RangeError("nothing to pick from");
		return value;
	};
	return {
		pick,
		some: <Value>(values: readonly Value[], most: number) =>
			Array.from({ length: next(most + 1) }, () => pick(values)),
	};
}
