import { connect, createServer } from "node:net";

/** A TCP port that nobody listened on a moment ago. */
export async function findFreePort(address = "127.0.0.1"): Promise<number> {
	const server = createServer();
	const listening = Promise.withResolvers<void>();
	server.once("error", listening.reject);
	server.listen(0, address, listening.resolve);
	await listening.promise;
	const bound = server.address();
	await new Promise<void>((resolve) => server.close(() => resolve()));
	if (bound === null || typeof bound === "string") throw new Error("a TCP server has an address and a port");
	return bound.port;
}

export function acceptsConnection(address: string, port: number, timeoutMs = 1_000): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect({ host: address, port, timeout: timeoutMs });
		const answer = (accepted: boolean) => () => {
			socket.destroy();
			resolve(accepted);
		};
		socket.once("connect", answer(true));
		socket.once("timeout", answer(false));
		socket.once("error", answer(false));
	});
}
