import assert from "node:assert/strict";
import { test } from "node:test";
import { OperationError, ResourceId } from "@davit/protocol";
import { AgentConfig } from "../config.ts";
import { policyFor, policyOf, withoutSnapshot } from "./policy.ts";

const grafana = ResourceId.parse("volume:grafana");
const config = AgentConfig.parse({
	...{ site: "home", host: "nas", home: "/var/lib/davit", broker: { url: "mqtt://127.0.0.1:1" } },
	...{ coordinatorKey: "A".repeat(60), resources: { "volume:grafana": { consistency: "snapshot" } } },
});

test("a volume's label says more than the configuration, and a command more than both", () => {
	const configured = policyOf(grafana, {}, config);
	assert.deepEqual(configured, { consistency: "snapshot", writers: "paused" });
	const labels = { "davit.consistency": "live", "davit.writers": "stopped" };
	const labelled = policyOf(grafana, labels, config);
	assert.deepEqual(labelled, { consistency: "live", writers: "stopped" });
	assert.equal(policyFor("stopped", labelled).consistency, "stopped");
	assert.equal(policyFor(undefined, labelled), labelled);
});

test("a label that says nothing known is passed over", () => {
	const labels = { "davit.consistency": "engine-native", "davit.writers": "live" };
	assert.deepEqual(policyOf(ResourceId.parse("volume:other"), labels, config), {
		...{ consistency: "paused", writers: "paused" },
	});
});

test("where no snapshot can be made the writers get the next rung that the policy names", () => {
	assert.equal(withoutSnapshot({ consistency: "snapshot", writers: "stopped" }), "stopped");
	assert.equal(withoutSnapshot({ consistency: "live", writers: "stopped" }), "live");
});

test("a database's own copy is refused in one sentence", () => {
	const isRefusal = (error: unknown) => error instanceof OperationError && error.code === "unsupported";
	assert.throws(() => policyFor("engine-native", policyOf(grafana, {}, config)), isRefusal);
});
