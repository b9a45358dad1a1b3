import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ArchiveId, type Request, type RunId, resourceKey } from "@davit/protocol";
import { type Life, namesIn, openLife } from "./open-life.ts";
import type { Scene } from "./open-scene.ts";
import { openVolume, type WrittenVolume } from "./open-volume.ts";

/** An agent, and a volume of its own that it is asked to do things with, one after the other. */
export interface Lane extends Life {
	readonly volume: WrittenVolume;
	ask(operation: string, params?: Request["params"]): RunId;
	/** The command of the newest drill that is recorded beside an archive. */
	lastDrill(archive: ArchiveId): Promise<string | undefined>;
}

export async function openLane(scene: Scene, name: string): Promise<Lane> {
	const place = await scene.writeAgent(name);
	const volume = await openVolume(scene.host, `${name}-volume`, scene.signal);
	const life = await openLife(scene, place, volume.resource);
	return {
		...life,
		volume,
		// Another one after each death, so it is asked anew.
		get agent() {
			return life.agent;
		},
		ask: (operation, params = {}) => life.ask(operation, { volume: volume.volume, ...params }),
		async lastDrill(archive) {
			const parent = join(place.home, "archives", resourceKey(volume.resource));
			const name = (await namesIn(parent)).find((folder) => folder.endsWith(archive)) ?? archive;
			const record = JSON.parse(await readFile(join(parent, name, "proof.json"), "utf8"));
			return record.proof.drill?.command;
		},
	};
}
