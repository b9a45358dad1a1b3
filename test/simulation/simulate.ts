import { isWorkflowName, ResourceId } from "@davit/protocol";
import { type Company, findDisagreements, isQuiet } from "./agreement.ts";
import { Auditor, type Violation } from "./auditor.ts";
import { Chance } from "./chance.ts";
import { Intruder } from "./intruder.ts";
import { People } from "./people.ts";
import type { Sabotage } from "./sabotage.ts";
import type { Scene } from "./scene.ts";
import { SimulatedAgent } from "./simulated-agent.ts";
import { SimulatedCoordinator } from "./simulated-coordinator.ts";
import { hostNames } from "./site.ts";
import { Timeline } from "./timeline.ts";
import { calm, drawWeather, type Weather } from "./weather.ts";
import { Wire } from "./wire.ts";

export interface Options {
	readonly seed: number;
	/** Drawn from the seed where it is not given. */
	readonly weather?: Weather;
	readonly sabotage?: Sabotage;
	/** Takes the story, line by line. */
	readonly tell?: (line: string) => void;
}

export interface Verdict {
	readonly seed: number;
	readonly violations: readonly Violation[];
	/** How often each fault fired and each thing worth counting happened. */
	readonly tally: ReadonlyMap<string, number>;
	readonly runs: number;
	/** Simulated. */
	readonly durationMs: number;
}

const startMs = Date.UTC(2026, 10, 22);
const resources = ["path:/srv/photos", "volume:grafana"].map((id) => ResourceId.parse(id));
/** The longest pauses of both programs are a minute, and an agent insists on what must succeed for five. */
const healedAtMostMs = 25 * 60_000;
const lookEveryMs = 4_000;

/** One life of a fleet: a storm, then peace until everything has ended, then the audit. */
export async function simulate({ seed, weather, sabotage = {}, tell }: Options): Promise<Verdict> {
	const tally = new Map<string, number>();
	const scene = makeScene({ seed, weather, sabotage, tell }, tally);
	const { timeline, story } = scene;
	story(`the weather of seed ${seed}: ${JSON.stringify(scene.weather)}`);
	const company = assemble(scene);
	meddleForever(company);
	await timeline.runUntil(startMs + scene.weather.stormMs);
	heal(company);
	const healedMs = timeline.nowMs;
	while (timeline.nowMs < healedMs + healedAtMostMs) {
		await timeline.runUntil(timeline.nowMs + lookEveryMs);
		if (timeline.nowMs > healedMs + 3 * lookEveryMs && isQuiet(company)) break;
	}
	company.coordinator.look();
	for (const { promise, sentence } of findDisagreements(company)) scene.auditor.accuse(promise, sentence);
	for (const { run } of company.coordinator.records()) {
		const verb = run.operation.slice(run.operation.indexOf(".") + 1);
		scene.note(`run ${isWorkflowName(run.operation) ? run.operation : verb} ${run.state}`, "");
	}
	const runs = company.coordinator.records().length;
	for (const party of [company.coordinator, ...company.agents]) party.close();
	return { seed, violations: scene.auditor.violations, tally, runs, durationMs: timeline.nowMs - startMs };
}

function makeScene(
	{
		seed,
		weather,
		sabotage,
		tell,
	}: Pick<Options, "seed"> & {
		readonly weather: Weather | undefined;
		readonly sabotage: Sabotage;
		readonly tell: ((line: string) => void) | undefined;
	},
	tally: Map<string, number>,
): Scene {
	const chance = new Chance(seed);
	const timeline = new Timeline(startMs);
	const story = (line: string): void => tell?.(`${((timeline.nowMs - startMs) / 1_000).toFixed(3)} ${line}`);
	const auditor = new Auditor(() => timeline.nowMs, story);
	const scene: Omit<Scene, "wire"> = {
		...{ chance, timeline, story, auditor, sabotage, weather: weather ?? drawWeather(chance) },
		isTold: tell !== undefined,
		note: (what, detail) => {
			tally.set(what, (tally.get(what) ?? 0) + 1);
			if (tell !== undefined) story(`[${what}] ${detail}`);
		},
	};
	// The wire is the scene's last part and needs the others.
	const whole = scene as { -readonly [Part in keyof Scene]: Scene[Part] };
	whole.wire = new Wire(whole);
	return whole;
}

function assemble(scene: Scene): Company {
	const { weather, timeline, chance } = scene;
	const coordinator = new SimulatedCoordinator(scene);
	const agents = hostNames
		.slice(0, weather.hosts)
		.map(
			(name, index) => new SimulatedAgent(scene, name, { resources, skewMs: weather.skewsMs[index] ?? 0 }),
		);
	const people = new People(scene, coordinator, agents);
	coordinator.boot();
	for (const agent of agents) timeline.in(chance.between(0, 2_000), () => agent.boot());
	people.begin();
	new Intruder(scene, agents).begin();
	const names = [coordinator.name, ...agents.map(({ name }) => name)];
	repeat(scene, "partitionEveryMs", () =>
		scene.wire.partition(chance.pick(names), chance.between(500, weather.longestPartitionMs)),
	);
	repeat(scene, "brokerWipeEveryMs", () => scene.wire.wipe());
	return { scene, coordinator, agents, people };
}

/** Again and again until the world heals. */
function repeat(scene: Scene, every: "partitionEveryMs" | "brokerWipeEveryMs", act: () => void): void {
	const everyMs = scene.weather[every];
	if (!Number.isFinite(everyMs)) return;
	scene.timeline.in(scene.chance.between(0, 2 * everyMs), () => {
		if (!Number.isFinite(scene.weather[every])) return;
		act();
		repeat(scene, every, act);
	});
}

function heal({ scene }: Company): void {
	const { hosts, skewsMs, stepAtMostMs, deadlineSeconds } = scene.weather;
	scene.story("the world heals");
	scene.weather = { ...calm, hosts, skewsMs, stepAtMostMs, deadlineSeconds };
	scene.wire.heal();
}

function meddleForever(company: Company): void {
	const { scene, agents, coordinator } = company;
	const { meddle } = scene.sabotage;
	if (meddle === undefined) return;
	scene.timeline.in(1_000, () => {
		meddle(agents, coordinator);
		meddleForever(company);
	});
}
