import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { exitCodes } from "@davit/cli/command-error.ts";
import { commands } from "@davit/cli/tree/commands.ts";
import { failures } from "@davit/protocol";
import { commandPage } from "./cli.ts";
import { errorsPage } from "./errors.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const pages = ["README.md", ...globSync("docs/**/*.md", { cwd: root })];

test("docs/errors.md is what the table of failures says", () => {
	assert.equal(readFileSync(join(root, "docs", "errors.md"), "utf8"), errorsPage());
});

test("docs/cli.md is what the command tree and the schemas say, with every command and exit code", () => {
	const page = readFileSync(join(root, "docs", "cli.md"), "utf8");
	assert.equal(page, commandPage());
	for (const { name } of commands) assert.ok(page.includes(`### davit ${name}\n`), name);
	const codes = [...Object.values(exitCodes), ...Object.values(failures).map(({ exitCode }) => exitCode)];
	for (const code of codes) assert.match(page, new RegExp(`^\\| ${code} \\|`, "m"), String(code));
	for (const name of commands.flatMap((spec) => spec.documents))
		assert.ok(page.includes(`### ${name}\n`), name);
});

test("every link between documents leads somewhere", () => {
	const broken = pages.flatMap((page) =>
		[...readFileSync(join(root, page), "utf8").matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)]
			.map((match) => match[1] ?? "")
			.filter((target) => !existsSync(join(root, dirname(page), target)))
			.map((target) => `${page}: ${target}`),
	);
	assert.deepEqual(broken, []);
});

test("every file that a document names in backticks exists", () => {
	const named =
		/`((?:protocol|agents|coordinator|ha-integration|cli|test|docs|deploy)\/[a-z0-9./_-]*(?:\/|\.(?:ts|js|md|json|png)))`/g;
	const missing = pages.flatMap((page) =>
		[...readFileSync(join(root, page), "utf8").matchAll(named)]
			.map((match) => match[1] ?? "")
			.filter((path) => !existsSync(join(root, path)))
			.map((path) => `${page}: ${path}`),
	);
	assert.deepEqual(missing, []);
});

test("every command that a document shows is one that davit has", () => {
	const names = new Set(commands.map(({ name }) => name));
	const unknown = pages.flatMap((page) =>
		[...readFileSync(join(root, page), "utf8").matchAll(/(?:^|[`$]\s*|npx )davit ([a-z-]+)(?: ([a-z-]+))?/gm)]
			.filter(([, verb = "", second = ""]) => !names.has(verb) && !names.has(`${verb} ${second}`))
			.map(([shown]) => `${page}: ${shown}`),
	);
	assert.deepEqual(unknown, []);
});
