import { addressText, operationName, resolveArchive, resourceParams } from "../address.ts";
import type { Context, Invocation } from "../context.ts";
import { percentOption } from "../options.ts";
import { runAll } from "../runs/run-all.ts";

/** Reads every byte, or a sample, of one archive or several, and compares it with the signed manifest. */
export async function verify(invocation: Invocation, context: Context): Promise<number> {
	const percent = percentOption(invocation, "sample");
	return await runAll(invocation, { context, identify: "archive" }, async (word) => {
		const { host, resource, archive } = await resolveArchive(word, context);
		return {
			subject: `${archive} of ${addressText({ host, resource })}`,
			request: {
				version: 1,
				host,
				operation: operationName("verify", resource),
				params: {
					...resourceParams(resource),
					archive,
					...(percent === undefined ? {} : { sample: { percent } }),
				},
			},
		};
	});
}
