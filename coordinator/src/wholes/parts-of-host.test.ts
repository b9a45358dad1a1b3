import assert from "node:assert/strict";
import { test } from "node:test";
import { type InventoryResource, ResourceId } from "@davit/protocol";
import { partsOfHost } from "./parts-of-host.ts";

test("everything on a host is its stacks, then what is in none of them, and nothing twice", () => {
	const listed = [
		resource("path:/srv/photos"),
		resource("volume:media_data"),
		resource("volume:lonely"),
		resource("stack:media", ["volume:media_data"]),
	];
	assert.deepEqual(partsOfHost(listed), ["stack:media", "path:/srv/photos", "volume:lonely"]);
});

test("a stack whose files cannot be read does not keep its volumes from being backed up", () => {
	const listed = [resource("stack:media"), resource("volume:media_data")];
	assert.deepEqual(partsOfHost(listed), ["volume:media_data"]);
});

test("a volume without a name of its own is left out", () => {
	assert.deepEqual(partsOfHost([{ ...resource("volume:0123"), anonymous: true }]), []);
});

function resource(id: string, covers?: readonly string[]): InventoryResource {
	return {
		...{ id: ResourceId.parse(id), anonymous: false, consistency: "paused", users: [] },
		...(covers === undefined ? {} : { covers: covers.map((one) => ResourceId.parse(one)) }),
	};
}
