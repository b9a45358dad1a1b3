import assert from "node:assert/strict";
import { test } from "node:test";
import { OperationError } from "@davit/protocol";
import { parseCoordinatorConfig, readCoordinatorConfig } from "./config.ts";

function refusal(raw: unknown): string {
	try {
		return JSON.stringify(parseCoordinatorConfig(raw, "coordinator.json"));
	} catch (error) {
		if (!(error instanceof OperationError)) throw error;
		assert.equal(error.code, "configuration-invalid");
		return `${error.message} | ${error.hint}`;
	}
}

test("a home alone is enough: embedded broker, page on loopback, no door for other hosts", () => {
	const config = parseCoordinatorConfig({ home: "/var/lib/davit" }, "coordinator.json");
	assert.equal(config.broker.kind, "embedded");
	assert.deepEqual([config.http.host, config.http.port, config.join], ["127.0.0.1", 8787, undefined]);
	assert.ok(Object.isFrozen(config));
});

test("a bad key stops the start and names key, value and fix", () => {
	assert.match(refusal({ home: "davit" }), /coordinator.json: home is "davit".*absolute.*mend home/);
	assert.match(refusal({ home: "/d", http: { port: 70_000 } }), /http.port is 70000/);
	assert.match(refusal({ home: "/d", colour: "red" }), /colour is "red": Davit knows no such key/);
	assert.match(refusal({ home: "/d", broker: { kind: "external" } }), /broker.url is missing/);
	assert.match(
		refusal({ home: "/d", broker: { kind: "external", url: "http://x" } }),
		/broker.url is "http:\/\/x"/,
	);
	assert.match(refusal({}), /home is missing/);
	assert.match(refusal(null), /the file is null/);
});

test("a page that other machines reach needs a password, and a bad one is not repeated", () => {
	assert.match(refusal({ home: "/d", http: { host: "0.0.0.0" } }), /http.password is not set/);
	const secret = refusal({ home: "/d", http: { host: "0.0.0.0", password: "short" } });
	assert.match(secret, /http.password is \(hidden\)/);
	assert.doesNotMatch(secret, /short"/);
});

test("a file that is not there is named", () => {
	assert.throws(
		() => readCoordinatorConfig("/nowhere/coordinator.json"),
		/nowhere.coordinator.json cannot be read/,
	);
});
