import { mkdir, rmdir } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { OperationError } from "@davit/protocol";
import { commandLabel } from "../docker/command-label.ts";
import { requireEngine } from "../docker/require-engine.ts";
import { errnoOf } from "../files/file-failure.ts";
import type { OperationContext, Step } from "../operation.ts";
import { openHands } from "./open-hands.ts";
import { isFolder, parsePlaced } from "./place.ts";
import type { Reached } from "./reach-place.ts";

/** Of a deleted volume, what it is made again with. */
type CreateFacts = Reached & { readonly labels: Readonly<Record<string, string>> };

/** Makes a volume or a folder again that is gone, so that there is something to swap. */
export function createStep(facts: CreateFacts, context: OperationContext): Step {
	const { place, labels } = facts;
	const resource = parsePlaced(place);
	const { command } = context;
	const isOurs = async (signal: AbortSignal): Promise<boolean> => {
		if (resource.kind === "path") return isFolder(place.folder);
		const engine = await requireEngine(context, signal);
		return (await engine.volume(resource.volume, signal))?.labels[commandLabel] === command;
	};
	return {
		name: "create",
		intent: { resource: place.resource, folder: place.folder },
		async run(signal) {
			if (resource.kind === "path") {
				await mkdir(place.folder, { mode: 0o700 });
				return undefined;
			}
			const engine = await requireEngine(context, signal);
			const { mountpoint } = await engine.createVolume({ name: resource.volume, labels, command }, signal);
			// The engine answers with a volume that is there already as if it had made it.
			if (!(await isOurs(signal))) {
				throw new OperationError("resource-exists", `somebody else made ${place.resource} meanwhile`);
			}
			const { isFolder: isMade } = await openHands(facts, context).look(place.folder);
			if (basename(dirname(mountpoint)) === basename(dirname(place.folder)) && isMade) return undefined;
			throw new OperationError(
				"docker-refused",
				`${place.resource} was made in ${mountpoint}, not in ${place.folder}`,
			);
		},
		probe: async () => ((await isOurs(AbortSignal.timeout(60_000))) ? "complete" : "absent"),
		async undo() {
			const signal = AbortSignal.timeout(60_000);
			if (!(await isOurs(signal))) return;
			if (resource.kind === "path") return removeEmptyFolder(place.folder);
			await (await requireEngine(context, signal)).removeVolume(resource.volume, signal);
		},
	};
}

/** Leaves one in which somebody put something meanwhile. */
async function removeEmptyFolder(folder: string): Promise<void> {
	try {
		await rmdir(folder);
	} catch (error) {
		if (errnoOf(error) !== "ENOTEMPTY") throw error;
	}
}
