import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { ResourcesDocument } from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import type { Host } from "../lab/host/open.ts";
import { type Laboratory, openLaboratory } from "../lab/laboratory.ts";
import { pollUntil } from "../lab/process/poll.ts";
import { openSite, type Site } from "./open-site.ts";
import { assertTold, toldBy } from "./read-page.ts";

// Copies of volumes that cannot be.

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(120_000);

suite("copies that cannot be, on a real engine", { skip: unavailable ?? false }, () => {
	let laboratory: Laboratory;
	let host: Host;
	let site: Site;

	before(async () => {
		laboratory = await openLaboratory({ hosts: [{ name: "nas", engine: "26.1" }] }, signal);
		host = laboratory.host("nas");
		for (const name of ["web", "other"]) await host.docker(["volume", "create", name]);
		site = await openSite({ socketPath: host.socketPath });
		const isListed = async () => {
			const { stdout } = await site.davit("list", "resources", "--json");
			return ResourcesDocument.parse(JSON.parse(stdout)).items.some(
				({ resource }) => resource === "volume:web",
			);
		};
		await pollUntil(isListed, { what: "the volume to be listed", timeoutMs: 20_000, signal });
	});
	after(async () => {
		await site?.[Symbol.asyncDispose]();
		await laboratory?.[Symbol.asyncDispose]();
	});

	test("a copy needs a volume that is there, and a name that nothing has", async () => {
		for (const [input, ...words] of [
			["a copy under a name that exists", "web", "--as", "other"],
			["a copy under a name that is none", "web", "--as", "../web"],
			["a copy without a name", "web"],
			["a copy of a volume that does not exist", `${site.host}/volume:absent`, "--as", "new"],
			["a copy of a folder", "photos", "--as", "new"],
		] as const) {
			assertTold(input, toldBy(await site.davit("copy", ...words)));
			const volumes = (await host.docker(["volume", "ls", "--quiet"])).split("\n").toSorted();
			assert.deepEqual(volumes, ["other", "web"], input);
		}
		const copied = await site.davit("copy", "web", "--as", "new");
		assert.equal(copied.exitCode, 0, copied.stderr);
		assert.ok((await host.docker(["volume", "ls", "--quiet"])).includes("new"), "what can be copied is");
	});
});
