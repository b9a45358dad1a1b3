import type { Duplex } from "node:stream";
import { OperationError } from "@davit/protocol";
import type { Ask, askStream } from "./request.ts";

/** Both ends of a container's streams. Disposing of it goes away, which ends the container's input. */
export interface Attachment extends Disposable {
	/** A line on standard input. */
	say(line: string): void;
	/**
	 * What it writes, until it ends.
	 * @throws OperationError docker-unreachable where the engine breaks off
	 */
	readonly said: AsyncIterable<{ readonly channel: "output" | "error"; readonly bytes: Buffer }>;
}

export async function attachTo(
	id: string,
	ask: (ask: Ask) => ReturnType<typeof askStream>,
): Promise<Attachment> {
	const purpose = `attach to container ${id.slice(0, 12)}`;
	const query = { stream: "1", stdin: "1", stdout: "1", stderr: "1" };
	const { stream, head } = await ask({ method: "POST", path: `/containers/${id}/attach`, query, purpose });
	// The iteration throws what goes wrong; an error that comes when nobody iterates any more changes nothing.
	stream.on("error", () => undefined);
	return {
		say: (line) => void stream.write(`${line}\n`),
		said: demultiplex(stream, { head, purpose }),
		[Symbol.dispose]: () => void stream.destroy(),
	};
}

const headerBytes = 8;

/** The engine puts before each piece its channel (1 = output, 2 = error) and its length (Engine API, ContainerAttach). */
export async function* demultiplex(
	stream: Duplex,
	{ head, purpose }: { readonly head: Buffer; readonly purpose: string },
): Attachment["said"] {
	let rest: Buffer = head;
	try {
		for await (const chunk of stream) {
			// A socket without an encoding yields buffers.
			rest = Buffer.concat([rest, chunk as Buffer]);
			while (rest.length >= headerBytes && rest.length >= headerBytes + rest.readUInt32BE(4)) {
				const end = headerBytes + rest.readUInt32BE(4);
				yield { channel: rest[0] === 2 ? "error" : "output", bytes: rest.subarray(headerBytes, end) };
				rest = rest.subarray(end);
			}
		}
	} catch (cause) {
		throw new OperationError("docker-unreachable", `could not ${purpose}: the engine broke off`, {
			cause,
			hint: "sudo systemctl start docker",
		});
	}
}
