import { type CommandId, type HostName, instantOf } from "@davit/protocol";
import type { CommandRecord } from "../history/records.ts";

interface Entry {
	readonly command: CommandRecord;
	/** Of this life of the coordinator. */
	attempts: number;
	nextAttemptMs: number;
	/** An earlier life may have sent it. */
	readonly isOld: boolean;
}

interface Carrier {
	readonly now: () => number;
	readonly random: () => number;
	readonly isOnline: (host: HostName) => boolean;
	readonly deliver: (command: CommandRecord) => void;
}

const window = 200;
const firstPauseMs = 2000;
const longestPauseMs = 60_000;
/** A command that was sent so often without an answer no longer holds a place in the window. */
const attemptsInWindow = 3;

/**
 * Commands that no agent answered yet. Each is sent again, the same text, after 2, 4, 8 … 60 s with jitter; attempts are not
 * committed, because a new life of the coordinator sends everything again at once anyway.
 */
export class Outbox {
	readonly #entries = new Map<CommandId, Entry>();
	readonly #carrier: Carrier;

	constructor(carrier: Carrier) {
		this.#carrier = carrier;
	}

	/** `isOld`: an earlier life may have sent it. `pauseMs`: wait so long, or until the host syncs. */
	add(command: CommandRecord, { isOld = false, pauseMs = 0 } = {}): void {
		if (this.#entries.has(command.id)) return;
		const nextAttemptMs = pauseMs === 0 ? 0 : this.#carrier.now() + pauseMs;
		this.#entries.set(command.id, { command, attempts: 0, nextAttemptMs, isOld });
		this.pump();
	}

	/** Forgets everything. */
	clear(): void {
		this.#entries.clear();
	}

	/** It was answered, or is over. */
	settle(id: CommandId): void {
		if (this.#entries.delete(id)) this.pump();
	}

	has(id: CommandId): boolean {
		return this.#entries.has(id);
	}

	/** No agent can have heard of it. */
	isUnsent(id: CommandId): boolean {
		const entry = this.#entries.get(id);
		return entry !== undefined && entry.attempts === 0 && !entry.isOld;
	}

	/** The host was just heard: everything for it is due now. */
	wake(host: HostName): void {
		for (const entry of this.#entries.values()) {
			if (entry.command.host !== host) continue;
			entry.attempts = Math.min(entry.attempts, 1);
			entry.nextAttemptMs = 0;
		}
		this.pump();
	}

	/** Everything is due: the broker, which may have forgotten everything, is back. */
	wakeAll(): void {
		for (const entry of this.#entries.values()) entry.nextAttemptMs = 0;
		this.pump();
	}

	/** Sends what is due, as far as the window of unanswered commands allows. */
	pump(): void {
		const nowMs = this.#carrier.now();
		let inFlight = 0;
		for (const entry of this.#entries.values()) if (isInFlight(entry)) inFlight += 1;
		for (const entry of this.#entries.values()) {
			if (entry.nextAttemptMs > nowMs || !this.#carrier.isOnline(entry.command.host)) continue;
			if (entry.attempts === 0 && inFlight >= window) continue;
			if (entry.attempts === 0) inFlight += 1;
			entry.nextAttemptMs = nowMs + this.#pauseMs(entry.attempts);
			entry.attempts += 1;
			this.#carrier.deliver(entry.command);
		}
	}

	/** Commands whose start-by time has passed, and whether an agent may have got them. */
	late(): { command: CommandRecord; maybeSent: boolean }[] {
		const now = instantOf(this.#carrier.now());
		return [...this.#entries.values()]
			.filter((entry) => entry.command.startBy < now)
			.map(({ command, attempts, isOld }) => ({ command, maybeSent: isOld || attempts > 0 }));
	}

	#pauseMs(attempts: number): number {
		const pauseMs = Math.min(firstPauseMs * 2 ** Math.min(attempts, 10), longestPauseMs);
		return pauseMs * (0.75 + this.#carrier.random() / 2);
	}
}

function isInFlight(entry: Entry): boolean {
	return entry.attempts > 0 && entry.attempts <= attemptsInWindow;
}
