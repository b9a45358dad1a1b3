import type { OperationError } from "@davit/protocol";
import type { OperationContext } from "../operation.ts";

/** A listener for the bytes of one step that reports them with their rate since it began. */
export function showProgress(
	step: string,
	{ progress, now }: Pick<OperationContext, "progress" | "now">,
): (seen: { readonly bytes: number; readonly totalBytes?: number }) => void {
	const beganAtMs = now();
	progress({ step, bytes: 0 });
	return ({ bytes, totalBytes }) => {
		const seconds = (now() - beganAtMs) / 1000;
		progress({
			...{ step, bytes },
			...(totalBytes === undefined ? {} : { totalBytes }),
			...(seconds > 0.2 ? { bytesPerSecond: Math.round(bytes / seconds) } : {}),
		});
	};
}

/** A listener for an engine that does not answer, which says that it is waited for. */
export function showAway(
	step: string,
	{ progress }: Pick<OperationContext, "progress">,
): (failure: OperationError) => void {
	return ({ message }) => progress({ step, bytes: 0, waitingFor: message.slice(0, 300) });
}
