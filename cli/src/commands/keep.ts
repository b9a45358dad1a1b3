import { addressText, operationName, resolveArchive, resolveResource, resourceParams } from "../address.ts";
import { usageError } from "../command-error.ts";
import { type Command, type Context, type Invocation, textOption } from "../context.ts";
import { runAll } from "../runs/run-all.ts";

/** It stays whatever the policy says. */
export const pin = changeArchives("pin");
/** The policy decides about it again. */
export const unpin = changeArchives("unpin");
/** It was about to go, and stays. */
export const undelete = changeArchives("undelete");

function changeArchives(keep: "pin" | "unpin" | "undelete"): Command {
	return async (invocation, context) =>
		await runAll(invocation, { context, identify: "archive" }, async (word) => {
			const { host, resource, archive } = await resolveArchive(word, context);
			return {
				subject: `${archive} of ${addressText({ host, resource })}`,
				request: {
					version: 1,
					host,
					operation: operationName("keep", resource),
					params: { ...resourceParams(resource), change: { keep, archive } },
				},
			};
		});
}

/** Nothing of the resources is removed until they are released. */
export async function hold(invocation: Invocation, context: Context): Promise<number> {
	const because = textOption(invocation, "because")?.trim() ?? "";
	if (because === "") throw usageError("a hold needs a reason", "--because 'the disk makes noises'");
	if (because.length > 500)
		throw usageError("the reason of a hold has at most 500 characters", "say it shorter");
	return await changeResources(invocation, { context, change: { keep: "hold", because } });
}

/** Ends a hold, also one that Davit set after a suspicious backup. */
export async function release(invocation: Invocation, context: Context): Promise<number> {
	return await changeResources(invocation, { context, change: { keep: "release" } });
}

async function changeResources(
	invocation: Invocation,
	{ context, change }: { readonly context: Context; readonly change: Readonly<Record<string, string>> },
): Promise<number> {
	return await runAll(invocation, { context, identify: "run" }, async (word) => {
		const { host, resource } = await resolveResource(word, context);
		return {
			subject: addressText({ host, resource }),
			request: {
				version: 1,
				host,
				operation: operationName("keep", resource),
				params: { ...resourceParams(resource), change },
			},
		};
	});
}
