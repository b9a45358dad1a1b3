import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { z } from "zod";

const Lock = z.object({
	packages: z.record(
		z.string(),
		z.object({ optionalDependencies: z.record(z.string(), z.string()).optional() }),
	),
});

test("package-lock.json names every platform's packages and no registry's host, so npm ci takes it anywhere", () => {
	const text = readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8");
	const { packages } = Lock.parse(JSON.parse(text));
	const wanted = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
		path === ""
			? []
			: Object.entries(optionalDependencies).filter(([, version]) => /^\d+\.\d+\.\d+/.test(version)),
	);
	const missing = wanted.map(([name]) => name).filter((name) => !(`node_modules/${name}` in packages));
	assert.deepEqual(missing, [], "run node deploy/complete-lock.js");
	assert.doesNotMatch(text, /"resolved": "https?:/);
});
