import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseCoordinatorConfig } from "@davit/coordinator/config.ts";
import { openCoordinator } from "@davit/coordinator/coordinator.ts";
import { pino } from "pino";
import { pollUntil } from "../lab/process/poll.ts";
import { openFakeBroker } from "./fake-broker.ts";

for (const [speaks, warned] of [
	["only MQTT 3.1.1", true],
	["MQTT 5", false],
] as const) {
	test(`a coordinator on a broker that speaks ${speaks} ${warned ? "warns" : "does not warn"} that Home Assistant needs 5`, async (t) => {
		await using broker = await openFakeBroker({ connect: (level) => (warned && level === 5 ? 1 : 0) });
		const home = await mkdtemp(join(tmpdir(), "davit-warning-"));
		t.after(() => rm(home, { recursive: true }));
		const settings = { home, broker: { kind: "external", url: broker.url }, http: { port: 0 } };
		const lines: string[] = [];
		const log = pino({ level: "warn" }, { write: (line: string) => lines.push(line) });
		await using coordinator = await openCoordinator(parseCoordinatorConfig(settings, "test"), { log });
		await pollUntil(() => coordinator.describeBroker().connected, {
			...{ what: "connected", timeoutMs: 10_000, signal: t.signal },
		});
		assert.equal(coordinator.describeBroker().protocol, warned ? "3.1.1" : "5");
		const heard = await pollUntil(
			() => !warned || lines.some((line) => line.includes("drops 3.1.1 in 2027.1")),
			{
				...{ what: "the warning in the log", timeoutMs: 5000, signal: t.signal },
			},
		);
		assert.equal(heard, true);
		assert.equal(coordinator.brokerWarning() !== undefined, warned);
	});
}
