import type { FileContext, PackedTree } from "../files/job.ts";
import type { OperationContext } from "../operation.ts";
import { copyOverEngine } from "./archive-steps.ts";
import type { Located } from "./locate.ts";
import { reachOf } from "./reach-place.ts";

/** Packs what lies in a place into a folder, however its bytes can be reached. */
export async function packPlace(
	located: Located,
	context: OperationContext,
	{ directory, ...watching }: FileContext & { readonly directory: string },
): Promise<PackedTree> {
	const { place, dataPath } = located;
	if (dataPath === "archive-api") {
		return copyOverEngine(located, context, { folder: directory, signal: watching.signal });
	}
	return reachOf(located, context).do({ kind: "pack", root: place.folder, directory }, watching);
}
