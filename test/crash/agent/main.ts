import { flushCompileCache } from "node:module";
import { openAgent } from "@davit/agents/agent.ts";
import { readAgentConfig } from "@davit/agents/config.ts";
import { pino } from "pino";
import { awaitDoom } from "../doom.ts";

// The real agent, with a place to die: node main.ts CONFIG [DOOM], forked with a channel.

const onJournalWrite = awaitDoom();
const config = readAgentConfig(process.argv[2] ?? "");
const ending = Promise.withResolvers<undefined>();
process.once("SIGTERM", () => ending.resolve(undefined));
{
	await using agent = await openAgent(config, { log: pino(), onJournalWrite });
	// Who is killed never writes it at its end.
	flushCompileCache();
	process.send?.({ ready: true });
	const failure = await Promise.race([agent.failure, ending.promise]);
	if (failure !== undefined) throw failure;
}
// The end of the channel is otherwise a death.
process.removeAllListeners("disconnect");
process.disconnect?.();
