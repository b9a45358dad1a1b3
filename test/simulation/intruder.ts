import {
	HostName,
	instantOf,
	type Report,
	type RunCommand,
	RunId,
	sealCommand,
	topicsOf,
} from "@davit/protocol";
import { entryIn } from "./journal-in-memory.ts";
import type { Scene } from "./scene.ts";
import type { SimulatedAgent } from "./simulated-agent.ts";
import { coordinatorKey, foreignKey, site } from "./site.ts";

const topics = topicsOf(site);
const longAgoMs = 25 * 60_000;

/** Puts messages on the broker that nobody may obey. */
export class Intruder {
	readonly #scene: Scene;
	readonly #agents: readonly SimulatedAgent[];

	constructor(scene: Scene, agents: readonly SimulatedAgent[]) {
		this.#scene = scene;
		this.#agents = agents;
	}

	/** Goes on until the world heals. */
	begin(): void {
		const { weather, timeline, chance } = this.#scene;
		if (!Number.isFinite(weather.intrusionEveryMs)) return;
		timeline.in(chance.between(0, 2 * weather.intrusionEveryMs), () => {
			if (!Number.isFinite(this.#scene.weather.intrusionEveryMs)) return;
			this.#intrude();
			this.begin();
		});
	}

	#intrude(): void {
		const { chance, auditor } = this.#scene;
		const agent = chance.pick(this.#agents);
		const known = [...auditor.effects.commands.values()];
		const command = known.length === 0 ? undefined : chance.pick(known);
		if (command === undefined) return;
		const message = auditor.effects.messages.get(command.id) ?? "";
		chance.pick([
			() => this.#play("forged", agent, sealCommand(this.#fresh(agent, command), foreignKey)),
			() => this.#play("forged with a known id", agent, sealCommand(command, foreignKey)),
			() =>
				this.#play(
					"foreign",
					agent,
					sealCommand({ ...command, host: this.#otherHost(agent) }, coordinatorKey),
				),
			() => this.#play("replayed", agent, message),
			() => this.#retain(agent, message),
			() => this.#expire(agent, command),
			() => this.#goStale(agent, command),
			() => this.#alter(agent, command),
			() => this.#play("of another version", agent, this.#ofVersion2(agent, command)),
			() =>
				this.#play("garbage", agent, chance.pick(["", "{", "[]", '{"payload":"AA"}', "x".repeat(70_000)])),
			() => this.#lie(agent, command),
		])();
	}

	#play(what: string, agent: SimulatedAgent, payload: string): void {
		this.#scene.note(`${what} message`, `to ${agent.name}`);
		const retain = what === "retained";
		this.#scene.wire.inject({ topic: topics.command(agent.name), payload, retain });
	}

	/** A genuine command that somebody retained. */
	#retain(agent: SimulatedAgent, message: string): void {
		const { timeline, chance, wire } = this.#scene;
		this.#play("retained", agent, message);
		timeline.in(chance.between(1_000, 60_000), () =>
			wire.inject({ topic: topics.command(agent.name), payload: "", retain: true }),
		);
	}

	/** The coordinator's own words of long ago. */
	#expire(agent: SimulatedAgent, command: RunCommand): void {
		const thenMs = this.#scene.timeline.nowMs - longAgoMs;
		const times = { issuedAt: instantOf(thenMs - 1_000), startBy: instantOf(thenMs) };
		this.#play("expired", agent, sealCommand({ ...this.#fresh(agent, command), ...times }, coordinatorKey));
	}

	/** Of a life of the coordinator before one that the agent obeyed. */
	#goStale(agent: SimulatedAgent, command: RunCommand): void {
		const epoch = (agent.life?.journal?.coordinatorEpoch ?? 0) - 1;
		// An agent that forgets everything would believe it.
		if (epoch < 0 || this.#scene.weather.lostJournalShare > 0) return;
		this.#play("stale", agent, sealCommand({ ...this.#fresh(agent, command), epoch }, coordinatorKey));
	}

	/** The same id with other bytes, of a command that the agent has taken. */
	#alter(agent: SimulatedAgent, command: RunCommand): void {
		if (command.host !== agent.name || entryIn(agent.database, command.id) === undefined) return;
		if (this.#scene.weather.lostJournalShare > 0) return;
		const altered = { ...command, run: RunId.parse("raaaaaaaa") };
		this.#play("altered", agent, sealCommand(altered, coordinatorKey));
	}

	#ofVersion2(agent: SimulatedAgent, command: RunCommand): string {
		// What a newer coordinator would say is no Command of this version.
		const newer = { ...this.#fresh(agent, command), version: 2 } as unknown as RunCommand;
		return sealCommand(newer, coordinatorKey);
	}

	/** An agent that reports of another host's command. */
	#lie(agent: SimulatedAgent, command: RunCommand): void {
		if (command.host === agent.name) return;
		this.#scene.note("lie of another host", agent.name);
		const report: Report = {
			...{ version: 1, command: command.id, host: agent.name, agentEpoch: 999, sequence: 999_999_999 },
			...{ state: "succeeded", at: instantOf(this.#scene.timeline.nowMs), run: command.run },
		};
		this.#scene.wire.inject({ topic: topics.report(agent.name), payload: JSON.stringify(report) });
	}

	/** A command that the coordinator never gave. */
	#fresh(agent: SimulatedAgent, command: RunCommand): RunCommand {
		const { timeline, chance } = this.#scene;
		const { nowMs } = timeline;
		const id = chance.commandId(nowMs);
		const times = { issuedAt: instantOf(nowMs), startBy: instantOf(nowMs + 60_000) };
		return { ...command, ...times, id, host: agent.name, fence: command.fence + 1_000_000 };
	}

	#otherHost(agent: SimulatedAgent): RunCommand["host"] {
		const others = this.#agents.filter((other) => other !== agent);
		return others.length === 0 ? HostName.parse("nowhere") : this.#scene.chance.pick(others).name;
	}
}
