import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

interface Row {
	readonly number: number;
	readonly fault: string;
	readonly files: readonly string[];
}

test("docs/faults.md has its rows in order, and each names tests that exist", () => {
	const rows = readRows();
	assert.deepEqual(
		rows.map(({ number }) => number),
		rows.map(({ number }) => number).sort((left, right) => left - right),
	);
	for (const { fault, files } of rows) {
		assert.ok(files.length > 0, `no test is named for: ${fault}`);
		for (const file of files) assert.ok(existsSync(join(root, file)), `${fault}: ${file} does not exist`);
	}
});

function readRows(): Row[] {
	const text = readFileSync(join(root, "docs", "faults.md"), "utf8");
	return text
		.split("\n")
		.filter((line) => line.startsWith("| ") && !line.startsWith("| fault |"))
		.map((line) => {
			const cells = line.split("|").map((cell) => cell.trim());
			const [, fault = "", answer = "", tests = ""] = cells;
			const number = /^F(\d+) \S/.exec(fault)?.[1];
			assert.ok(number !== undefined, `a fault's row begins with its number, as in "F9 …": ${line}`);
			assert.notEqual(answer, "", line);
			const files = [
				...tests.matchAll(/`((?:agents|coordinator|ha-integration|protocol|cli|test)\/[^`]+\.test\.ts)`/g),
			];
			return { number: Number(number), fault, files: files.map(([, file = ""]) => file) };
		});
}
