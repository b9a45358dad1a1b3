import type { BackupChoice } from "@davit/protocol";
import {
	addressText,
	operationName,
	resolveAddress,
	resolveResource,
	resourceParams,
	wholeOf,
} from "../address.ts";
import { exitCodes, usageError } from "../command-error.ts";
import { type Context, flagOption, type Invocation } from "../context.ts";
import { callFor } from "../door/call.ts";
import { consistencyOption, hooksOption, repositoryOption } from "../options.ts";
import { describePreview } from "../output/describe-preview.ts";
import { say, writeAnswer } from "../output/write.ts";
import { runAll } from "../runs/run-all.ts";

/** Backs up one resource or several at once; of a host everything on it, as one run. */
export async function backup(invocation: Invocation, context: Context): Promise<number> {
	const choice = readChoice(invocation);
	if (flagOption(invocation, "plan")) return await preview(invocation, choice, context);
	return await runAll(invocation, { context, identify: "archive" }, async (word) => {
		// `nas` and `nas/*` are everything on the host, which is one run with parts.
		const { host, resource: found } = await resolveAddress(word.replace(/\/\*$/, ""), context);
		const resource = found ?? wholeOf(host);
		const images = imagesOption(invocation, resource);
		return {
			subject: found === null ? host : addressText({ host, resource }),
			request: {
				version: 1,
				host,
				operation: operationName("backup", resource),
				params: { ...resourceParams(resource), ...choice, ...images },
			},
		};
	});
}

/** @throws CommandError usage */
function readChoice(invocation: Invocation): BackupChoice {
	const consistency = consistencyOption(invocation);
	const hooks = hooksOption(invocation);
	const repository = repositoryOption(invocation);
	return {
		...(consistency === undefined ? {} : { consistency }),
		...(flagOption(invocation, "forceDatabaseFiles") ? { forceDatabaseFiles: true } : {}),
		...(hooks === undefined ? {} : { hooks }),
		...(repository === undefined ? {} : { repository }),
	};
}

/** Says what a backup would do, and how `davit` would end if it could not. */
async function preview(invocation: Invocation, choice: BackupChoice, context: Context): Promise<number> {
	const [word = "", ...others] = invocation.words;
	if (others.length > 0) {
		throw usageError("--plan is of one resource at a time", `davit backup ${word} --plan`);
	}
	const { host, resource } = await resolveResource(word, context);
	const body = { host, resource, choice };
	const found = await callFor("davit/preview/1", { method: "POST", path: "/previews", body }, context);
	writeAnswer(context, { document: found, ids: [resource], text: () => describePreview(found) });
	if (found.blockers.length > 0) return exitCodes.blocked;
	say(context, `do    davit backup ${word}`);
	return exitCodes.done;
}

function imagesOption(invocation: Invocation, resource: string): { readonly images?: true } {
	if (!flagOption(invocation, "images")) return {};
	if (resource.startsWith("stack:") || resource.startsWith("host:")) return { images: true };
	throw usageError(`--images is for stacks, and ${resource} is none`, "leave --images out");
}
