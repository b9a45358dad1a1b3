import assert from "node:assert/strict";
import { mkdir, mkdtemp, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { FolderPath, type ResourceId, resourceId, VolumeName } from "@davit/protocol";
import { commandLabel } from "../docker/command-label.ts";
import type { EngineContainer, EngineMount } from "../docker/engine.ts";
import { findUsers, surveyMounts } from "./find-users.ts";

const volume = resourceId({ kind: "volume", volume: VolumeName.parse("web") });

test("a volume's users are those that mount it by name, writers and readers", async () => {
	const containers = [
		container("b", { type: "volume", volume: "web", writes: true }),
		container("a", { type: "volume", volume: "web", writes: false }),
		container("c", { type: "volume", volume: "other", writes: true }),
	];
	const users = await usersOf(volume, "/nowhere/web/_data", containers);
	assert.deepEqual(users, [
		["a", "reads", "holds"],
		["b", "writes", "holds"],
	]);
});

test("who mounts a part of a folder holds it; who mounts what surrounds it only may write to it", async (t) => {
	const { folder, parent, id } = await makeFolder(t);
	const containers = [
		container("exact", { source: folder, writes: true }),
		container("inside", { source: join(folder, "sub"), writes: true }),
		container("around", { source: parent, writes: true }),
		container("watcher", { source: "/", writes: false }),
		container("sibling", { source: `${folder}-2`, writes: true }),
	];
	assert.deepEqual(await usersOf(id, folder, containers), [
		["around", "writes", ""],
		["exact", "writes", "holds"],
		["inside", "writes", "holds"],
		["watcher", "reads", ""],
	]);
});

test("a bind mount over a symbolic link is found where it leads", async (t) => {
	const { folder, parent, id } = await makeFolder(t);
	await symlink(folder, join(parent, "link"));
	const users = await usersOf(id, folder, [container("a", { source: join(parent, "link"), writes: true })]);
	assert.deepEqual(users, [["a", "writes", "holds"]]);
});

test("a volume that is another name for a folder makes its users the folder's", async (t) => {
	const { folder, id } = await makeFolder(t);
	const bound = {
		...{ name: "bound", driver: "local", mountpoint: "/v/bound/_data", labels: {} },
		options: { type: "none", o: "rw,bind", device: folder },
	};
	const containers = [
		container("a", { type: "volume", volume: "bound", source: "/v/bound/_data", writes: true }),
	];
	const surroundings = await surveyMounts(containers, [bound]);
	const users = findUsers({ resource: id, folder, exists: true }, surroundings);
	assert.deepEqual(
		users.map(({ container: name, holds }) => [name, holds]),
		[["a", true]],
	);
});

test("containers that Davit made are nobody's users", async () => {
	const own = {
		...container("a", { type: "volume", volume: "web", writes: true }),
		labels: { [commandLabel]: "x" },
	};
	assert.deepEqual(await usersOf(volume, "/nowhere", [own]), []);
});

async function usersOf(resource: ResourceId, folder: string, containers: readonly EngineContainer[]) {
	const surroundings = await surveyMounts(containers, []);
	return findUsers({ resource, folder, exists: true }, surroundings).map(
		({ container: name, writes, holds }) => [name, writes ? "writes" : "reads", holds ? "holds" : ""],
	);
}

async function makeFolder(t: TestContext) {
	const parent = await realpath(await mkdtemp(join(tmpdir(), "davit-users-")));
	t.after(() => rm(parent, { recursive: true }));
	const folder = join(parent, "data");
	await mkdir(join(folder, "sub"), { recursive: true });
	return { parent, folder, id: resourceId({ kind: "path", path: FolderPath.parse(folder) }) };
}

function container(name: string, mount: Partial<EngineMount>): EngineContainer {
	return {
		...{ id: name, name, image: "i", state: "running", labels: {} },
		mounts: [{ type: "bind", volume: undefined, source: "", target: "/x", writes: true, ...mount }],
	};
}
