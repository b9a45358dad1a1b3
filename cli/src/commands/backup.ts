import { addressText, operationName, resolveResource, resourceParams } from "../address.ts";
import { type Context, flagOption, type Invocation } from "../context.ts";
import { consistencyOption } from "../options.ts";
import { runAll } from "../runs/run-all.ts";

/** Backs up one resource or several at once. */
export async function backup(invocation: Invocation, context: Context): Promise<number> {
	const consistency = consistencyOption(invocation);
	const isForced = flagOption(invocation, "forceDatabaseFiles");
	return await runAll(invocation, { context, identify: "archive" }, async (word) => {
		const { host, resource } = await resolveResource(word, context);
		return {
			subject: addressText({ host, resource }),
			request: {
				version: 1,
				host,
				operation: operationName("backup", resource),
				params: {
					...resourceParams(resource),
					...(consistency === undefined ? {} : { consistency }),
					...(isForced ? { forceDatabaseFiles: true } : {}),
				},
			},
		};
	});
}
