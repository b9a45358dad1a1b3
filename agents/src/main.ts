import { parseArgs } from "node:util";
import { failures, OperationError } from "@davit/protocol";
import { pino } from "pino";
import { openAgent } from "./agent.ts";
import { readAgentConfig } from "./config.ts";

const help = `Carries out on one host what the coordinator commands: backs up, verifies and restores its volumes and folders.

  node agents/src/main.ts --config FILE

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
	const config = readAgentConfig(values.config);
	const log = pino({ name: "davit-agent", level: config.logLevel });
	const ending = Promise.withResolvers<undefined>();
	const opening = new AbortController();
	for (const name of ["SIGTERM", "SIGINT"] as const) {
		process.once(name, () => {
			opening.abort(new OperationError("cancelled", "the agent was stopped while it started"));
			ending.resolve(undefined);
		});
	}
	await using agent = await openAgent(config, { log, signal: opening.signal });
	log.info({ host: config.host, site: config.site, archives: config.archivesPath }, "agent serves");
	process.send?.({ ready: true });
	const failure = await Promise.race([agent.failure, ending.promise]);
	if (failure !== undefined) throw failure;
	log.info({ host: config.host }, "agent ends");
}

try {
	await main();
} catch (error) {
	const known = error instanceof OperationError ? error : undefined;
	const message = error instanceof Error ? error.message : String(error);
	const stack = known === undefined && error instanceof Error ? `\n${error.stack}` : "";
	process.stderr.write(`error: ${message}${known === undefined ? stack : `\n  do    ${known.hint}`}\n`);
	process.exitCode = known === undefined ? 1 : failures[known.code].exitCode;
}
process.disconnect?.();
