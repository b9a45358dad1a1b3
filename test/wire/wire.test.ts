import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import {
	Description,
	HostName,
	Inventory,
	Manifest,
	openCommand,
	Presence,
	Report,
	Request,
	ResourceArchives,
	ResourceState,
	ResourceStatus,
	Response,
	Run,
	readPublicKey,
	SiteName,
	Sync,
} from "@davit/protocol";
import { z } from "zod";

// Golden messages of every version that was ever released. They are never changed: later versions must read them for ever.

const schemas: Record<string, z.ZodType> = {
	description: Description,
	inventory: Inventory,
	manifest: Manifest,
	presence: Presence,
	report: Report,
	request: Request,
	"resource-archives": ResourceArchives,
	"resource-state": ResourceState,
	"resource-status": ResourceStatus,
	response: Response,
	run: Run,
	sync: Sync,
};

const Signed = z.object({ publicKey: z.string(), message: z.string() });
const folder = new URL("./", import.meta.url);
const golden = readdirSync(folder).filter((name) => name.endsWith(".json"));
const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, folder), "utf8"));
const addressee = { site: SiteName.parse("home"), host: HostName.parse("nas") };

for (const name of golden) {
	const kind = name.replace(/\.v\d+\.json$/, "");
	test(`the golden message ${name} is still read, and nothing of it is lost`, () => {
		if (kind.startsWith("command-")) {
			const { publicKey, message } = Signed.parse(read(name));
			const command = openCommand(Buffer.from(message), {
				...addressee,
				publicKey: readPublicKey(publicKey),
			});
			assert.equal(`command-${command.kind}`, kind);
			assert.equal(command.epoch, 3);
			return;
		}
		const schema = schemas[kind];
		assert.ok(schema, `no schema for ${name}`);
		assert.deepEqual(schema.parse(read(name)), read(name));
	});
}

test("every kind of message has a golden one", () => {
	const kinds = new Set(golden.map((name) => name.replace(/\.v\d+\.json$/, "")));
	const wanted = [
		...Object.keys(schemas),
		"command-run",
		"command-cancel",
		"command-receipt",
		"command-welcome",
	];
	assert.deepEqual(
		wanted.filter((kind) => !kinds.has(kind)),
		[],
	);
});

test("a golden command with one changed byte, for another host, or of a newer version is refused", () => {
	const { publicKey, message } = Signed.parse(read("command-run.v1.json"));
	const key = readPublicKey(publicKey);
	const altered = message.replace(
		/"payload":"(.)/,
		(_all, first) => `"payload":"${first === "e" ? "f" : "e"}`,
	);
	assert.throws(() => openCommand(Buffer.from(altered), { ...addressee, publicKey: key }), {
		code: "command-forged",
	});
	const pi = HostName.parse("pi");
	assert.throws(() => openCommand(Buffer.from(message), { ...addressee, host: pi, publicKey: key }), {
		code: "command-foreign",
	});
});
