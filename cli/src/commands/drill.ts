import { addressText, operationName, resolveAddress, resourceParams } from "../address.ts";
import { usageError } from "../command-error.ts";
import type { Context, Invocation } from "../context.ts";
import { runAll } from "../runs/run-all.ts";

/** Restores archives where nothing uses them, compares, and removes what was restored; without an archive the newest verified one. */
export async function drill(invocation: Invocation, context: Context): Promise<number> {
	return await runAll(invocation, { context, identify: "archive" }, async (word) => {
		const { host, resource, archive } = await resolveAddress(word, context);
		if (resource === null) {
			throw usageError(`${word} is a host, but a resource is wanted`, `davit list resources ${host}`);
		}
		return {
			subject: `${archive === null ? "" : `${archive} of `}${addressText({ host, resource })}`,
			request: {
				version: 1,
				host,
				operation: operationName("drill", resource),
				params: { ...resourceParams(resource), ...(archive === null ? {} : { archive }) },
			},
		};
	});
}
