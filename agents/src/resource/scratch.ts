import { commandLabel } from "../docker/command-label.ts";
import type { EngineVolume } from "../docker/engine.ts";

/** A drill's own volume is called so, and its command. */
export const scratchVolumePrefix = "davit-drill-";

/** And so is its own folder. */
export const scratchFolderPrefix = ".davit-drill-";

/** Whether a drill made it; it is nothing to protect. */
export function isScratch({ name, labels }: Pick<EngineVolume, "name" | "labels">): boolean {
	return name === `${scratchVolumePrefix}${labels[commandLabel]}`;
}
