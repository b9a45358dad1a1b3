import { addressText, operationName, resolveResource, resourceParams } from "../address.ts";
import { usageError } from "../command-error.ts";
import { type Context, type Invocation, textOption } from "../context.ts";
import { runAll } from "../runs/run-all.ts";

/** Makes a new volume, on the same host, of what a volume holds at one moment. */
export async function copy(invocation: Invocation, context: Context): Promise<number> {
	const as = textOption(invocation, "as") ?? "";
	if (as === "") throw usageError("a copy needs a name", "--as NAME");
	return await runAll(invocation, { context, identify: "run" }, async (word) => {
		const { host, resource } = await resolveResource(word, context);
		if (!resource.startsWith("volume:")) {
			throw usageError(
				`only volumes are copied, and ${addressText({ host, resource })} is none`,
				"back it up, then davit restore ARCHIVE --as NAME",
			);
		}
		return {
			subject: `a copy of ${addressText({ host, resource })}`,
			request: {
				version: 1,
				host,
				operation: operationName("copy", resource),
				params: { ...resourceParams(resource), as },
			},
		};
	});
}
