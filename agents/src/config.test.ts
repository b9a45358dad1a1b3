import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { OperationError, ResourceId } from "@davit/protocol";
import { configuredPolicy, readAgentConfig } from "./config.ts";

const ground = mkdtempSync(join(tmpdir(), "davit-config-"));
after(() => rmSync(ground, { recursive: true, force: true }));

const good = {
	site: "home",
	host: "nas",
	home: "/var/lib/davit",
	broker: { url: "mqtts://broker.lan:8883", username: "nas", password: "secret" },
	coordinatorKey: "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=",
	folders: ["/srv/photos"],
	resources: { "volume:grafana": { consistency: "stopped" } },
};

function write(settings: unknown): string {
	const file = join(mkdtempSync(join(ground, "place-")), "agent.json");
	writeFileSync(file, typeof settings === "string" ? settings : JSON.stringify(settings));
	return file;
}

function refusal(settings: unknown): OperationError {
	try {
		readAgentConfig(write(settings));
	} catch (error) {
		assert.ok(error instanceof OperationError, String(error));
		assert.equal(error.code, "configuration-invalid");
		return error;
	}
	return assert.fail("it was taken");
}

test("a configuration is read with its defaults, and frozen through and through", () => {
	const config = readAgentConfig(write(good));
	assert.equal(config.archivesPath, "/var/lib/davit/archives");
	assert.equal(config.dockerSocket, "/var/run/docker.sock");
	assert.equal(config.undoSeconds, 604_800);
	assert.equal(configuredPolicy(config, ResourceId.parse("volume:grafana")).consistency, "stopped");
	assert.deepEqual(configuredPolicy(config, ResourceId.parse("volume:other")), {});
	assert.ok(Object.isFrozen(config) && Object.isFrozen(config.broker) && Object.isFrozen(config.folders));
});

test("a key that cannot be used is named with its value and the fix", () => {
	for (const [changes, key, value] of [
		[{ host: "NAS 1" }, "host", '"NAS 1"'],
		[{ host: undefined }, "host", "missing"],
		[{ home: "davit" }, "home", '"davit"'],
		[{ home: "/var/../etc" }, "home", '"/var/../etc"'],
		[{ broker: { url: "http://broker" } }, "broker.url", '"http://broker"'],
		[{ folders: ["/srv/ok", "/srv/../etc"] }, "folders.1", '"/srv/../etc"'],
		[{ folders: ["/srv/a\nb"] }, "folders.0", String.raw`"/srv/a\nb"`],
		[{ undoSeconds: -1 }, "undoSeconds", "-1"],
		[{ resources: { "volume:a": { consistency: "quick" } } }, "resources.volume:a.consistency", '"quick"'],
		[
			{ resources: { "volume:a": { consistency: "engine-native" } } },
			"resources.volume:a.consistency",
			'"engine-native"',
		],
		[{ resources: { "volume:a": { writers: "live" } } }, "resources.volume:a.writers", '"live"'],
	] as const) {
		const { message, hint } = refusal({ ...good, ...changes });
		assert.ok(message.includes(`key ${key} is ${value}`), message);
		assert.ok(hint.includes(`mend ${key} in `), hint);
	}
});

test("a key that nobody knows is named, so that a misspelling is no silent default", () => {
	const { message, hint } = refusal({ ...good, broker: { ...good.broker, pasword: "x" } });
	assert.match(message, /key broker\.pasword is not one Davit knows/);
	assert.match(hint, /remove broker\.pasword/);
});

test("a password is never shown, not even a wrong one", () => {
	const { message } = refusal({ ...good, broker: { ...good.broker, password: 123_456 } });
	assert.match(message, /key broker\.password is not shown/);
	assert.doesNotMatch(message, /123456/);
});

test("a file that is missing or no JSON is told so", () => {
	assert.throws(() => readAgentConfig("/nonexistent/agent.json"), /\/nonexistent\/agent\.json.*no such file/);
	assert.match(refusal("{ site: ").message, /agent\.json: .*JSON/);
});
