import { Command, type HostName, isFinal, Report, Run, topicsOf } from "@davit/protocol";
import { EffectsAudit } from "./audit-effects.ts";
import { StatesAudit } from "./audit-states.ts";
import type { Place } from "./place.ts";
import { site } from "./site.ts";
import type { ToyEvent } from "./toy-operations.ts";
import type { Published } from "./wire.ts";

/** The promises of docs/protocol.md that a life is judged by; `defect` = something was thrown that nobody expects. */
export type Promised = "I1" | "I2" | "I3" | "I4" | "I5" | "I7" | "requests" | "shown" | "defect";

export interface Violation {
	readonly promise: Promised;
	readonly sentence: string;
}

export type Accuse = (promise: Promised, sentence: string) => void;

const topics = topicsOf(site);

/** Watches what the programs say and what operations do, and knows nothing of how they decide. */
export class Auditor {
	readonly violations: Violation[] = [];
	readonly effects: EffectsAudit;
	readonly states: StatesAudit;
	readonly #story: (line: string) => void;
	/** Commands that were read off the wire, so that each is read once. */
	readonly #messages = new Set<string>();

	constructor(nowMs: () => number, story: (line: string) => void) {
		this.#story = story;
		const accuse: Accuse = (promise, sentence) => this.accuse(promise, sentence);
		this.effects = new EffectsAudit(accuse, nowMs);
		this.states = new StatesAudit(accuse);
	}

	accuse(promise: Promised, sentence: string): void {
		this.#story(`VIOLATION of ${promise}: ${sentence}`);
		this.violations.push({ promise, sentence });
	}

	/** What the coordinator said, whether anybody heard it or not. */
	heardCoordinator({ topic, payload }: Published): void {
		if (payload === "") return;
		const said: unknown = JSON.parse(payload);
		if (typeof said !== "object" || said === null) return;
		if ("signature" in said && "payload" in said) this.#readCommand(payload, String(said.payload));
		if (!("askedBy" in said)) return;
		const run = Run.parse(said);
		if (topic === topics.run(run.run)) this.states.heardRun(run);
	}

	/** What an agent said. */
	heardAgent(host: HostName, { topic, payload }: Published): void {
		if (topic !== topics.report(host)) return;
		const report = Report.parse(JSON.parse(payload));
		if (!isFinal(report.state)) return;
		this.states.heardEnd(host, report);
		this.effects.ended(report.command, report.state);
	}

	toy(host: HostName, place: Place, event: ToyEvent): void {
		this.effects.toy(host, place, event);
	}

	/** An agent's journal was lost: what it had begun has nobody who remembers it. */
	lostMemory(host: HostName): void {
		this.effects.lostMemory(host);
		this.states.lostMemory(host);
	}

	#readCommand(message: string, payload: string): void {
		if (this.#messages.has(message)) return;
		this.#messages.add(message);
		const command = Command.parse(JSON.parse(Buffer.from(payload, "base64url").toString()));
		if (command.kind !== "run") return;
		this.effects.commands.set(command.id, command);
		this.effects.messages.set(command.id, message);
	}
}
