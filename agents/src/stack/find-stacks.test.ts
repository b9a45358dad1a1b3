import assert from "node:assert/strict";
import { test } from "node:test";
import type { EngineContainer } from "../docker/engine.ts";
import { findStacks } from "./find-stacks.ts";

const project = "com.docker.compose.project";

test("a stack is found by the labels of its containers, with its files in their order", () => {
	const files = {
		[`${project}.config_files`]: "/opt/media/compose.yaml,/opt/media/compose.override.yaml",
		[`${project}.working_dir`]: "/opt/media",
		[`${project}.environment_file`]: "/opt/media/prod.env",
	};
	const [stack, ...others] = findStacks([
		container("media-web-1", { [project]: "media", ...files }),
		container("media-db-1", { [project]: "media", ...files }),
		container("alone", {}),
	]);
	assert.deepEqual(others, []);
	assert.equal(stack?.project, "media");
	assert.deepEqual(
		stack.containers.map(({ name }) => name),
		["media-db-1", "media-web-1"],
	);
	assert.equal(stack.workingFolder, "/opt/media");
	assert.deepEqual(stack.configFiles, ["/opt/media/compose.yaml", "/opt/media/compose.override.yaml"]);
	assert.deepEqual(stack.environmentFiles, ["/opt/media/prod.env"]);
});

test("what is no project's name, a one-off run, Davit's own container and a path with .. are left out", () => {
	const stacks = findStacks([
		container("one", { [project]: "../etc" }),
		container("two", { [project]: "media", "com.docker.compose.oneoff": "True" }),
		container("three", { [project]: "media", "davit.command": "x" }),
		container("four", { [project]: "shop", [`${project}.config_files`]: "/opt/../etc/shadow,compose.yaml" }),
	]);
	assert.deepEqual(
		stacks.map((stack) => [stack.project, stack.configFiles]),
		[["shop", []]],
	);
});

function container(name: string, labels: Record<string, string>): EngineContainer {
	return { id: name, name, image: "busybox", state: "running", labels, mounts: [] };
}
