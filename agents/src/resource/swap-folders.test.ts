import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { OperationError } from "@davit/protocol";
import {
	bringForward,
	presenceOfPutInPlace,
	presenceOfSetAside,
	putInPlace,
	removeFolder,
	type Swap,
	setAside,
} from "./swap-folders.ts";

test("a swap puts the new data in place and keeps the old beside it", async (t) => {
	const swap = await prepare(t);
	assert.equal(await presenceOfSetAside(swap), "absent");
	await setAside(swap);
	assert.equal(await presenceOfSetAside(swap), "complete");
	assert.equal(await presenceOfPutInPlace(swap), "absent");
	await putInPlace(swap);
	assert.equal(await presenceOfPutInPlace(swap), "complete");
	assert.equal(await readFile(join(swap.folder, "file"), "utf8"), "new");
	assert.equal(await readFile(join(swap.kept, "file"), "utf8"), "old");
});

test("what was set aside is brought back, also when it is asked for twice", async (t) => {
	const swap = await prepare(t);
	await setAside(swap);
	await bringForward(swap);
	await bringForward(swap);
	assert.equal(await readFile(join(swap.folder, "file"), "utf8"), "old");
});

test("bringing back harms nothing where nothing was set aside", async (t) => {
	const swap = await prepare(t);
	await bringForward(swap);
	assert.equal(await readFile(join(swap.folder, "file"), "utf8"), "old");
});

test("an empty folder that the engine made in the gap does not stop the old data from coming back", async (t) => {
	const swap = await prepare(t);
	await setAside(swap);
	await mkdir(swap.folder);
	await bringForward(swap);
	assert.equal(await readFile(join(swap.folder, "file"), "utf8"), "old");
});

test("something that was written in the gap is never replaced", async (t) => {
	const swap = await prepare(t);
	await setAside(swap);
	await mkdir(swap.folder);
	await writeFile(join(swap.folder, "strange"), "");
	await assert.rejects(bringForward(swap), withCode("resource-in-use"));
	await assert.rejects(putInPlace(swap), withCode("resource-in-use"));
	assert.deepEqual(await readdir(swap.folder), ["strange"]);
	assert.equal(await readFile(join(swap.kept, "file"), "utf8"), "old");
});

test("a folder that is gone already is removed without complaint", async (t) => {
	const swap = await prepare(t);
	await removeFolder(swap.incoming);
	await removeFolder(swap.incoming);
	await assert.rejects(readdir(swap.incoming), { code: "ENOENT" });
});

async function prepare(t: TestContext): Promise<Swap> {
	const parent = await mkdtemp(join(tmpdir(), "davit-swap-"));
	t.after(() => rm(parent, { recursive: true }));
	const swap = { folder: join(parent, "data"), incoming: join(parent, "new"), kept: join(parent, "old") };
	await mkdir(swap.folder);
	await mkdir(swap.incoming);
	await writeFile(join(swap.folder, "file"), "old");
	await writeFile(join(swap.incoming, "file"), "new");
	return swap;
}

function withCode(code: string) {
	return (error: unknown) => error instanceof OperationError && error.code === code;
}
