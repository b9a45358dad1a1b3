import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { exitCodes } from "@davit/cli/command-error.ts";
import { failures } from "@davit/protocol";
import { rows } from "./read-page.ts";

const suites = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".test.ts"));
const sources = new Map(suites.map((name) => [name, readFileSync(`${import.meta.dirname}/${name}`, "utf8")]));

test("every line of docs/bad-input.md names a test that exists and proves that line", () => {
	assert.ok(rows.length > 40);
	for (const { input, file, title } of rows) {
		const source = sources.get(file) ?? "";
		const start = source.indexOf(`(${JSON.stringify(title)}`);
		assert.notEqual(start, -1, `${file} has no test "${title}" (${input})`);
		const next = source.indexOf("\ntest(", start);
		const body = source.slice(start, next === -1 ? source.length : next);
		assert.ok(body.includes(JSON.stringify(input)), `"${title}" does not prove: ${input}`);
	}
});

test("every line of docs/bad-input.md has a known code, its exit code, and says what next", () => {
	const known = new Map<string, number>(
		Object.entries(failures).map(([code, { exitCode }]) => [code, exitCode]),
	);
	const ofCommand: readonly number[] = Object.values(exitCodes);
	for (const { input, code, exitCode, sentence, next } of rows) {
		assert.ok(known.has(code) && ofCommand.includes(exitCode), `${input}: ${code} ${exitCode}`);
		// A plan that cannot run ends with 4 whatever keeps it from it.
		assert.ok(
			exitCode === known.get(code) || exitCode === exitCodes.blocked,
			`${input}: ${code} ends otherwise`,
		);
		assert.ok(sentence.length > 15 && next.length > 4, input);
	}
});

test("no input stands in docs/bad-input.md twice, and none is tested that it does not have", () => {
	const inputs = rows.map(({ input }) => input);
	assert.equal(new Set(inputs).size, inputs.length);
	for (const [file, source] of sources) {
		for (const [, input = ""] of source.matchAll(
			/^\s*(?:await )?(?:assertTold|refused|dropped)\(\s*"([^"]+)"/gm,
		)) {
			assert.ok(inputs.includes(input), `${file} proves what the page does not have: ${input}`);
		}
	}
});
