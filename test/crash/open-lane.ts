import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
	type ArchiveId,
	isEnded,
	type PlanAction,
	type PlanDocument,
	type Request,
	type Run,
	type RunId,
	resourceKey,
} from "@davit/protocol";
import Sqlite from "better-sqlite3";
import { pollUntil } from "../lab/process/poll.ts";
import type { Doom } from "./doom.ts";
import { hearReports } from "./hear-reports.ts";
import { type AgentPlace, operator, type Scene } from "./open-scene.ts";
import { openVolume, type WrittenVolume } from "./open-volume.ts";
import { type Mortal, startMortal } from "./start-mortal.ts";

/** An agent, and a volume of its own that it is asked to do things with, one after the other. */
export interface Lane extends AsyncDisposable {
	readonly place: AgentPlace;
	readonly volume: WrittenVolume;
	/** The one that lives, or died last. */
	readonly agent: Mortal;
	start(doom?: Doom): Promise<Mortal>;
	ask(operation: string, params?: Request["params"]): RunId;
	plan(action: PlanAction): Promise<PlanDocument>;
	apply(plan: PlanDocument): RunId;
	hasEnded(run: RunId): boolean;
	ended(run: RunId): Promise<Run>;
	/** Everything that was asked of the coordinator for this lane, newest first. */
	runs(): readonly Run[];
	/** Folders of archives on the disk, half ones with their ending. */
	archiveFolders(): Promise<readonly string[]>;
	/** The command of the newest drill that is recorded beside an archive. */
	lastDrill(archive: ArchiveId): Promise<string | undefined>;
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

export async function openLane(scene: Scene, name: string): Promise<Lane> {
	const { desk, host: engineHost, signal } = scene;
	const place = await scene.writeAgent(name);
	const volume = await openVolume(engineHost, `${name}-volume`, signal);
	const { host } = place;
	const reports = await hearReports(scene.lab.broker.url, host, signal);
	let agent = await startMortal(place);
	const filter = { host, resource: volume.resource };
	await pollUntil(() => desk.resources({ host }).items.some(({ resource }) => resource === volume.resource), {
		...{ what: `${name} to show its volume`, timeoutMs: 20_000, signal, explain: () => agent.lastWords() },
	});
	const hasEnded = (run: RunId) => isEnded(desk.run(run).run.state);
	const lane: Lane = {
		...{ place, volume, hasEnded },
		get agent() {
			return agent;
		},
		async start(doom = "never") {
			assert.ok(agent.isDead(), "two agents of one name");
			agent = await startMortal(place, doom);
			return agent;
		},
		ask(operation, params = {}) {
			const all = { volume: volume.volume, ...params };
			const request = { version: 1, host, operation, params: all, confirm: volume.volume } as const;
			const response = desk.ask(request, operator);
			assert.ok(response.run !== undefined && response.joined !== true, JSON.stringify(response));
			return response.run;
		},
		plan: (action) => desk.makePlan({ host, resource: volume.resource, action }, operator, signal),
		apply: ({ plan, confirm }) => desk.apply(plan, confirm, operator).run,
		async ended(run) {
			await pollUntil(() => hasEnded(run), {
				...{ what: `the end of run ${run}`, timeoutMs: patienceMs, intervalMs: 20, signal },
				explain: async () => `${JSON.stringify(desk.run(run))}\n${await agent.lastWords()}`,
			});
			return desk.run(run).run;
		},
		runs: () => desk.runs({ host }).items,
		archiveFolders: () => namesIn(join(place.home, "archives", resourceKey(volume.resource))),
		async lastDrill(archive) {
			const parent = join(place.home, "archives", resourceKey(volume.resource));
			const name = (await namesIn(parent)).find((folder) => folder.endsWith(archive)) ?? archive;
			const record = JSON.parse(await readFile(join(parent, name, "proof.json"), "utf8"));
			return record.proof.drill?.command;
		},
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
			assert.deepEqual(lookIntoJournal(place.home), { open: 0, locks: 0, outbox: 0 });
		},
		async [Symbol.asyncDispose]() {
			await agent.stop();
			await reports[Symbol.asyncDispose]();
		},
	};
	return lane;
}

async function namesIn(folder: string): Promise<string[]> {
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

function lookIntoJournal(home: string): Record<"open" | "locks" | "outbox", number> {
	const journal = new Sqlite(join(home, "agent", "journal.sqlite"), { readonly: true });
	try {
		const count = (from: string) => Number(journal.prepare(`SELECT count(*) FROM ${from}`).pluck().get());
		return {
			open: count("operations WHERE phase <> 'ended'"),
			locks: count("locks"),
			outbox: count("outbox"),
		};
	} finally {
		journal.close();
	}
}
