import { once } from "node:events";
import { chmod, mkdir, rename, rm } from "node:fs/promises";
import type { Server } from "node:http";
import { createConnection } from "node:net";
import { dirname } from "node:path";
import { OperationError } from "@davit/protocol";

/** @throws OperationError port-taken | configuration-invalid */
export async function listenOnPort(
	server: Server,
	{ host, port }: { host: string; port: number },
): Promise<number> {
	try {
		server.listen({ host, port });
		await once(server, "listening");
	} catch (error) {
		throw refusePort(error, `${host}:${port}`);
	}
	const address = server.address();
	return typeof address === "object" && address !== null ? address.port : port;
}

/**
 * Listens on a socket that only its owner can open: it is made beside, closed to others, and only then given its name.
 * The name of a process that died is taken over.
 * @throws OperationError port-taken when another Davit answers there
 */
export async function listenOnSocket(server: Server, path: string): Promise<AsyncDisposable> {
	if (await isAnswered(path)) {
		throw new OperationError("port-taken", `the socket ${path} was not opened: another Davit answers there`, {
			hint: "end the other one, or give this one another DAVIT_HOME",
		});
	}
	await mkdir(dirname(path), { recursive: true, mode: 0o700 });
	const fresh = `${path}.new`;
	await rm(fresh, { force: true });
	server.listen(fresh);
	await once(server, "listening");
	await chmod(fresh, 0o600);
	await rename(fresh, path);
	return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
}

async function isAnswered(path: string): Promise<boolean> {
	const connection = createConnection(path);
	try {
		await once(connection, "connect");
		return true;
	} catch (error) {
		// No such file, or a file nobody listens on: the name is free.
		if (isError(error, "ENOENT") || isError(error, "ECONNREFUSED") || isError(error, "ENOTSOCK"))
			return false;
		throw error;
	} finally {
		connection.destroy();
	}
}

function refusePort(error: unknown, address: string): unknown {
	if (isError(error, "EADDRINUSE")) {
		return new OperationError("port-taken", `the page was not opened on ${address}: the port is in use`, {
			cause: error,
		});
	}
	if (isError(error, "EADDRNOTAVAIL") || isError(error, "ENOTFOUND") || isError(error, "EACCES")) {
		return new OperationError(
			"configuration-invalid",
			`the page was not opened on ${address}: this machine cannot listen there`,
			{ cause: error, hint: "set http.host and http.port to an address of this machine" },
		);
	}
	return error;
}

function isError(error: unknown, code: string): boolean {
	return error instanceof Error && "code" in error && error.code === code;
}
