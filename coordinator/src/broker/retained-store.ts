import { Readable } from "node:stream";
import { RetainedTopics } from "./retained-topics.ts";

/** A retained message as aedes keeps it. */
interface Kept {
	readonly topic: string;
	readonly payload: { readonly length: number };
	/** Milliseconds since 1970. */
	readonly messageExpiry?: number;
}

/** The part of aedes' store that holds retained messages. */
interface RetainedStore {
	storeRetained(packet: Kept): Promise<void>;
	createRetainedStream(filter: string): Readable;
	createRetainedStreamCombi(filters: readonly string[]): Readable;
}

export interface RetainedIndex {
	readonly size: number;
	/** Forgets what has expired; aedes itself only does when somebody asks for it. */
	sweep(nowMs: number): void;
}

/** Puts an index in place of the retained messages in a broker's store, before its first client comes. */
export function indexRetained(broker: object): RetainedIndex {
	// aedes' types leave its store out; `createBroker` has made it, and these three are all that touch retained messages.
	const { persistence } = broker as { persistence: RetainedStore };
	const topics = new RetainedTopics<Kept>();
	const found = function* (filters: readonly string[]) {
		for (const filter of filters) yield* topics.match(filter);
	};
	const index: RetainedStore = {
		storeRetained: async (packet) => {
			if (packet.payload.length === 0) topics.delete(packet.topic);
			else topics.set({ ...packet });
		},
		createRetainedStream: (filter) => Readable.from(found([filter])),
		createRetainedStreamCombi: (filters) => Readable.from(found(filters)),
	};
	Object.assign(persistence, index);
	return {
		get size() {
			return topics.size;
		},
		sweep: (nowMs) => {
			for (const { topic, messageExpiry } of topics.match("#")) {
				if (messageExpiry !== undefined && messageExpiry <= nowMs) topics.delete(topic);
			}
		},
	};
}
