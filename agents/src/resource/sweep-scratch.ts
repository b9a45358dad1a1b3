import { dirname, join } from "node:path";
import { VolumeName } from "@davit/protocol";
import { namesIn } from "../archives/name-folders.ts";
import type { AgentConfig } from "../config.ts";
import { agentLabel, agentOf } from "../container/run-contained.ts";
import { commandLabel } from "../docker/command-label.ts";
import type { Engine } from "../docker/engine.ts";
import { surveyEnd } from "../stack/swap-facts.ts";
import { isScratch, scratchFolderPrefix } from "./scratch.ts";
import { removeFolder } from "./swap-folders.ts";

interface Sweep {
	readonly engine: Engine | undefined;
	readonly config: Pick<AgentConfig, "home" | "archivesPath" | "folders">;
	/** Whether a command is under way, and removes its own by itself; asked after what was made is seen. */
	readonly isOpen: (command: string) => boolean;
}

/** Removes what drills of this agent left whose journal is gone, and plans of stacks that were killed; returns the names of volumes and paths of folders. */
export async function sweepScratch(sweep: Sweep, signal: AbortSignal): Promise<readonly string[]> {
	return [
		...(await sweepVolumes(sweep, signal)),
		...(await sweepFolders(sweep)),
		...(await sweepPlans(sweep)),
	];
}

/** What a plan of a stack had unpacked when the agent was killed. */
async function sweepPlans({ config, isOpen }: Sweep): Promise<string[]> {
	const place = join(config.home, "stacks");
	const swept: string[] = [];
	for (const name of await namesIn(place)) {
		if (!name.endsWith(surveyEnd) || isOpen(name.slice(0, -surveyEnd.length))) continue;
		await removeFolder(join(place, name));
		swept.push(join(place, name));
	}
	return swept;
}

async function sweepVolumes({ engine, config, isOpen }: Sweep, signal: AbortSignal): Promise<string[]> {
	const ours = agentOf(config.home);
	const swept: string[] = [];
	for (const volume of (await engine?.volumes(signal)) ?? []) {
		const { name, labels } = volume;
		if (!isScratch(volume) || labels[agentLabel] !== ours) continue;
		if (isOpen(labels[commandLabel] ?? "")) continue;
		await engine?.removeVolume(VolumeName.parse(name), signal);
		swept.push(name);
	}
	return swept;
}

async function sweepFolders({ config, isOpen }: Sweep): Promise<string[]> {
	const places = new Set([config.archivesPath, ...config.folders.map((folder) => dirname(folder))]);
	const swept: string[] = [];
	for (const place of places) {
		for (const name of await namesIn(place)) {
			if (!name.startsWith(scratchFolderPrefix)) continue;
			if (isOpen(name.slice(scratchFolderPrefix.length))) continue;
			await removeFolder(join(place, name));
			swept.push(join(place, name));
		}
	}
	return swept;
}
