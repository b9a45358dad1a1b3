import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface Weather {
	/** So many connections are reset in the middle. */
	readonly resets: number;
	/** After so many bytes towards the server. */
	readonly bytesBetweenResets: number;
	/** Before each piece goes on. */
	readonly delayMs: number;
}

export interface Proxy extends AsyncDisposable {
	readonly port: number;
	/** Connections that were reset while bytes were under way. */
	readonly resets: number;
	/** Connections that were closed at once, after `close`. */
	readonly refused: number;
	arm(): void;
	disarm(): void;
	/** From now on it lets nothing through. */
	close(): void;
}

/** A TCP proxy on loopback that is slow and resets connections once it is armed. */
export async function openProxy(target: number, weather: Weather): Promise<Proxy> {
	const sockets = new Set<Socket>();
	const state = { isArmed: false, isClosed: false, resets: 0, refused: 0, sinceReset: 0 };
	const server = createServer((client) => {
		sockets.add(client);
		client.on("error", () => client.destroy()).on("close", () => sockets.delete(client));
		if (state.isClosed) {
			state.refused += 1;
			client.resetAndDestroy();
			return;
		}
		const upstream = connect(target, "127.0.0.1");
		sockets.add(upstream);
		upstream.on("error", () => client.destroy()).on("close", () => sockets.delete(upstream));
		upstream.pipe(client);
		client.on("end", () => upstream.end()).on("close", () => upstream.destroy());
		forward(client, upstream).catch(() => client.destroy());
	});
	const forward = async (client: Socket, upstream: Socket): Promise<void> => {
		for await (const part of client) {
			if (state.isArmed) await sleep(weather.delayMs);
			state.sinceReset += part.length;
			if (state.isArmed && state.resets < weather.resets && state.sinceReset >= weather.bytesBetweenResets) {
				state.resets += 1;
				state.sinceReset = 0;
				client.resetAndDestroy();
				return;
			}
			if (!upstream.write(part)) await once(upstream, "drain");
		}
	};
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const address = server.address();
	const port = address !== null && typeof address === "object" ? address.port : 0;
	return {
		port,
		get resets() {
			return state.resets;
		},
		get refused() {
			return state.refused;
		},
		arm: () => void Object.assign(state, { isArmed: true, sinceReset: 0 }),
		disarm: () => void Object.assign(state, { isArmed: false }),
		close() {
			state.isClosed = true;
			for (const socket of sockets) socket.resetAndDestroy();
		},
		async [Symbol.asyncDispose]() {
			for (const socket of sockets) socket.destroy();
			server.close();
			await once(server, "close");
		},
	};
}
