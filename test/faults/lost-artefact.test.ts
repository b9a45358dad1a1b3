import assert from "node:assert/strict";
import { cpSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { boundFiles, type KeptArchive, openShelf, type Shelf } from "./open-shelf.ts";

const signal = AbortSignal.timeout(60_000);
let shelf: Shelf;

before(async () => {
	shelf = await openShelf(signal);
});
after(() => rmSync(shelf.folder, { recursive: true, force: true }));

test("a file that an archive lacks is named, and every other archive is restored", async () => {
	for (const name of boundFiles) {
		const { archive, folder, files } = keptAt(0);
		rmSync(join(folder, name));
		assert.ok(!existsSync(join(folder, name)));
		const why = name === "MANIFEST.json.sig" ? /not signed/ : new RegExp(name.replaceAll(".", "\\."));
		// Without its manifest it is no archive.
		const refusal = name === "MANIFEST.json" ? { code: "archive-not-found" } : { message: why };
		await assert.rejects(shelf.archives.verify(archive, { signal }), refusal, name);
		for (const other of shelf.kept.slice(1)) assert.equal(await shelf.restore(other.archive), "restored");
		writeFileSync(join(folder, name), files.get(name) ?? "");
	}
	await shelf.archives.verify(keptAt(0).archive, { signal });
});

test("two archives with one id are told apart by nobody, so neither is restored, verified or drilled", async () => {
	const [{ archive, folder }, other] = [keptAt(0), keptAt(2)];
	const second = join(dirname(other.folder), `20250101T000000Z-${archive}`);
	cpSync(other.folder, second, { recursive: true });
	for (const refused of [
		() => shelf.archives.find(archive),
		() => shelf.archives.findSound(archive),
		() => shelf.archives.verify(archive, { signal }),
		() => shelf.archives.sample(archive, { sample: { percent: 1, seed: 1 }, signal }),
	]) {
		await assert.rejects(refused, { code: "archive-corrupt", message: /cannot be told from another/ });
	}
	assert.equal(await shelf.restore(archive), "archive-corrupt");
	rmSync(second, { recursive: true });
	assert.ok(existsSync(folder));
	assert.equal(await shelf.restore(archive), "restored");
});

function keptAt(place: number): KeptArchive {
	const kept = shelf.kept[place];
	assert.ok(kept !== undefined);
	return kept;
}
