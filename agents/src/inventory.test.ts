import assert from "node:assert/strict";
import { test } from "node:test";
import {
	FolderPath,
	HostName,
	Inventory,
	type InventoryResource,
	instantOf,
	OperationError,
	resourceId,
	VolumeName,
} from "@davit/protocol";
import { AgentConfig } from "./config.ts";
import { fitInventory, lookAround } from "./inventory.ts";

const host = HostName.parse("nas");

test("without an engine the folders are there, with the reason and the command that would help", async () => {
	const reason = new OperationError("docker-unreachable", "no engine answers", {
		hint: "sudo systemctl start docker",
	});
	const config = AgentConfig.parse({
		...{
			site: "home",
			host,
			home: "/nowhere",
			folders: ["/srv/photos"],
			broker: { url: "mqtt://127.0.0.1" },
		},
		...{ coordinatorKey: "A".repeat(60), resources: { "path:/srv/photos": { consistency: "stopped" } } },
	});
	const context = { host, config, now: () => 0 };
	const view = await lookAround({ engine: undefined, reason }, context, AbortSignal.timeout(5_000));
	const id = resourceId({ kind: "path", path: FolderPath.parse("/srv/photos") });
	assert.deepEqual(view.inventory.resources, [{ id, anonymous: false, consistency: "stopped", users: [] }]);
	const docker = view.capabilities.find(({ name }) => name === "docker");
	assert.deepEqual([docker?.available, docker?.hint], [false, "sudo systemctl start docker"]);
	assert.ok(Inventory.safeParse(view.inventory).success);
});

test("an inventory that fits is left alone", () => {
	const whole = inventory(10, false);
	assert.equal(fitInventory(whole), whole);
});

test("one that is too large loses its containers, then volumes without a name, then the rest from the end", () => {
	for (const [count, anonymous] of [
		[300, false],
		[700, true],
		[5_000, false],
	] as const) {
		const fitted = fitInventory(inventory(count, anonymous));
		assert.ok(Buffer.byteLength(JSON.stringify(fitted)) <= 60 * 1024);
		assert.deepEqual([fitted.truncated, fitted.containers], [true, []]);
		assert.ok(fitted.resources.length > 0);
	}
	assert.equal(fitInventory(inventory(300, false)).resources.length, 300);
	assert.equal(
		fitInventory(inventory(700, true)).resources.some(({ anonymous }) => anonymous),
		false,
	);
});

function inventory(count: number, anonymous: boolean): Inventory {
	const resources = Array.from({ length: count }, (_, index): InventoryResource => {
		const volume = VolumeName.parse(`volume-${index}`);
		const isAnonymous = anonymous && index % 2 === 1;
		const users = [{ container: `container-${index}`, state: "running", writes: true }];
		return {
			id: resourceId({ kind: "volume", volume }),
			anonymous: isAnonymous,
			consistency: "paused",
			users,
		};
	});
	const containers = resources.map(({ id }) => ({
		...{ name: `of ${id}`, image: "image", state: "running" },
		mounts: [{ type: "volume" as const, source: "s".repeat(100), target: "/data", writes: true }],
	}));
	return { version: 1, host, resources, containers, truncated: false, at: instantOf(0) };
}
