import { Bytes, resourceOf } from "@davit/protocol";
import type { Reading } from "../operation.ts";
import { requireOwnArchive } from "./require-own-archive.ts";
import { showProgress } from "./show-progress.ts";

/** Reads every byte of an archive and records what came of it: the proof, or that it is damaged. */
export const verify: Reading<"volume.verify" | "path.verify" | "stack.verify"> = {
	async read(params, context, signal) {
		const { archive } = params;
		const resource = resourceOf(params);
		await requireOwnArchive(archive, resource, context.archives);
		const beganAtMs = context.now();
		const onProgress = showProgress("verify", context);
		const { bytes, entries, verifiedAt } = await context.archives.verify(archive, { signal, onProgress });
		const durationMs = Math.max(0, Math.round(context.now() - beganAtMs));
		return {
			state: "succeeded",
			result: { archive, bytes: Bytes.parse(bytes), entries, verifiedAt, durationMs },
		};
	},
};
