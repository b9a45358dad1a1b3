import { parseArgs } from "node:util";
import { openAgent } from "@davit/agents/agent.ts";
import { readAgentConfig } from "@davit/agents/config.ts";
import { pino } from "pino";

// The agent as its own program runs it, on a host whose clock is ten minutes ahead.

const aheadMs = 600_000;
const { values } = parseArgs({ options: { config: { type: "string" } } });
const log = pino({ name: "davit-agent" });
const ending = Promise.withResolvers<void>();
process.once("SIGTERM", () => ending.resolve());
await using _agent = await openAgent(readAgentConfig(values.config ?? ""), {
	log,
	now: () => Date.now() + aheadMs,
});
process.send?.({ ready: true });
await ending.promise;
process.disconnect?.();
