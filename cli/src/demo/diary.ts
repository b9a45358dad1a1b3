import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Context } from "../context.ts";

/** A folder with a process that writes to it, where there is no engine to run a container. */
export async function openDiary(
	demoFolder: string,
	context: Context,
): Promise<AsyncDisposable & { readonly folder: string }> {
	await mkdir(join(demoFolder, "diary"), { recursive: true });
	const folder = join(await realpath(demoFolder), "diary");
	// The channel ends with this process however it ends, and the writer with the channel.
	const writer = fork(fileURLToPath(new URL("./writer.js", import.meta.url)), [folder], {
		detached: true,
		execArgv: [],
		stdio: ["ignore", "ignore", "ignore", "ipc"],
		env: { ...context.environment },
	});
	return {
		folder,
		async [Symbol.asyncDispose]() {
			if (writer.exitCode !== null || writer.signalCode !== null) return;
			const gone = once(writer, "exit");
			writer.kill("SIGTERM");
			await gone;
		},
	};
}
