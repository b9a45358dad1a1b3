import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { failureReport, failures, OperationError } from "@davit/protocol";
import { pino } from "pino";
import { openAgent } from "./agent.ts";
import { readAgentConfig } from "./config.ts";

const help = `Carries out on one host what the coordinator commands: backs up, verifies and restores its volumes and folders.

  node agents/src/main.ts --config FILE
  node agents/src/main.ts release RESOURCE --home FOLDER   lets go of what was left inconsistent, after a person looked
  node agents/src/main.ts join --home FOLDER     reads the joining string from standard input, writes the settings, ends

  node agents/src/main.ts key add|rotate|list --home FOLDER [--identity-file FILE]   keeps the keys that open archives

  --config FILE   settings, JSON (docs/operations.md)
  --home FOLDER   where all of Davit's state on this host lies (DAVIT_HOME)
  --help          this text
`;

async function main(): Promise<void> {
	const { values, positionals } = parseArgs({
		allowPositionals: true,
		options: {
			config: { type: "string" },
			home: { type: "string" },
			"identity-file": { type: "string" },
			help: { type: "boolean" },
		},
	});
	const [verb, name] = positionals;
	if (verb === "join" && values.home !== undefined) return join(values.home);
	if (verb === "key" && values.home !== undefined)
		return keepKeys(name, values.home, values["identity-file"]);
	if (verb === "release" && name !== undefined && values.home !== undefined)
		return release(name, values.home);
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

/** Makes this machine a host of a fleet; says which one on standard output. */
async function join(home: string): Promise<void> {
	const ending = new AbortController();
	for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => ending.abort());
	const { joinHost } = await import("./join/join-host.ts");
	const joined = await joinHost({ string: await text(process.stdin), home }, ending.signal);
	process.stdout.write(`${JSON.stringify(joined)}\n`);
}

async function keepKeys(name: string | undefined, home: string, file: string | undefined): Promise<void> {
	const { keepKeys: keep } = await import("./encryption/keep-keys.ts");
	const did = name === "add" || name === "rotate" ? name : "list";
	process.stdout.write(`${JSON.stringify(await keep(did, { home, file }))}\n`);
}

async function release(name: string, home: string): Promise<void> {
	const { releaseResource } = await import("./release-resource.ts");
	const { resource, command } = releaseResource(name, { home, now: Date.now });
	process.stdout.write(`${resource} is released; operation ${command} had left it inconsistent\n`);
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
