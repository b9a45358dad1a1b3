import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Decrypter, Encrypter } from "age-encryption";
import { makeIdentity, makeSeal, openHeader, recipientOf, requireRecipient } from "./age-header.ts";
import { headerIn } from "./find-header.ts";
import { StoredReader } from "./read-stored.ts";
import { chunkBytes } from "./seal-chunks.ts";
import { StoredWriter } from "./write-stored.ts";

const scratch = mkdtempSync(join(tmpdir(), "davit-encryption-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const identity = await makeIdentity();
const recipient = await recipientOf(identity, "a test");
let made = 0;

const sizes = [0, 1, chunkBytes - 1, chunkBytes, chunkBytes + 1, 3 * chunkBytes, 5 * chunkBytes + 77];

function content(bytes: number): Buffer {
	return Buffer.from(Array.from({ length: bytes }, (_, at) => (at * 7 + (at >> 9)) & 0xff));
}

async function store(bytes: Buffer, recipients = [recipient]): Promise<{ path: string; fileKey: string }> {
	made += 1;
	const path = join(scratch, `${made}.age`);
	const seal = await makeSeal(recipients);
	using file = new StoredWriter(path, seal);
	// In parts that fit no chunk.
	for (let at = 0; at < bytes.length; at += 50_001) file.append(bytes.subarray(at, at + 50_001));
	file.finish();
	return { path, fileKey: seal.fileKey };
}

test("what Davit encrypts is opened by the age library, whatever its size", async () => {
	for (const size of sizes) {
		const { path } = await store(content(size));
		const decrypter = new Decrypter();
		decrypter.addIdentity(identity);
		assert.deepEqual(
			Buffer.from(await decrypter.decrypt(readFileSync(path))),
			content(size),
			`${size} bytes`,
		);
	}
});

test("what the age library encrypts is read by Davit at any position", async () => {
	for (const size of sizes) {
		const encrypter = new Encrypter();
		encrypter.addRecipient(recipient);
		const file = join(scratch, `library-${size}.age`);
		writeFileSync(file, await encrypter.encrypt(content(size)));
		const fileKey = await openHeader(headerIn(readFileSync(file)) ?? Buffer.alloc(0), [identity]);
		using stored = new StoredReader(file, fileKey);
		assert.equal(stored.bytes, size);
		for (const [from, bytes] of [
			[0, size],
			[size >> 1, size >> 2],
			[Math.max(0, size - 9), Math.min(9, size)],
		]) {
			assert.deepEqual(
				stored.read(from ?? 0, bytes ?? 0),
				content(size).subarray(from, (from ?? 0) + (bytes ?? 0)),
			);
		}
	}
});

test("the sum of an encrypted file is of what is on the disk, in whatever order it was read", async () => {
	const { path, fileKey } = await store(content(5 * chunkBytes + 77));
	made += 1;
	const again = join(scratch, `${made}`);
	using plain = new StoredWriter(again, undefined);
	plain.append(readFileSync(path));
	const expected = plain.finish();
	for (const positions of [[0, 100_000, 200_000], [200_000, 0, 100_000], []]) {
		using stored = new StoredReader(path, fileKey);
		for (const position of positions) stored.read(position, 100_000);
		assert.deepEqual(stored.summary(), expected);
	}
});

test("a file that is cut, turned over or put together anew is not read", async () => {
	const { path, fileKey } = await store(content(3 * chunkBytes + 5));
	const good = readFileSync(path);
	const start = (headerIn(good)?.length ?? 0) + 16;
	const sealed = chunkBytes + 16;
	const swapped = Buffer.concat([
		good.subarray(0, start),
		good.subarray(start + sealed, start + 2 * sealed),
		good.subarray(start, start + sealed),
		good.subarray(start + 2 * sealed),
	]);
	const flipped = Buffer.from(good);
	flipped[start + 2 * sealed + 17] = (flipped[start + 2 * sealed + 17] ?? 0) ^ 1;
	const whole = {
		cut: good.subarray(0, -1),
		"cut after a chunk": good.subarray(0, start + 2 * sealed),
		swapped,
		flipped,
	};
	for (const [how, bytes] of Object.entries({ ...whole, "cut in its header": good.subarray(0, 60) })) {
		writeFileSync(path, bytes);
		const read = () => {
			using stored = new StoredReader(path, fileKey);
			stored.read(0, stored.bytes);
		};
		assert.throws(read, { code: "archive-corrupt" }, how);
	}
	using _closed = new StoredReader((await store(content(9))).path, undefined);
});

test("only a recipient finds the key of a file, each of them the same", async () => {
	const [other, stranger] = [await makeIdentity(), await makeIdentity()];
	const { path, fileKey } = await store(content(9), [recipient, await recipientOf(other, "a test")]);
	const header = headerIn(readFileSync(path)) ?? Buffer.alloc(0);
	assert.equal(await openHeader(header, [stranger]), undefined);
	assert.equal(await openHeader(header, [stranger, other]), fileKey);
	assert.equal(await openHeader(header, [identity]), fileKey);
});

test("what is no key is refused, and the message does not hold it", async () => {
	const broken = `${identity.slice(0, -1)}${identity.endsWith("Q") ? "P" : "Q"}`;
	for (const wrong of [broken, identity.toLowerCase(), identity.slice(0, -1), "AGE-SECRET-KEY-PQ-1ABC", ""]) {
		await assert.rejects(recipientOf(wrong, "key.txt"), ({ code, message }) => {
			assert.equal(code, "key-invalid");
			assert.match(message, /^key\.txt/);
			return wrong === "" || !message.includes(wrong.slice(17, 40));
		});
	}
	const flawed = `${recipient.slice(0, -1)}${recipient.endsWith("q") ? "p" : "q"}`;
	for (const wrong of [flawed, `${recipient}q`, identity, "age1pq1abc", "ssh-ed25519 AAAA"]) {
		await assert.rejects(requireRecipient(wrong, "recipients.txt"), { code: "key-invalid" });
	}
	assert.equal(await requireRecipient(recipient, "recipients.txt"), recipient);
});
