import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import {
	type ArchiveId,
	isEnded,
	type PlanAction,
	type PlanDocument,
	type Request,
	type ResourceId,
	type Run,
	type RunId,
	resourceKey,
	resourceName,
} from "@davit/protocol";
import Sqlite from "better-sqlite3";
import { pollUntil } from "../lab/process/poll.ts";
import type { Doom } from "./doom.ts";
import { hearReports } from "./hear-reports.ts";
import { type AgentPlace, operator, type Scene } from "./open-scene.ts";
import { type Mortal, startMortal } from "./start-mortal.ts";

/** An agent of a scene over all its lives, and what the coordinator knows of one resource of it. */
export interface Life extends AsyncDisposable {
	readonly place: AgentPlace;
	/** The one that lives, or died last. */
	readonly agent: Mortal;
	start(doom?: Doom): Promise<Mortal>;
	ask(operation: string, params: Request["params"]): RunId;
	plan(action: PlanAction): Promise<PlanDocument>;
	apply(plan: PlanDocument): RunId;
	hasEnded(run: RunId): boolean;
	ended(run: RunId): Promise<Run>;
	/** Everything that was asked of the coordinator for this agent, newest first. */
	runs(): readonly Run[];
	/** Folders of archives on the disk, half ones with their ending. */
	archiveFolders(): Promise<readonly string[]>;
	/** The coordinator lists exactly these. */
	listed(archives: ReadonlySet<ArchiveId>): Promise<void>;
	/**
	 * The agent wrote one final report of the run: all that it said of its end has one number and this state; and the
	 * coordinator heard of one end.
	 */
	requireOneEnd(run: Run): void;
	/** Ends the agent, and looks into its journal. @throws AssertionError where something is open, locked or unsaid */
	requireQuietJournal(): Promise<void>;
}

const patienceMs = 60_000;

/** Starts the agent, and resolves when the coordinator knows the resource. */
export async function openLife(scene: Scene, place: AgentPlace, resource: ResourceId): Promise<Life> {
	const { desk, signal } = scene;
	const { host } = place;
	const reports = await hearReports(scene.lab.broker.url, host, signal);
	let agent = await startMortal(place);
	const filter = { host, resource };
	await pollUntil(() => desk.resources({ host }).items.some((known) => known.resource === resource), {
		...{ what: `${host} to show ${resource}`, timeoutMs: 20_000, signal, explain: () => agent.lastWords() },
	});
	const hasEnded = (run: RunId) => isEnded(desk.run(run).run.state);
	return {
		...{ place, hasEnded },
		get agent() {
			return agent;
		},
		async start(doom = "never") {
			assert.ok(agent.isDead(), "two agents of one name");
			agent = await startMortal(place, doom);
			return agent;
		},
		ask(operation, params) {
			const confirm = resourceName(resource);
			const response = desk.ask({ version: 1, host, operation, params, confirm }, operator);
			assert.ok(response.run !== undefined && response.joined !== true, JSON.stringify(response));
			return response.run;
		},
		plan: (action) => desk.makePlan({ host, resource, action }, operator, signal),
		apply: ({ plan, confirm }) => desk.apply(plan, confirm, operator).run,
		async ended(run) {
			await pollUntil(() => hasEnded(run), {
				...{ what: `the end of run ${run}`, timeoutMs: patienceMs, intervalMs: 20, signal },
				explain: async () => `${JSON.stringify(desk.run(run))}\n${await agent.lastWords()}`,
			});
			return desk.run(run).run;
		},
		runs: () => desk.runs({ host }).items,
		archiveFolders: () => namesIn(join(place.home, "archives", resourceKey(resource))),
		listed: (archives) =>
			pollUntil(() => isSame(archives, new Set(desk.archives(filter).items.map(({ id }) => id))), {
				...{ what: `the list of ${archives.size} archives`, timeoutMs: 10_000, intervalMs: 20, signal },
				explain: () => JSON.stringify(desk.archives(filter).items.map(({ id }) => id)),
			}).then(() => undefined),
		requireOneEnd({ run, state }) {
			const said = [...(reports.finals.get(run) ?? [])];
			if (said.length > 0 || !reports.wasDeaf)
				assert.equal(said.length, 1, `final reports: ${said.join(", ")}`);
			assert.ok(
				said.every((one) => one.endsWith(` ${state}`)),
				`it is ${state}, and ${said.join()} was said`,
			);
			const ends = desk.run(run).steps.filter((step) => isEnded(step.state));
			assert.deepEqual(
				ends.map((step) => step.state),
				[state],
				"ends in the run's story",
			);
		},
		async requireQuietJournal() {
			await agent.stop();
			assert.deepEqual(lookIntoJournal(place.home), { open: 0, locks: 0, holds: 0, outbox: 0 });
		},
		async [Symbol.asyncDispose]() {
			await agent.stop();
			await reports[Symbol.asyncDispose]();
		},
	};
}

export async function namesIn(folder: string): Promise<string[]> {
	try {
		return (await readdir(folder)).sort();
	} catch (error) {
		if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
		throw error;
	}
}

function isSame(left: ReadonlySet<string>, right: ReadonlySet<string>): boolean {
	return left.size === right.size && [...left].every((one) => right.has(one));
}

function lookIntoJournal(home: string): Record<"open" | "locks" | "holds" | "outbox", number> {
	const journal = new Sqlite(join(home, "agent", "journal.sqlite"), { readonly: true });
	try {
		const count = (from: string) => Number(journal.prepare(`SELECT count(*) FROM ${from}`).pluck().get());
		return {
			open: count("operations WHERE phase <> 'ended'"),
			locks: count("locks"),
			holds: count("holds"),
			outbox: count("outbox"),
		};
	} finally {
		journal.close();
	}
}
