import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { CommandError, exitCodes } from "../command-error.ts";
import { socketPath } from "../door/socket.ts";

/** Paths of unix sockets are at most this long, on Linux 107 and on macOS 103 bytes. */
const maximumSocketPathBytes = process.platform === "darwin" ? 103 : 107;

/** Makes the folders of `DAVIT_HOME` that the programs expect, readable by their owner alone. */
export async function makeHome(home: string): Promise<void> {
	const bytes = Buffer.byteLength(socketPath(home));
	if (bytes > maximumSocketPathBytes) {
		throw new CommandError(
			`${home} is too long a path for DAVIT_HOME: its socket's path has ${bytes} bytes, ${maximumSocketPathBytes} are possible`,
			{ code: "configuration-invalid", exitCode: exitCodes.usage, next: "set DAVIT_HOME to a shorter path" },
		);
	}
	try {
		await mkdir(home, { recursive: true, mode: 0o700 });
		await chmod(home, 0o700);
		for (const folder of ["config", "run", "log"])
			await mkdir(join(home, folder), { recursive: true, mode: 0o700 });
	} catch (error) {
		throw new CommandError(
			`${home} could not be made ready: ${error instanceof Error ? error.message : error}`,
			{
				code: "configuration-invalid",
				exitCode: exitCodes.usage,
				next: "set DAVIT_HOME to a folder that this user may write",
				cause: error,
			},
		);
	}
}
