import { addressText, operationName, resolveArchive, resourceParams } from "../address.ts";
import type { Context, Invocation } from "../context.ts";
import { runAll } from "../runs/run-all.ts";

/** Reads every byte of one archive or several, and compares it with the signed manifest. */
export async function verify(invocation: Invocation, context: Context): Promise<number> {
	return await runAll(invocation, { context, identify: "archive" }, async (word) => {
		const { host, resource, archive } = await resolveArchive(word, context);
		return {
			subject: `${archive} of ${addressText({ host, resource })}`,
			request: {
				version: 1,
				host,
				operation: operationName("verify", resource),
				params: { ...resourceParams(resource), archive },
			},
		};
	});
}
