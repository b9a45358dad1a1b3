import type { Auditor } from "./auditor.ts";
import type { Chance } from "./chance.ts";
import type { Sabotage } from "./sabotage.ts";
import type { Timeline } from "./timeline.ts";
import type { Weather } from "./weather.ts";
import type { Wire } from "./wire.ts";

/** What everything in one simulated life shares. */
export interface Scene {
	readonly chance: Chance;
	readonly timeline: Timeline;
	/** Turns calm when the world heals. */
	weather: Weather;
	readonly wire: Wire;
	readonly auditor: Auditor;
	/** What is broken on purpose, to prove that the auditor sees it. */
	readonly sabotage: Sabotage;
	/** Somebody reads the story. */
	readonly isTold: boolean;
	/** A line of what happens, for a person. */
	readonly story: (line: string) => void;
	/** A fault that was injected, or a thing worth counting; each must be seen in a run of many seeds. */
	readonly note: (what: string, detail: string) => void;
}

/** What dies when the simulation says so. */
export class Crash extends Error {}
