import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { OperationError } from "@davit/protocol";
import { readIntegrationConfig } from "./config.ts";

test("a bad key stops the start and names key, value and fix in one sentence", (t) => {
	const folder = mkdtempSync(join(tmpdir(), "davit-integration-"));
	t.after(() => rmSync(folder, { recursive: true }));
	const file = join(folder, "integration.json");
	const refusal = (settings: unknown): string => {
		writeFileSync(file, JSON.stringify(settings));
		try {
			return JSON.stringify(readIntegrationConfig(file));
		} catch (error) {
			if (!(error instanceof OperationError)) throw error;
			return `${error.code} | ${error.message} | ${error.hint}`;
		}
	};
	const good = { site: "home", home: "/d", broker: { url: "mqtt://127.0.0.1:1883" } };
	assert.match(refusal(good), /"settleMs":1000/);
	const unknown = refusal({ ...good, colour: "red" });
	assert.match(
		unknown,
		/^configuration-invalid \| .*colour is "red": Davit knows no such key \| mend colour in/,
	);
	assert.match(refusal({ ...good, site: "Home/1" }), /site is "Home\/1": a site name has 1 to 48/);
	assert.match(refusal({ ...good, broker: {} }), /broker\.url is missing/);
	assert.match(refusal({ ...good, broker: { url: "x", password: 1234 } }), /broker\.password is \(hidden\)/);
	assert.doesNotMatch(unknown, /\n/);
});
