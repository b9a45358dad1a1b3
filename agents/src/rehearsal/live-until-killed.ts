import { RunCommand } from "@davit/protocol";
import { z } from "zod";
import { rehearse, type Stage } from "./rehearse.ts";

const Orders = z.object({
	home: z.string(),
	folder: RunCommand.shape.resource,
	command: RunCommand,
	dieAt: z.int(),
});

/** One life of an agent that kills itself, truly, at the journal write it is told. */
async function liveUntilKilled(): Promise<void> {
	const { home, folder, command, dieAt } = Orders.parse(JSON.parse(process.argv[2] ?? ""));
	let writes = 0;
	const onWrite = (): void => {
		if (writes === dieAt) process.kill(process.pid, "SIGKILL");
		writes += 1;
	};
	// The parent's stage; its folder is where its home is.
	const stage = { home, folder: home, resource: folder } as Stage;
	const clock = { nowMs: Date.parse(command.issuedAt) };
	const agent = rehearse({ stage, clock, onWrite });
	agent.core.start();
	agent.greet();
	agent.receive(command);
	await agent.core.idle();
}

await liveUntilKilled();
