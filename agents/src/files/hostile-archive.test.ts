import assert from "node:assert/strict";
import { existsSync, lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Bytes, ResourceId } from "@davit/protocol";
import { numbersFrom, seedOf } from "@davit/protocol/testing/seed.ts";
import { forgeArchive } from "./plant-archive.ts";
import { isRoot } from "./plant-corpus.ts";
import { ByteSource } from "./read-bytes.ts";
import { TarReader } from "./read-tar.ts";
import { TarDamage } from "./tar-header.ts";
import type { TreeEntry } from "./tree-entry.ts";
import { unpackTree } from "./unpack-tree.ts";
import { checksum, endMarker, padded, tarHeader } from "./write-tar.ts";

const scratch = mkdtempSync(join(tmpdir(), "davit-hostile-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const signal = AbortSignal.timeout(120_000);
let made = 0;

function place(): string {
	made += 1;
	return join(scratch, `${made}`);
}

test("an archive of more entries than its manifest says ends the unpacking at the first of them", async () => {
	const [archive, target] = [place(), place()];
	const many = Array.from({ length: 5000 }, (_, at) => ({ path: `d${at}` }));
	await forgeArchive(archive, [{}, ...many], { entries: 3 });
	await assert.rejects(unpackTree({ archive, target, signal }), {
		code: "archive-corrupt",
		message: /more entries than its manifest says/,
	});
	assert.deepEqual(readdirSync(target), ["d0", "d1"]);
});

test("an archive of more content than its manifest says ends the unpacking at once", async () => {
	const [archive, target] = [place(), place()];
	const zeros = Buffer.alloc(32 * 1024 * 1024);
	await forgeArchive(archive, [{}, { path: "bomb", type: "file", size: zeros.length, bytes: zeros }], {
		// A count of bytes.
		contentBytes: 100 as Bytes,
	});
	await assert.rejects(unpackTree({ archive, target, signal }), {
		code: "archive-corrupt",
		message: /its files hold more than its manifest says/,
	});
	assert.equal(lstatSync(join(target, "bomb")).size, 0);
});

const needsRoot = { skip: !isRoot && "needs root, to make devices" };

test(
	"a disk's device is never made in a folder of the host, the harmless ones of a chroot are",
	needsRoot,
	async () => {
		// As `resourceId` makes it.
		const resource = "path:/srv/photos" as ResourceId;
		for (const [type, device] of [
			["block-device", [8, 0]],
			["character-device", [1, 1]],
		] as const) {
			const [archive, target] = [place(), place()];
			await forgeArchive(archive, [{}, { path: "evil", type, device }], { resource });
			await assert.rejects(unpackTree({ archive, target, signal }), {
				code: "path-not-allowed",
				message: /evil is a device \((?:block|character)-device \d:\d\), which Davit never makes/,
			});
			assert.equal(existsSync(join(target, "evil")), false);
		}
		const [archive, target] = [place(), place()];
		await forgeArchive(archive, [{}, { path: "null", type: "character-device", device: [1, 3] }], {
			resource,
		});
		await unpackTree({ archive, target, signal });
		assert.ok(lstatSync(join(target, "null")).isCharacterDevice());
	},
);

/** One of each kind, with every record that there is. */
function honestTar(): Buffer {
	const plain = { mode: 0o755, uid: 3_000_000_000, gid: 0, size: 0, mtimeNs: 1_700_000_000_123_456_789n };
	const xattrs = new Map([["user.note", Buffer.from("an attribute")]]);
	const entries: TreeEntry[] = [
		{ ...plain, path: ".", type: "directory", xattrs },
		{ ...plain, path: `${"d".repeat(120)}`, type: "directory" },
		{ ...plain, path: `${"d".repeat(120)}/file`, type: "file", size: 700 },
		{ ...plain, path: "hard", type: "hardlink", target: "first" },
		{ ...plain, path: "link", type: "symlink", target: "../../etc/passwd" },
		{ ...plain, path: "null", type: "character-device", device: [1, 3] },
		{ ...plain, path: "pipe", type: "fifo" },
		{ ...plain, path: "sparse", type: "file", size: 1 << 30, sparse: [[512, 300]] },
	];
	const blocks = entries.flatMap((entry) => {
		const bytes = entry.sparse === undefined ? entry.size : 300;
		return [tarHeader(entry), Buffer.alloc(padded(bytes), "x")];
	});
	return Buffer.concat([...blocks, endMarker]);
}

class CutOff extends Error {}

/** Reads a tar to its end, as a restore does, and checks each entry; what it throws is damage and nothing else. */
async function readAll(tar: Buffer): Promise<"whole" | "damaged"> {
	async function* chunks(): AsyncGenerator<Buffer> {
		yield tar;
	}
	const reader = new TarReader(new ByteSource(chunks(), () => new CutOff()));
	let contentBytes = 0;
	try {
		for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) {
			requireTame(entry);
			for (let part = await reader.content(); part !== undefined; part = await reader.content()) {
				contentBytes += part.length;
			}
		}
	} catch (error) {
		if (!(error instanceof TarDamage) && !(error instanceof CutOff)) throw error;
		return "damaged";
	}
	assert.ok(contentBytes <= tar.length);
	return "whole";
}

function requireTame({ path, type, target = "", size, sparse }: TreeEntry): void {
	for (const name of type === "hardlink" ? [path, target] : [path]) {
		const parts = name.split("/");
		const isTame = name === "." || parts.every((part) => part !== "" && part !== "." && part !== "..");
		assert.ok(isTame && !name.includes("\0"), `a path leads out: ${JSON.stringify(name)}`);
	}
	assert.ok(Number.isSafeInteger(size) && size >= 0, `a size is ${size}`);
	for (const [offset, length] of sparse ?? [])
		assert.ok(offset >= 0 && length > 0 && offset + length <= size);
}

test("4000 mutations of a tar are read to their end or called damaged, and none leads out of its tree", async (t) => {
	const tar = honestTar();
	assert.equal(await readAll(tar), "whole");
	const seed = seedOf(t);
	const next = numbersFrom(seed);
	const counts = { whole: 0, damaged: 0 };
	for (let round = 0; round < 4000; round += 1) {
		const mutated = mutate(tar, next);
		try {
			counts[await readAll(mutated)] += 1;
		} catch (error) {
			throw new Error(`seed ${seed}, round ${round}`, { cause: error });
		}
	}
	assert.ok(counts.damaged > 1000 && counts.whole > 100, JSON.stringify(counts));
});

/** Some bytes changed, blocks swapped, or the end cut; then checksums made good, or nearly every change would end there. */
function mutate(tar: Buffer, next: (limit: number) => number): Buffer {
	const mutated = Buffer.from(tar);
	const words = ["../", "/", "..", "\0", "9".repeat(16), "-1", "=", "\n", "GNU.sparse.map", "SCHILY.xattr."];
	for (let count = 1 + next(4); count > 0; count -= 1) {
		const at = next(mutated.length);
		const kind = next(4);
		if (kind === 0) mutated[at] = next(256);
		else if (kind === 1) mutated.write(words[next(words.length)] ?? "", at, "latin1");
		else if (kind === 2)
			mutated.copy(mutated, next(mutated.length / 512) * 512, (at >> 9) << 9, ((at >> 9) + 1) << 9);
		else mutated.write(next(2 ** 31).toString(8), ((at >> 9) << 9) + 124, "latin1");
	}
	for (let block = 0; block < mutated.length; block += 512) mend(mutated.subarray(block, block + 512));
	return next(10) === 0 ? mutated.subarray(0, next(mutated.length)) : mutated;
}

function mend(block: Buffer): void {
	if (block.toString("latin1", 257, 262) !== "ustar") return;
	block.write(`${checksum(block).toString(8).padStart(6, "0")}\0 `, 148, "latin1");
}
