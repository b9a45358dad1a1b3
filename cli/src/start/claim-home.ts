import { unlink } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { CommandError, exitCodes } from "../command-error.ts";

/**
 * Claims a home for one `davit start`. The claim is a listening socket, so it ends with the process however that ends.
 * @throws CommandError database-locked (exit 11) when another one has it
 */
export async function claimHome(home: string): Promise<AsyncDisposable> {
	const path = join(home, "run", "start.sock");
	const server = createServer((socket) => socket.end(`${process.pid}\n`));
	if (!(await isListening(server, path))) {
		const owner = await askOwner(path);
		if (owner !== undefined) throw claimed(home, owner);
		// Its owner is dead: a socket file that nobody listens on.
		await unlink(path);
		if (!(await isListening(server, path))) throw claimed(home, "another process");
	}
	server.unref();
	return {
		async [Symbol.asyncDispose]() {
			await new Promise<void>((resolve) => server.close(() => resolve()));
		},
	};
}

async function isListening(server: Server, path: string): Promise<boolean> {
	const { promise, resolve, reject } = Promise.withResolvers<boolean>();
	const onError = (error: NodeJS.ErrnoException): void => {
		if (error.code === "EADDRINUSE") resolve(false);
		else reject(error);
	};
	server.once("error", onError);
	server.listen(path, () => {
		server.off("error", onError);
		resolve(true);
	});
	return await promise;
}

/** The process that listens at `path`; undefined when none does. */
async function askOwner(path: string): Promise<string | undefined> {
	const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
	let answer = "";
	const socket = connect(path);
	socket.setEncoding("utf8");
	socket.on("data", (text) => {
		answer += String(text);
	});
	socket.on("end", () => resolve(`process ${answer.trim()}`));
	socket.on("error", (error: NodeJS.ErrnoException) => {
		if (error.code === "ECONNREFUSED" || error.code === "ENOENT") resolve(undefined);
		else reject(error);
	});
	return await promise;
}

function claimed(home: string, owner: string): CommandError {
	return new CommandError(`Davit already runs in ${home} (${owner})`, {
		code: "database-locked",
		exitCode: exitCodes.busy,
		why: ["one home has one Davit; davit status asks the one that runs"],
		next: "end that one first, or set DAVIT_HOME to another folder",
	});
}
