import { type AnyRunRecord, isWhole, type WholeRecord } from "@davit/coordinator/history/records.ts";
import { type CommandId, isEnded, isFinal, judgeParts, topicsOf } from "@davit/protocol";
import type { Promised } from "./auditor.ts";
import { entryIn, openWorkIn } from "./journal-in-memory.ts";
import type { People } from "./people.ts";
import type { Scene } from "./scene.ts";
import type { SimulatedAgent } from "./simulated-agent.ts";
import type { SimulatedCoordinator } from "./simulated-coordinator.ts";
import { site } from "./site.ts";

const topics = topicsOf(site);

export interface Company {
	readonly scene: Scene;
	readonly coordinator: SimulatedCoordinator;
	readonly agents: readonly SimulatedAgent[];
	readonly people: People;
}

interface Disagreement {
	readonly promise: Promised;
	readonly sentence: string;
}

/** Whether anything is still under way somewhere. */
export function isQuiet(company: Company): boolean {
	return openEnds(company).next().done === true;
}

/** What is wrong once the world has healed and there was time enough. */
export function* findDisagreements(company: Company): Generator<Disagreement> {
	yield* openEnds(company);
	for (const record of company.coordinator.records()) yield* runDisagreements(company, record);
	yield* lostRequests(company);
	for (const { run, sentence } of company.scene.auditor.effects.forgotten()) {
		const state = company.coordinator.records().find((record) => record.run.run === run)?.run.state;
		if (state === "inconsistent" || state === "succeeded" || state === "partial") continue;
		yield i5(`${sentence}, and ${run} is ${state}`);
	}
	for (const sentence of company.scene.auditor.effects.leftovers()) yield { promise: "I1", sentence };
}

/** I5: what has not ended. */
function* openEnds({ coordinator, agents, people }: Company): Generator<Disagreement> {
	for (const id of people.waiting) yield i5(`request ${id} has no answer`);
	for (const { run } of coordinator.records()) {
		if (!isEnded(run.state)) yield i5(`${run.operation} ${run.run} on ${run.host} is still ${run.state}`);
	}
	for (const command of coordinator.pending()) yield i5(`${command} still waits for an answer`);
	for (const agent of agents) {
		if (agent.life === undefined) yield i5(`${agent.name} is dead`);
		for (const work of openWorkIn(agent.database)) yield i5(`on ${agent.name} ${work}`);
	}
}

/** The coordinator's record against the host's journal and against what is shown. */
function* runDisagreements(company: Company, record: AnyRunRecord): Generator<Disagreement> {
	const { run, hidden } = record;
	const { scene, agents } = company;
	if (hidden) return;
	const shown = scene.wire.retained(topics.run(run.run));
	const shownState: unknown = shown === undefined ? undefined : JSON.parse(shown).state;
	if (shownState !== run.state) {
		yield { promise: "shown", sentence: `${run.run} is ${run.state} and shown as ${String(shownState)}` };
	}
	if (isWhole(record)) {
		yield* partDisagreements(company, record);
		return;
	}
	const { command } = record;
	const agent = agents.find(({ name }) => name === run.host);
	const lostMs = scene.auditor.effects.losses.get(run.host) ?? 0;
	if (agent === undefined || timeOf(command) <= lostMs) return;
	// The coordinator hears late that a host forgot: of what it had sent until then it says that it cannot know.
	if (run.state === "inconsistent" && lostMs > 0 && Date.parse(run.endedAt ?? "") >= lostMs) return;
	const entry = entryIn(agent.database, command);
	if (entry === undefined) {
		if (run.state === "expired" || run.state === "cancelled") return;
		yield i5(`${run.host} never took ${command} of ${run.run}, which ended as ${run.state}`);
		return;
	}
	if (!isFinal(entry.state)) return;
	const isExpired = entry.state === "rejected" && entry.report.includes('"command-expired"');
	const expected = isExpired ? ["expired", "rejected"] : [entry.state];
	if (!expected.includes(run.state)) {
		yield i5(`${run.run} ended as ${run.state}, and on ${run.host} as ${entry.state}`);
	}
}

/** A whole is what its parts are, and each of them ended as its own run did. */
function* partDisagreements({ coordinator }: Company, { run, parts }: WholeRecord): Generator<Disagreement> {
	const states = parts.map(({ ended }) => ended?.state ?? "requested");
	const follows = judgeParts(states);
	if (run.state !== follows) yield i5(`${run.run} ended as ${run.state}, and its parts make it ${follows}`);
	for (const [index, part] of parts.entries()) {
		const own = coordinator.records().find((one) => one.run.run === part.run)?.run.state;
		const isSame = part.run === null ? states[index] !== "succeeded" : own === states[index];
		if (!isSame)
			yield i5(`${part.resource} of ${run.run} is ${states[index]}, and its run ${part.run} ${own}`);
	}
}

/** No request is lost silently: what was answered stands in the history, and every run was asked for. */
function* lostRequests({ coordinator, people }: Company): Generator<Disagreement> {
	const records = coordinator.records();
	const runs = new Map(records.map((record) => [record.run.run as string, record]));
	for (const [id, { response, isSure }] of people.asked) {
		const own = records.filter(({ run }) => run.request === id);
		if (own.length > 1) yield lost(`request ${id} made ${own.length} runs`);
		if (response === undefined) {
			if (isSure) yield lost(`request ${id} was never answered`);
			continue;
		}
		const run = response.run === undefined ? undefined : runs.get(response.run);
		if (response.outcome === "accepted" && run === undefined) {
			yield lost(`request ${id} was accepted as ${response.run}, which the history does not hold`);
		}
		if (response.outcome === "rejected" && own.length > 0) {
			yield lost(`request ${id} was refused, and made ${own[0]?.run.run}`);
		}
	}
	const ofParts = new Set(
		records.filter(isWhole).flatMap(({ parts }) => parts.map(({ request }) => request)),
	);
	for (const { run, hidden } of records) {
		if (!hidden && !people.asked.has(run.request) && !ofParts.has(run.request))
			yield lost(`nobody asked for ${run.run}`);
	}
}

/** Milliseconds since 1970, as a version 7 UUID begins with them. */
function timeOf(command: CommandId): number {
	return Number.parseInt(command.slice(0, 8) + command.slice(9, 13), 16);
}

function i5(sentence: string): Disagreement {
	return { promise: "I5", sentence };
}

function lost(sentence: string): Disagreement {
	return { promise: "requests", sentence };
}
