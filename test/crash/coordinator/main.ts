import { flushCompileCache } from "node:module";
import { readCoordinatorConfig } from "@davit/coordinator/config.ts";
import { openCoordinator } from "@davit/coordinator/coordinator.ts";
import { pino } from "pino";
import { awaitDoom } from "../doom.ts";

// The real coordinator, with a place to die: node main.ts CONFIG [DOOM], forked with a channel.

const onWrite = awaitDoom();
const config = readCoordinatorConfig(process.argv[2] ?? "");
const ending = Promise.withResolvers<undefined>();
process.once("SIGTERM", () => ending.resolve(undefined));
{
	await using _coordinator = await openCoordinator(config, {
		log: pino(),
		onHistoryWrite: (point, moment) => onWrite(`${moment} ${point}`),
	});
	// Who is killed never writes it at its end.
	flushCompileCache();
	process.send?.({ ready: true });
	await ending.promise;
}
// The end of the channel is otherwise a death.
process.removeAllListeners("disconnect");
process.disconnect?.();
