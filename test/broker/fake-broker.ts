import { once } from "node:events";
import { createServer, type Socket } from "node:net";

/** A broker of a few bytes, to see exactly what a session writes and when. */
export interface FakeBroker extends AsyncDisposable {
	readonly url: string;
	/** The protocol level of each CONNECT. */
	readonly levels: number[];
	/** Message ids that were acknowledged. */
	readonly acknowledged: number[];
	readonly connections: () => number;
	/** Sends a QoS 1 message over the newest connection. */
	deliver(message: { topic: string; payload: string; id: number }): void;
}

export interface FakeAnswers {
	/** What a CONNECT of this level gets: a CONNACK's return code, the end, or nothing at all. */
	readonly connect?: (level: number) => number | "hang-up" | "silence";
	/** A free one when left out. */
	readonly port?: number;
	/** Whether a PUBLISH is acknowledged. */
	readonly acknowledges?: boolean;
}

export async function openFakeBroker(answers: FakeAnswers = {}): Promise<FakeBroker> {
	const levels: number[] = [];
	const acknowledged: number[] = [];
	const sockets: Socket[] = [];
	let level = 5;
	const welcome = (socket: Socket) => {
		const code = answers.connect?.(level) ?? 0;
		if (code === "hang-up") socket.end();
		// Who does not speak MQTT 5 answers in the older form.
		else if (code !== "silence")
			socket.write(Buffer.from(level === 5 && code !== 1 ? [0x20, 3, 0, code, 0] : [0x20, 2, 0, code]));
	};
	const answer = (socket: Socket, kind: number, body: Buffer) => {
		if (kind === 1) {
			level = body[6] ?? 0;
			levels.push(level);
			welcome(socket);
		}
		if (kind === 3 && answers.acknowledges !== false) {
			const at = 2 + body.readUInt16BE(0);
			socket.write(Buffer.from([0x40, 2, body[at] ?? 0, body[at + 1] ?? 0]));
		}
		if (kind === 4) acknowledged.push(body.readUInt16BE(0));
		if (kind === 8) {
			const id = [body[0] ?? 0, body[1] ?? 0];
			socket.write(Buffer.from(level === 5 ? [0x90, 4, ...id, 0, 1] : [0x90, 3, ...id, 1]));
		}
		if (kind === 12) socket.write(Buffer.from([0xd0, 0]));
	};
	const server = createServer((socket) => {
		sockets.push(socket);
		let rest = Buffer.alloc(0);
		socket.on("error", () => socket.destroy());
		socket.on("data", (chunk) => {
			rest = Buffer.concat([rest, chunk]);
			for (let packet = firstPacket(rest); packet !== undefined; packet = firstPacket(rest)) {
				rest = rest.subarray(packet.length);
				answer(socket, packet.kind, packet.body);
			}
		});
	});
	server.listen(answers.port ?? 0, "127.0.0.1");
	await once(server, "listening");
	const address = server.address();
	if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
	return {
		...{ levels, acknowledged, url: `mqtt://127.0.0.1:${address.port}` },
		connections: () => sockets.filter((socket) => !socket.destroyed).length,
		deliver: ({ topic, payload, id }) => {
			const properties = level === 5 ? [0] : [];
			const head = [0, topic.length, ...Buffer.from(topic), id >> 8, id & 0xff, ...properties];
			const body = [...head, ...Buffer.from(payload)];
			sockets.at(-1)?.write(Buffer.from([0x32, body.length, ...body]));
		},
		[Symbol.asyncDispose]: async () => {
			for (const socket of sockets) socket.destroy();
			await new Promise<void>((resolve) => server.close(() => resolve()));
		},
	};
}

function firstPacket(bytes: Buffer): { kind: number; body: Buffer; length: number } | undefined {
	const [head, first, second = 0] = bytes;
	if (head === undefined || first === undefined) return undefined;
	const isLong = (first & 0x80) !== 0;
	const size = isLong ? (first & 0x7f) + second * 128 : first;
	const start = isLong ? 3 : 2;
	if (bytes.length < start + size) return undefined;
	return { kind: head >> 4, body: bytes.subarray(start, start + size), length: start + size };
}
