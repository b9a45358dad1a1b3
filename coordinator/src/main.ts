import { parseArgs } from "node:util";
import { failureReport, failures, OperationError } from "@davit/protocol";
import { pino } from "pino";
import { readCoordinatorConfig } from "./config.ts";
import { openCoordinator } from "./coordinator.ts";

const help = `The fleet's memory and intent: requests, signed commands, schedules, history, the page and the embedded broker.

  node coordinator/src/main.ts --config FILE

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
	const log = pino({ name: "davit-coordinator" });
	const ending = new AbortController();
	for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => ending.abort());
	await using coordinator = await openCoordinator(readCoordinatorConfig(values.config), { log });
	const broker = coordinator.describeBroker();
	const warning = coordinator.brokerWarning();
	log.info({ page: coordinator.pageUrl, socket: coordinator.socketPath, broker }, "coordinator serves");
	process.send?.({
		ready: true,
		page: coordinator.pageUrl,
		broker: { ...broker, url: coordinator.brokerUrl },
		...(warning === undefined ? {} : { warning }),
	});
	if (!ending.signal.aborted) {
		await new Promise((resolve) => ending.signal.addEventListener("abort", resolve));
	}
	log.info({}, "coordinator ends");
}

try {
	await main();
} catch (error) {
	const known = error instanceof OperationError ? error : undefined;
	const message = error instanceof Error ? error.message : String(error);
	const stack = known === undefined && error instanceof Error ? `\n${error.stack}` : "";
	process.stderr.write(`error: ${message}${known === undefined ? stack : `\n  do    ${known.hint}`}\n`);
	process.send?.({ failed: failureReport(error) });
	process.exitCode = known === undefined ? 1 : failures[known.code].exitCode;
}
process.disconnect?.();
