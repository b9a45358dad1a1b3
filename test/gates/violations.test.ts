import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gates } from "./gates.ts";
import { runGate } from "./run-gate.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const violations = join(root, "test", "violations");
const patches = readdirSync(violations).filter((name) => name.endsWith(".patch"));

/** The tree as it stands, with the tools linked and the workspaces its own. */
function copyTree(): string {
	const copy = mkdtempSync(join(tmpdir(), "davit-violation-"));
	const listed = spawnSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
		cwd: root,
	});
	assert.equal(listed.status, 0, String(listed.stderr));
	for (const name of listed.stdout.toString().split("\0").filter(Boolean)) {
		cpSync(join(root, name), join(copy, name), { recursive: true, errorOnExist: false });
	}
	mkdirSync(join(copy, "node_modules", "@davit"), { recursive: true });
	for (const name of readdirSync(join(root, "node_modules"))) {
		if (name === "@davit") continue;
		symlinkSync(join(root, "node_modules", name), join(copy, "node_modules", name));
	}
	for (const name of readdirSync(join(root, "node_modules", "@davit"))) {
		symlinkSync(join(copy, name), join(copy, "node_modules", "@davit", name));
	}
	return copy;
}

for (const patch of patches) {
	test(`the planted violation ${patch} turns its gate red`, async (t) => {
		const text = readFileSync(join(violations, patch), "utf8");
		const name = /^Gate: (\S+)$/m.exec(text)?.[1];
		const expected = /^Says: (.+)$/m.exec(text)?.[1];
		const gate = gates.find((candidate) => candidate.name === name);
		assert.ok(gate, `${patch} names no gate`);
		assert.ok(expected, `${patch} says not what the gate must print`);
		const copy = copyTree();
		t.after(() => rmSync(copy, { recursive: true, force: true }));
		const applied = spawnSync("git", ["apply", "--unsafe-paths", join(violations, patch)], { cwd: copy });
		assert.equal(applied.status, 0, String(applied.stderr));
		const verdict = await runGate(gate, copy, t.signal);
		assert.equal(verdict.passed, false, `${gate.name} let it through`);
		assert.ok(verdict.output.includes(expected), verdict.output);
	});
}

test("every kind of gate has a planted violation", () => {
	const planted = new Set(
		patches.map((patch) => /^Gate: (\S+?)(?::|$)/m.exec(readFileSync(join(violations, patch), "utf8"))?.[1]),
	);
	const missing = gates.map((gate) => gate.name.replace(/:.*/, "")).filter((name) => !planted.has(name));
	assert.deepEqual(missing, []);
});
