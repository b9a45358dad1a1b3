import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { AgentConfig } from "@davit/agents/config.ts";
import { CoordinatorConfig } from "@davit/coordinator/config.ts";
import { IntegrationConfig } from "@davit/ha-integration/config.ts";

const page = readFileSync(new URL("../../docs/configuration.md", import.meta.url), "utf8");

/** The JSON examples under a heading. */
function examples(heading: string): unknown[] {
	const section = page.split("\n## ").find((part) => part.startsWith(`\`${heading}\``)) ?? "";
	return [...section.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text = ""]) => JSON.parse(text));
}

for (const [file, schema, count] of [
	["coordinator.json", CoordinatorConfig, 2],
	["agent.json", AgentConfig, 2],
	["integration.json", IntegrationConfig, 1],
] as const) {
	test(`the examples of ${file} in docs/configuration.md are read as they stand`, () => {
		const found = examples(file);
		assert.equal(found.length, count);
		for (const example of found) schema.parse(example);
	});
}
