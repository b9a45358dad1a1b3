import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { failureReport, failures, OperationError } from "@davit/protocol";
import { pino } from "pino";
import { readIntegrationConfig } from "./config.ts";
import { openIntegration } from "./integration.ts";

const help = `Shows a Davit site in Home Assistant over MQTT.

  node ha-integration/src/main.ts --config FILE

  --config FILE   settings, JSON (docs/operations.md)
  --help          this text
`;

async function main(): Promise<void> {
	const { values } = parseArgs({ options: { config: { type: "string" }, help: { type: "boolean" } } });
	if (values.help === true || values.config === undefined) {
		process.stdout.write(help);
		process.exitCode = values.help === true ? 0 : 2;
		return;
	}
	const log = pino({ name: "davit-integration" });
	const version = String(
		JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version,
	);
	const ending = new AbortController();
	for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => ending.abort());
	await using _integration = await openIntegration(
		readIntegrationConfig(values.config),
		{ log, version },
		ending.signal,
	);
	process.send?.({ ready: true });
	if (!ending.signal.aborted)
		await new Promise((resolve) => ending.signal.addEventListener("abort", resolve));
}

try {
	await main();
} catch (error) {
	const hint = error instanceof OperationError ? `\n  do    ${error.hint}` : "";
	process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}${hint}\n`);
	process.send?.({ failed: failureReport(error) });
	process.exitCode = error instanceof OperationError ? failures[error.code].exitCode : 1;
}
process.disconnect?.();
