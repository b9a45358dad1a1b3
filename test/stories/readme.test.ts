import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";

import { join } from "node:path";
import { test } from "node:test";
import { hostNameOfMachine } from "@davit/cli/start/agent-settings.ts";
import { openHome, runDavit } from "@davit/cli/testing/run-davit.ts";
import { environment, startEverything } from "./start-everything.ts";

/** What differs from run to run, by its kind. */
function masked(text: string): string {
	return (
		text
			.replaceAll(/\b[0-9a-f]{10}\b/g, "ARCHIVE")
			.replaceAll(/\bp[a-z2-7]{8}\b/g, "PLAN")
			.replaceAll(/\br[a-z2-7]{8}\b/g, "RUN")
			.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d \([^)]*\)/g, "TIME")
			.replaceAll(/\bin [\d.]+ s\b/g, "in SECONDS")
			// What is left of a quarter of an hour when the plan is shown.
			.replaceAll(/\bvalid for 1[45] min( \d+ s)?/g, "valid for MINUTES")
			.replaceAll(/of [\d.]+ [kMGT]B free/g, "of SPACE free")
			.trimEnd()
	);
}

test("the README's second block prints what it shows", async () => {
	const page = await readFile(new URL("../../README.md", import.meta.url), "utf8");
	const [, second = ""] = [...page.matchAll(/```console\n([\s\S]*?)```/g)].map(([, text]) => text ?? "");
	await using home = await openHome();
	await using parent = await openHome();
	const folder = join(parent.path, "photos");
	await mkdir(folder);
	await writeFile(join(folder, "a.jpg"), randomBytes(20_000_000));
	await using _davit = await startEverything(home.path, ["--folder", folder]);
	const here = (text: string) =>
		text.replaceAll("/srv/photos", folder).replaceAll("nas/path", `${hostNameOfMachine()}/path`);
	let plan = "";
	let commands = 0;
	for (const part of second.split(/^\$ /m).filter((text) => text !== "")) {
		const [line = "", ...expected] = part.trimEnd().split("\n");
		if (line.startsWith("rm ")) {
			await rm(here(line.slice("rm ".length)));
			continue;
		}
		const words = here(line)
			.replace(/\bp[a-z2-7]{8}\b/, plan)
			.split(" ")
			.slice(2);
		const { stdout, stderr, exitCode } = await runDavit(home.path, words, environment);
		assert.equal(exitCode, 0, stderr);
		assert.equal(masked(stdout), masked(here(expected.join("\n"))), line);
		plan = /\bp[a-z2-7]{8}\b/.exec(stdout)?.[0] ?? plan;
		commands += 1;
	}
	assert.equal(commands, 3);
});
