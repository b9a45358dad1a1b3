import { type Logger, OperationError } from "@davit/protocol";
import type { CoordinatorCore } from "./core/core.ts";
import type { Wire } from "./wire.ts";

const everyMs = 250;

/** The core's clock hand. */
export class Ticker {
	readonly #core: CoordinatorCore;
	readonly #wire: Wire;
	readonly #log: Logger;
	#timer: NodeJS.Timeout | undefined;
	/** False from the moment that a tick could not write until one can. */
	isHistoryWritable = true;

	constructor(core: CoordinatorCore, wire: Wire, log: Logger) {
		this.#core = core;
		this.#wire = wire;
		this.#log = log;
	}

	start(): void {
		this.#timer = setInterval(() => this.#tick(), everyMs);
	}

	stop(): void {
		clearInterval(this.#timer);
	}

	/** An edge: what the operator can mend is said once, and tried again with the next tick. */
	#tick(): void {
		try {
			this.#wire.watch(this.#core);
			this.#core.tick();
			if (!this.isHistoryWritable) this.#log.info({}, "the history can be written again");
			this.isHistoryWritable = true;
		} catch (error) {
			if (!(error instanceof OperationError)) throw error;
			if (this.isHistoryWritable) this.#log.error({ err: error }, "the history cannot be written");
			this.isHistoryWritable = false;
		}
	}
}
