import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { newId } from "@davit/protocol";
import { surveyFolder } from "../stack/swap-facts.ts";
import { sweepScratch } from "./sweep-scratch.ts";

test("what a plan of a stack had unpacked is removed once the plan is over, and an undo's files stay", async (t) => {
	const home = await mkdtemp(join(tmpdir(), "davit-sweep-"));
	t.after(() => rm(home, { recursive: true }));
	const config = { home, archivesPath: join(home, "archives"), folders: [] };
	const [open, over] = [newId(), newId()];
	const kept = join(home, "stacks", `${over}-kept`);
	for (const folder of [surveyFolder(config, open), surveyFolder(config, over), kept]) {
		await mkdir(folder, { recursive: true });
		await writeFile(join(folder, ".env"), "PASSWORD=swordfish");
	}
	const isOpen = (command: string) => command === open;
	const sweep = { engine: undefined, config, isOpen };
	assert.deepEqual(await sweepScratch(sweep, AbortSignal.timeout(5_000)), [surveyFolder(config, over)]);
	assert.deepEqual(await readdir(join(home, "stacks")), [`${open}-survey`, `${over}-kept`].sort());
});
