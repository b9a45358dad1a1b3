import { createServer } from "node:net";
import { run } from "../process/run.ts";
import type { Bridge } from "./open-bridge.ts";
import type { Namespace } from "./open-namespace.ts";

/** Something on this machine's side of the bridge that accepts connections, so that reaching it can be proven. */
export type Beacon = AsyncDisposable & { readonly address: string; readonly port: number };

export async function openBeacon(bridge: Bridge): Promise<Beacon> {
	const server = createServer((socket) => socket.destroy());
	const listening = Promise.withResolvers<void>();
	server.once("error", listening.reject);
	server.listen(0, bridge.address, listening.resolve);
	await listening.promise;
	const address = server.address();
	if (address === null || typeof address === "string")
		throw new Error("a TCP server has an address and a port");
	return {
		address: bridge.address,
		port: address.port,
		[Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
	};
}

/** Whether a TCP connection from inside the namespace to the beacon is made within a second. */
export async function canReach(namespace: Namespace, beacon: Beacon, signal: AbortSignal): Promise<boolean> {
	const argv = namespace.enter(["busybox", "nc", "-w", "1", beacon.address, String(beacon.port)]);
	const { code } = await run(argv, { signal, expectedCodes: [0, 1] });
	return code === 0;
}
